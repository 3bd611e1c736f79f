"""Items with answers and choices: what models write, what is read from it, and what prompts show."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.items import Item
from swarm_core.text import item_formats, item_parser, prompts
from swarm_core.text.item_formats import ItemFormat
from swarm_core.text.item_parser import RejectionReason
from swarm_core.text.prompts import PromptStyle, Wording

OPEN, CHOICE = ItemFormat.QUESTIONS_AND_ANSWERS, ItemFormat.MULTIPLE_CHOICE

ANSWERED = {
    "a label": ("What is 7*8?\nAnswer: 56", "What is 7*8?", "56"),
    "a short label": ("7*8\nA: 56", "7*8", "56"),
    "labels of both": ("Q: 7*8?\nA: 56", "7*8?", "56"),
    "labels of both in a line": ("Q: 7*8? A: 56", "7*8?", "56"),
    "a label in the line": ("What is 7*8? (Answer: 56)", "What is 7*8?", "56"),
    "bold labels": ("**Question:** What?\n**Answer:** 56", "What?", "56"),
    "a bold answer line": ("**What?**\n**Answer: 56**", "What?", "56"),
    "a bold answer": ("What?\nAnswer: **56**", "What?", "56"),
    "italics": ("What?\n*Answer:* 56", "What?", "56"),
    "a bullet": ("What?\n- Answer: 56", "What?", "56"),
    "more words": ("What?\nCorrect answer: 56", "What?", "56"),
    "a sentence": ("What?\nThe answer is 56", "What?", "56"),
    "a solution": ("What?\nSolution: 7*8 = 56", "What?", "7*8 = 56"),
    "an answer below its label": ("What?\nAnswer:\n56", "What?", "56"),
    "an answer of several lines": ("Prove it.\nAnswer: First.\n\nThen.", "Prove it.", "First.\n\nThen."),
    "a question of several lines": ("Given:\nx = 7\n\nWhat?\nAnswer: 56", "Given:\nx = 7\n\nWhat?", "56"),
    "an explanation after it": ("What?\nAnswer: 56\nExplanation: 7*8.", "What?", "56"),
    "reasons before it": ("What?\nReasoning: 7*8 is 56.\nAnswer: 56", "What?", "56"),
    "the answer twice": ("What? (Answer: 56)\nAnswer: 56", "What?", "56\nAnswer: 56"),
    "a label in the reasons": ("What?\nReasoning: so the answer: 56.\nAnswer: 56", "What?", "56"),
    "a second label in the answer": ("What?\nSolution: 7*8\nAnswer: 56", "What?", "7*8\nAnswer: 56"),
    "a dialogue": ("A: I came.\nB: Why?\nWho came?\nAnswer: A", "A: I came.\nB: Why?\nWho came?", "A"),
    "a full-width colon": ("何?\nAnswer：56", "何?", "56"),
    "another case": ("What?\nANSWER: 56", "What?", "56"),
}
NOT_ANSWERED = {
    "no answer": ("What is 7*8?", RejectionReason.NO_ANSWER),
    "a blank answer": ("What is 7*8?\nAnswer: ", RejectionReason.NO_ANSWER),
    "an explanation alone": ("What?\nAnswer:\nExplanation: it is 56", RejectionReason.NO_ANSWER),
    "an answer alone": ("Answer: 56", RejectionReason.NO_QUESTION),
    "labels alone": ("Question:\nAnswer: 56", RejectionReason.NO_QUESTION),
    "a promise": ("The answer is below.", RejectionReason.NO_QUESTION),
}


@pytest.mark.parametrize(("entry", "text", "answer"), ANSWERED.values(), ids=ANSWERED)
def test_an_answer_is_read_in_the_forms_that_models_write(entry: str, text: str, answer: str) -> None:
    assert item_formats.read_entry(OPEN, entry) == Item(text, reference=answer)


@pytest.mark.parametrize(("entry", "reason"), NOT_ANSWERED.values(), ids=NOT_ANSWERED)
def test_an_entry_without_question_and_answer_is_no_item(entry: str, reason: RejectionReason) -> None:
    assert item_formats.read_entry(OPEN, entry) == reason


CHOSEN = {
    "a letter": "Where?\nA) here\nB) there\nAnswer: B",
    "letters in brackets": "Where?\n(A) here\n(B) there\nAnswer: (B)",
    "letters with a period": "Where?\nA. here\nB. there\nAnswer: B.",
    "letters with a colon": "Where?\nA: here\nB: there\nAnswer: B",
    "square brackets": "Where?\n[A] here\n[B] there\nAnswer: [B]",
    "small letters": "Where?\na) here\nb) there\nAnswer: b",
    "bullets": "Where?\n- A. here\n- B. there\nAnswer: B",
    "bold letters": "Where?\n**A)** here\n**B)** there\n**Answer:** B",
    "bold choices": "Where?\n**A) here**\n**B) there**\n**Answer: B**",
    "a bold letter": "Where?\nA) here\nB) there\nAnswer: **B**",
    "blank lines": "Where?\n\nA) here\n\nB) there\n\nAnswer: B",
    "letter and text": "Where?\nA) here\nB) there\nAnswer: B) there",
    "letter and more": "Where?\nA) here\nB) there\nAnswer: B, there, because it is far",
    "the text": "Where?\nA) here\nB) there\nCorrect answer: There.",
    "the word option": "Where?\nA) here\nB) there\nCorrect option: B",
    "an option in the answer": "Where?\nA) here\nB) there\nAnswer: Option B",
    "the answer first": "Where?\nAnswer: B\nA) here\nB) there",
    "one line": "Where? A) here B) there Answer: B",
    "one line in brackets": "Where? (A) here, (B) there (Answer: B)",
    "choices in one line": "Where?\nA) here  B) there\nAnswer: B",
    "a mark": "Where?\nA) here\nB) there (correct)",
    "a tick": "Where?\nA) here\nB) there ✓",
    "a mark and the letter": "Where?\nA) here\nB) there (correct)\nAnswer: B",
    "the answer twice": "Where? Answer: B\nA) here\nB) there\nAnswer: B",
    "an explanation": "Where?\nA) here\nB) there\nAnswer: B\nExplanation: A) is near.",
    "a bold question": "**Where?**\nA) here\nB) there\nAnswer: B",
    "a labeled question": "**Question:** Where?\nA) here\nB) there\nAnswer: B",
}
NOT_CHOSEN = {
    "no choices": ("Where?\nAnswer: B", RejectionReason.NO_CHOICES),
    "one choice": ("Where?\nA) here\nAnswer: A", RejectionReason.NO_CHOICES),
    "two equal choices": ("Where?\nA) here\nB) Here.\nAnswer: A", RejectionReason.NO_CHOICES),
    "an empty choice": ("Where?\nA) here\nB)\nAnswer: A", RejectionReason.NO_CHOICES),
    "no answer": ("Where?\nA) here\nB) there", RejectionReason.NO_ANSWER),
    "two marks": ("Where?\nA) here ✓\nB) there ✓", RejectionReason.NO_ANSWER),
    "a letter without a choice": ("Where?\nA) here\nB) there\nAnswer: C", RejectionReason.UNKNOWN_CHOICE),
    "a sign whose small letter is k": ("Where?\nA) here\nB) there\nAnswer: \u212a", RejectionReason.UNKNOWN_CHOICE),
    "a letter whose small letter is i": ("Where?\nA) here\nB) there\nAnswer: \u0130", RejectionReason.UNKNOWN_CHOICE),
    "a text of no choice": ("Where?\nA) here\nB) there\nAnswer: nowhere", RejectionReason.UNKNOWN_CHOICE),
    "letter and another text": ("Where?\nA) here\nB) there\nAnswer: A) there", RejectionReason.UNKNOWN_CHOICE),
    "two letters": ("Where?\nA) here\nB) there\nAnswer: A and B", RejectionReason.UNKNOWN_CHOICE),
    "letters that contradict": ("Where?\nA) B\nB) A\nAnswer: A", RejectionReason.UNKNOWN_CHOICE),
    "no question": ("A) here\nB) there\nAnswer: B", RejectionReason.NO_QUESTION),
}


@pytest.mark.parametrize("entry", CHOSEN.values(), ids=CHOSEN)
def test_choices_are_read_in_the_forms_that_models_write(entry: str) -> None:
    assert item_formats.read_entry(CHOICE, entry) == Item("Where?", reference="there", choices=("here", "there"))


@pytest.mark.parametrize(("entry", "reason"), NOT_CHOSEN.values(), ids=NOT_CHOSEN)
def test_an_entry_whose_choice_is_not_clear_is_no_item(entry: str, reason: RejectionReason) -> None:
    assert item_formats.read_entry(CHOICE, entry) == reason


def test_a_label_or_a_mark_within_another_choice_is_its_text() -> None:
    choices = ("here (correct)", "The answer: there")
    entry = f"Where?\nA) {choices[0]}\nB) {choices[1]}\nAnswer: B"
    assert item_formats.read_entry(CHOICE, entry) == Item("Where?", reference=choices[1], choices=choices)


def test_a_side_in_brackets_is_no_mark() -> None:
    choices = ("hand (left)", "hand (right)")
    item = Item("Which?", reference=choices[1], choices=choices)
    entry = item_formats.format_entry(CHOICE, item)
    assert item_formats.read_entry(CHOICE, entry) == item
    assert item_formats.read_entry(CHOICE, entry.removesuffix("\nAnswer: B")) is RejectionReason.NO_ANSWER


def test_questions_alone_are_read_as_they_are() -> None:
    assert item_formats.read_entry(ItemFormat.QUESTIONS, "Where?\nAnswer: B") == Item("Where?\nAnswer: B")


TEXTS = st.lists(
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
    | st.sampled_from(["\n", "A) ", "B)", "Answer:", "A:", "(b) ", "**", "`", "Q:", "1. ", "- ", "(correct)", "C. x"]),
    min_size=1,
    max_size=5,
).map(lambda parts: item_parser.normalize_lines("".join(parts)))
ITEMS = st.builds(
    lambda text, choices, right: Item(text, choices[right % len(choices)], tuple(choices)),
    TEXTS, st.lists(TEXTS, min_size=1, max_size=5), st.integers(0, 4),
)  # fmt: skip


@pytest.mark.parametrize("style", PromptStyle)
@pytest.mark.parametrize("item_format", [OPEN, CHOICE])
@given(item=ITEMS)
def test_an_item_that_counts_as_readable_comes_back_from_a_list(
    style: PromptStyle, item_format: ItemFormat, item: Item
) -> None:
    wording = Wording(style, "sums", format=item_format)
    if not prompts.item_comes_back(wording, item):
        return
    entries = prompts.format_entries(wording, [item, item, item])
    parsed = item_parser.parse(prompts.format_list(style, entries), 3)
    read = [item_formats.read_entry(item_format, entry) for entry in parsed.items]
    shown = item if item_format is CHOICE else replace(item, choices=())
    assert read == [shown] * 3


PLAIN = [
    Item("What is 7*8?", "56", ("54", "56", "58")),
    Item("Given:\nx = 7\n\nWhat is x?", "seven\n\n(7)", ("six", "seven\n\n(7)")),
    Item("Is `x` a name?", "Yes.", ("Yes.", "No.", "Nobody knows.")),
]


@pytest.mark.parametrize("style", PromptStyle)
@pytest.mark.parametrize("item", PLAIN[::2], ids=["one line", "code"])
@pytest.mark.parametrize("item_format", ItemFormat)
def test_ordinary_items_come_back_in_every_format(style: PromptStyle, item: Item, item_format: ItemFormat) -> None:
    assert prompts.item_comes_back(Wording(style, "sums", format=item_format), item)


@pytest.mark.parametrize("style", PromptStyle)
def test_questions_and_answers_of_several_lines_come_back(style: PromptStyle) -> None:
    assert prompts.item_comes_back(Wording(style, "sums", format=OPEN), PLAIN[1])


@pytest.mark.parametrize("style", PromptStyle)
@pytest.mark.parametrize(
    "item",
    [
        Item("Question: which?", "56", ("54", "56")),
        Item("Say it.\nAnswer: how?", "56", ("54", "56")),
        Item("Which?", "a)\nb)\nAnswer: 5", ("x\nB) y", "a)\nb)\nAnswer: 5")),
    ],
    ids=["label of a question", "label of an answer", "label in the choices"],
)
def test_items_that_would_be_read_otherwise_do_not_come_back(style: PromptStyle, item: Item) -> None:
    assert not prompts.item_comes_back(Wording(style, "sums", format=CHOICE), item)


def test_an_entry_shows_question_choices_and_letter() -> None:
    wording = Wording(PromptStyle.CHAT, "sums", format=CHOICE)
    prompt = prompts.format_generation(wording, prompts.format_entries(wording, PLAIN[:1]))
    assert prompt.endswith("\n\n1. What is 7*8?\n   A) 54\n   B) 56\n   C) 58\n   Answer: B\n")
    assert "the letter of the one correct choice" in prompt


def test_a_plain_entry_has_the_label_that_takers_are_asked_with() -> None:
    wording = Wording(PromptStyle.PLAIN, "sums", format=OPEN)
    asked, learned = prompts.format_training_pair(
        wording, prompts.format_entries(wording, PLAIN[:1]), prompts.format_entries(wording, [Item("1+2", "3")])
    )
    assert asked == "- What is 7*8?\n  A: 56\n"
    assert learned == "- 1+2\n  A: 3\n"


def test_takers_see_choices_only_where_the_format_has_them() -> None:
    (item, *_) = PLAIN
    assert item.shown_text == item_formats.show_choices(OPEN, item).shown_text == "What is 7*8?"
    shown = item_formats.show_choices(CHOICE, item)
    assert shown.shown_text == "What is 7*8?\nA) 54\nB) 56\nC) 58"
    assert shown.text == item.text
    assert Item.from_fields(shown.to_fields()) == shown


def test_the_place_of_the_right_choice_does_not_follow_its_writer() -> None:
    items = [Item(f"Which of {n}?", "right", ("right", "left", "middle", "top")) for n in range(400)]
    places = [item_formats.shuffle_choices(item).choices.index("right") for item in items]
    assert all(70 < places.count(place) < 130 for place in range(4))
    turned = [replace(item, choices=item.choices[::-1]) for item in items]
    assert [item_formats.shuffle_choices(item) for item in turned] == [
        item_formats.shuffle_choices(item) for item in items
    ]


@pytest.mark.parametrize(
    "last", ["None of the above", "All of these", "Both A and B", "A and C", "neither B nor A", "The one above"]
)
def test_choices_that_mean_others_keep_their_places(last: str) -> None:
    for number in range(8):
        item = Item(f"Which of {number}?", "x", ("x", "y", last))
        assert item_formats.shuffle_choices(item) == item

"""Word problems of the grammar have an exact answer; everything else is refused with its reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import plugins, ports
from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.judges import word_problem_story
from swarm_core.judges.word_problem import WordProblemJudge
from swarm_core.judges.word_problem_story import MAX_LENGTH, MAX_STEPS, Amount, Step, Story, StoryError
from swarm_core.judges.word_problem_words import PRONOUNS, TOPIC_OF, TOPICS
from swarm_core.objectives.scores import Unscored, UnscoredReason

JUDGE = WordProblemJudge()
PENS = "Tom has 3 boxes with 4 pens each. He loses 5. How many pens does Tom have?"

ANSWERS = {
    "Mia has 12 apples. She buys 30. How many apples does Mia have?": "42",
    "Mia has 12 apples. She eats 12. How many apples does Mia have?": "0",
    "Tom has 3 boxes with 4 pens each. How many pens does Tom have?": "12",
    PENS: "7",
    "Ann has 20 roses. She plants 2 rows with 6 each. How many roses does Ann have?": "32",
    "Ann has 20 roses. She cuts 3 rows with 6 each. How many roses does Ann have?": "2",
    "Tom has 12 pens. He eats 5. He gets 2 bags with 3 each. How many pens does Tom have?": "13",
    "Leo has 9 crabs. He frees 8. He catches 7. He drops 6. How many crabs does Leo have?": "2",
}


@pytest.mark.parametrize("text", ANSWERS)
def test_a_story_has_the_answer_that_its_steps_add_up_to(text: str) -> None:
    item = Item(text)
    assert JUDGE.refusal(item) is None
    assert JUDGE.solution(item) == ANSWERS[text]
    assert JUDGE.requests(item, ANSWERS[text]) == ()
    assert JUDGE.score(item, ANSWERS[text], ()) == 1.0
    assert JUDGE.score(item, str(int(ANSWERS[text]) + 1), ()) == 0.0


REFUSED = {
    "": "one sentence",
    "12+34": "one sentence",
    "Tom has 12 pens.": "one sentence",
    "Tom has 12 pens. How many pens does Tom have?": "0 operations; a word problem has 1 to 3",
    "Tom has 9 pens. He buys 2. He buys 2. He buys 2. He buys 2. How many pens does Tom have?": "4 operations",
    "Tom has 2 boxes with 9 pens each. He buys 2 packs with 3 each. He loses 2. How many pens does Tom have?": "4 oper",
    "Tom has 12 pens. He loses 13. How many pens does Tom have?": "13 pens are taken, but only 12 are there",
    "Tom has 9 pens. He loses 9. He loses 2. He buys 9. How many pens does Tom have?": "2 pens are taken, but only 0",
    "Tom has 9 pens. He loses 2 boxes with 5 each. How many pens does Tom have?": "10 pens are taken, but only 9",
    "Tom has 0 boxes with 4 pens each. He buys 5. How many pens does Tom have?": "'0' is not a number from 2 to 999",
    "Tom has 1 pens. He buys 5. How many pens does Tom have?": "'1' is not a number",
    "Tom has 012 pens. He buys 5. How many pens does Tom have?": "'012' is not a number",
    "Tom has 1000 pens. He buys 5. How many pens does Tom have?": "'1000' is not a number",
    "Tom has -12 pens. He buys 5. How many pens does Tom have?": "'-12' is not a number",
    "Tom has \uff11\uff12 pens. He buys 5. How many pens does Tom have?": "is not a number",
    "Tom has 2.5 pens. He buys 5. How many pens does Tom have?": "'2.5' is not a number",
    "Bob has 12 pens. He buys 5. How many pens does Bob have?": "'Bob' is not a name of the grammar",
    "Tom has 12 cars. He buys 5. How many cars does Tom have?": "'cars' is not a thing of the grammar",
    "Tom has 12 pens. She buys 5. How many pens does Tom have?": "'She' does not stand for Tom; 'He' does",
    "Tom has 12 pens. He reads 5. How many pens does Tom have?": "'reads' is not a verb of the grammar",
    "Tom has 3 cups with 4 pens each. He buys 5. How many pens does Tom have?": "'cups' is not a container of",
    "Tom has 12 pens. He buys 5 books. How many pens does Tom have?": "'5 books' is not an amount",
    "Tom has 12 pens. He buys. How many pens does Tom have?": "'He buys' is not a step",
    "Tom has 12 pens. He buys 5. How many books does Tom have?": "the end is not 'How many pens does Tom have?'",
    "Tom has 12 pens. He buys 5. How many pens does Mia have?": "the end is not",
    "Tom has 12 pens. He buys 5. How many pens does Tom have? 17": "the end is not",
    "Tom has 12 pens. He buys 5. How many pens does Tom have": "the end is not",
    "Tom owns 12 pens. He buys 5. How many pens does Tom have?": "the first sentence is not",
    "- Tom has 12 pens. He buys 5. How many pens does Tom have?": "the first sentence is not",
    "Tom has 12 pens. " * 30: f"510 characters; a word problem has at most {MAX_LENGTH}",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_problem_of_the_grammar_is_refused_with_its_reason(text: str) -> None:
    reason = JUDGE.refusal(Item(text))
    assert reason is not None
    assert REFUSED[text] in reason
    assert "\n" not in reason
    assert JUDGE.canonical(Item(text)) is JUDGE.solution(Item(text)) is JUDGE.describe(Item(text)) is None
    assert JUDGE.score(Item(text), "17", ()) == Unscored(UnscoredReason.JUDGE_FAILED, reason)


@pytest.mark.parametrize(
    "spelling",
    [
        PENS.replace(" He", "  He"), PENS.replace(". He", ".\nHe"), PENS.replace("3 boxes", "3boxes"), PENS.lower(),
        PENS.replace("boxes", "BOXES"), f" {PENS}", f"{PENS} ", PENS.replace("4", "\u200b4"), PENS.replace("?", " ?"),
        PENS.replace(". H", " . H"), PENS.replace("e", "\u0435"),
    ],
)  # fmt: skip
def test_a_problem_has_one_spelling(spelling: str) -> None:
    assert JUDGE.refusal(Item(spelling)) is not None


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (" 7", 1.0), ("Tom has 7 pens.", 1.0), ("12 - 5 = 7", 1.0), ("7.0", 1.0), (r"\boxed{7}", 1.0), ("8", 0.0),
        ("17", 0.0), ("-7", 0.0), ("7/1", 0.0), ("12 - 5", 0.0), ("", 0.0), (" \n", 0.0), ("7.001", 0.0),
    ],
)  # fmt: skip
def test_an_answer_is_the_number_that_it_states(answer: str, score: float) -> None:
    assert JUDGE.score(Item(PENS), answer, ()) == score


@pytest.mark.parametrize("answer", ["I do not know.", "seven", "x" * 300_000])
def test_an_answer_without_a_number_has_no_score(answer: str) -> None:
    score = JUDGE.score(Item(PENS), answer, ())
    assert isinstance(score, Unscored)
    assert score.reason is UnscoredReason.UNREADABLE


LEO = "Leo has 9 crabs. He finds 8. He frees 3. How many crabs does Leo have?"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (LEO.replace("Leo", "Ben"), True),
        (LEO.replace("Leo", "Zoe").replace("He", "She"), True),
        (LEO.replace("finds", "catches").replace("frees", "drops"), True),
        ("Leo has 8 crabs. He frees 3. He finds 9. How many crabs does Leo have?", True),
        (LEO.replace("crabs", "shells"), False),
        (LEO.replace("8", "7"), False),
        ("Leo has 9 crabs. He finds 3. He frees 8. How many crabs does Leo have?", False),
        ("Leo has 9 crabs. He finds 8. How many crabs does Leo have?", False),
        ("Leo has 9 crabs. He finds 2 nets with 4 each. He frees 3. How many crabs does Leo have?", False),
    ],
)
def test_names_verbs_and_the_order_of_steps_do_not_make_another_problem(other: str, same: bool) -> None:
    forms = [canonicalize_item(Item(text), JUDGE) for text in (LEO, other)]
    assert JUDGE.refusal(Item(other)) is None
    assert (forms[0] == forms[1]) is same


def test_containers_do_not_make_another_problem() -> None:
    nets = "Leo has 3 nets with 4 crabs each. How many crabs does Leo have?"
    buckets = "Leo has 4 buckets with 3 crabs each. How many crabs does Leo have?"
    plain = "Leo has 12 crabs. He finds 3. How many crabs does Leo have?"
    assert JUDGE.canonical(Item(nets)) == JUDGE.canonical(Item(buckets)) == "crabs +3*4"
    assert JUDGE.canonical(Item(plain)) == "crabs +12 +3"


def test_a_problem_has_features() -> None:
    assert JUDGE.describe(Item(PENS)) == {"topic": "school", "operations": "*-", "steps": 2, "largest": 5}
    assert JUDGE.describe(Item(LEO)) == {"topic": "beach", "operations": "+-", "steps": 2, "largest": 9}


def test_the_verifier_offers_all_that_a_program_can() -> None:
    part = plugins.build_part("verifiers", "WordProblem", {})
    assert isinstance(part, WordProblemJudge)
    assert isinstance(part, ports.Solver)
    assert isinstance(part, ports.Canonicalizer)
    assert isinstance(part, ports.Describer)


def test_no_word_has_two_meanings() -> None:
    things = [thing for topic in TOPICS for thing in topic.things]
    containers = [container for topic in TOPICS for container in topic.containers]
    assert len({*things, *containers}) == len(things) + len(containers)
    gains, losses = (
        {verb for topic in TOPICS for verb in verbs(topic)} for verbs in (lambda t: t.gains, lambda t: t.losses)
    )
    assert not gains & losses


AMOUNTS = st.integers(2, 999)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Stories of the grammar, with or without an answer."""
    topic = draw(st.sampled_from(TOPICS))

    def amount() -> Amount:
        if draw(st.booleans()):
            return Amount(draw(AMOUNTS))
        return Amount(draw(AMOUNTS), draw(AMOUNTS), draw(st.sampled_from(topic.containers)))

    signs = draw(st.text("+-", max_size=MAX_STEPS))
    verbs = {"+": topic.gains, "-": topic.losses}
    steps = tuple(Step(draw(st.sampled_from(verbs[sign])), sign, amount()) for sign in signs)
    return Story(draw(st.sampled_from(list(PRONOUNS))), draw(st.sampled_from(topic.things)), amount(), steps)


def is_answerable(story: Story) -> bool:
    try:
        word_problem_story.check_answerable(story)
    except StoryError:
        return False
    return True


@given(stories())
def test_a_story_is_read_as_it_is_written_if_it_has_an_answer(story: Story) -> None:
    text = word_problem_story.format_story(story)
    assert len(text) <= MAX_LENGTH
    if is_answerable(story):
        assert word_problem_story.parse(text) == story
        assert story.answer >= 0
        assert 1 <= len(story.operations) <= MAX_STEPS
    else:
        assert JUDGE.refusal(Item(text)) is not None


@given(stories().filter(is_answerable), st.sampled_from(list(PRONOUNS)), st.sampled_from(list(TOPIC_OF)))
def test_a_name_does_not_count_and_a_thing_does(story: Story, name: str, thing: str) -> None:
    text = word_problem_story.format_story(story)
    renamed = word_problem_story.format_story(replace(story, name=name))
    assert JUDGE.canonical(Item(text)) == JUDGE.canonical(Item(renamed))
    other = word_problem_story.format_story(replace(story, thing=thing))
    if JUDGE.refusal(Item(other)) is None:
        assert (JUDGE.canonical(Item(text)) == JUDGE.canonical(Item(other))) is (thing == story.thing)

"""A disguise never changes the canonical text; another question always does."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core.text.canonical_text import canonicalize
from swarm_core.text.lookalikes import CASELESS, LOOKALIKES

QUESTIONS = (
    "What is the capital of France?", "Compute the number 97*98 - 3", 'Who said "I am"?', "Solve the equation x+2=5",
    "What is 5!", "How many ways are there (with n = 4)",
)  # fmt: skip
INVISIBLE = "\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u3164\ufe0f\ufeff"
TAGS = "\U000e0041\U000e0100"
SPACES = " \t\n\r\u00a0\u1680\u2003\u2009\u2028\u202f\u205f\u2800\u3000"
GLYPHS = {
    "*": "×⋅·∗∙✕✖⨯＊﹡╳\u2062", "-": "−–‐‑‒—﹣－➖˗", "+": "＋﹢➕", '"': "“”„«»＂「", "=": "＝﹦꞊꓿", "?": "？﹖",
    "i": "ıіι", "r": "гᴦ", "I": "İІ", "(": "（❨", "!": "！ǃ",
}  # fmt: skip
ENDS = ["", " ", "?", " = ?", "=", "=?", " = ___", "...", "…", "？", ".", ":", "?!", "?!!", "‽", " ."]
FRAMES = [("", ""), ("“", "”"), ('"', '"'), ("‘", "’"), ("«", "»"), ("¿", ""), ("「", "」"), ("`", "`")]


def list_glyphs(character: str) -> str:
    """All characters that a reader takes for this one."""
    code = ord(character)
    styles = ""
    if character.isascii() and character.isalpha():
        first = 0x1D400 if character.isupper() else 0x1D41A  # bold; sans-serif and monospace follow
        letter = code - ord("A" if character.isupper() else "a")
        styles = "".join(chr(first + start + letter) for start in (0, 0x1A0, 0x270)) + chr(code + 0xFEE0)
    if character.isdigit():
        styles = "".join(chr(start + int(character)) for start in (0x660, 0x966, 0xFF10, 0x1D7CE, 0x1D7F6))
    return character + styles + GLYPHS.get(character, "")


@st.composite
def disguises(draw: st.DrawFn, question: str) -> str:
    """The question in other glyphs, with invisible characters, other spaces and another end."""
    parts = []
    for character in question:
        glyphs = SPACES if character == " " else list_glyphs(character)
        parts += [draw(st.sampled_from(glyphs)), *draw(st.lists(st.sampled_from(INVISIBLE + TAGS), max_size=1))]
    before, after = draw(st.sampled_from(FRAMES if not set("\"'") & set(question) else FRAMES[:1]))
    return before + "".join(parts) + draw(st.sampled_from(ENDS)) + after


@settings(deadline=None)
@given(data=st.data(), question=st.sampled_from(QUESTIONS))
def test_a_disguise_does_not_change_the_canonical_text(data: st.DataObject, question: str) -> None:
    assert canonicalize(data.draw(disguises(question))) == canonicalize(question)


LETTERS = [(letter, plain) for plain, letters in LOOKALIKES.items() for letter in letters]


@pytest.mark.parametrize("plain", LOOKALIKES)
def test_a_letter_that_looks_latin_is_that_letter_in_a_word_with_latin_letters(plain: str) -> None:
    for letter in LOOKALIKES[plain]:
        assert canonicalize(f"qu{letter}q is it?") == canonicalize(f"qu{plain}q is it?"), unicodedata.name(letter)


def test_every_lookalike_stands_for_one_character() -> None:
    letters = [letter for letter, _ in LETTERS]
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("start", [0x0370, 0x0400])
def test_no_two_letters_of_one_script_have_one_caseless_entry(start: int) -> None:
    for letters in CASELESS.values():
        assert sum(start <= ord(letter) < start + 0x90 for letter in letters) <= 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("х + у", "x + y"),
        ("What is Α?", "What is A?"),
        ("З + 2", "3 + 2"),
        ("97 x 98", "97 × 98"),
        ("97x98x99", "97*98*99"),
        ("½ of 8", "1/2 of 8"),
        ("3½", "3 1/2"),
        ("x²", "x^2"),
        ("x⁻¹²", "x^-12"),
        ("1️⃣+2️⃣", "1+2"),
        ("🅰nd", "and"),
        ("ᴡʜᴀᴛ is it", "What is it?"),
        ("¿Qué hora es?", "qué hora es"),
        ("2 ≤ 3", "2 <= 3"),
        ("a \u0308", "ä"),
        ("СОН", "сон"),
        ("ΑΘΗΝΑ", "αθηνα"),
        ("Η πόλη", "η πόλη"),
        ("What ıs Parıs?", "What is Paris?"),
        ("İstanbul", "istanbul"),
        ("Par¡s", "Paris"),
        ("What ¡s it?", "What is it?"),
        ("¡Suma 2+3!", "Suma 2+3"),
        ("Whеге is it", "Where is it"),
        ("“What is 2+3?”", "What is 2+3"),
        ("'What is “it”?'", 'What is "it"'),
        ("How many are there?!", "How many are there."),
        ("How many are there!!!", "How many are there"),
        ("5! = ?", "5!"),
        ("5!?", "5!"),
        ("5?!", "5"),
        ("Count the apples:", "Count the apples"),
        ("ᑲook", "book"),
    ],
)
def test_two_spellings_have_one_canonical_text(one: str, other: str) -> None:
    assert canonicalize(one) == canonicalize(other)


@pytest.mark.parametrize(
    "texts",
    [
        ("6²", "62", "6 2"),
        ("3½", "31/2", "31 2"),
        ("x-1", "x+1", "x*1", "x/1", "x1"),
        ("5!", "5!!", "5"),
        ("n!", "n"),
        ("(2+3)!", "(2+3)"),
        ("What is ten!", "What is ten"),
        ("Is it “A”?", "Is it A?"),
        ('"A" or "B"', 'A" or "B'),
        ("2-3", "2+3", "2*3", "2/3", "2:3", "2^3", "23"),
        ("1,2", "12", "1.2"),
        ("0x10", "0*10"),
        ("α", "a"),
        ("Is α more than a?", "Is a more than α?"),
        ("año", "ano"),
        ("sınır", "sinir"),
        ("вол", "вод", "вот"),
        ("10", "1O", "lO"),
        ("97 98", "9798"),
        ("2+2=", "2+2=4"),
        ("?", "="),
        ("0.5", "05", "5"),
    ],
)
def test_different_questions_have_different_canonical_texts(texts: tuple[str, ...]) -> None:
    assert len({canonicalize(text) for text in texts}) == len(texts)


CYRILLIC = st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", min_size=1, max_size=6)


@settings(deadline=None)
@given(one=CYRILLIC, other=CYRILLIC)
def test_words_of_another_script_stay_different_in_any_case(one: str, other: str) -> None:
    assert (canonicalize(one) == canonicalize(other)) == (one == other)
    assert canonicalize(one) == canonicalize(one.upper())


@settings(deadline=None)
@given(text=st.text() | st.text(INVISIBLE + "".join(GLYPHS.values()) + "²½xοавΑ 0?=!¡ı'`.the\u0307", max_size=12))
def test_the_canonical_text_of_a_canonical_text_is_itself(text: str) -> None:
    assert canonicalize(canonicalize(text)) == canonicalize(text)


NUMBERS = st.integers(0, 120)
ARITHMETIC = st.builds(
    "{}{}{}{}{}{}".format,
    NUMBERS,
    st.sampled_from(["", "!", "!!"]),
    st.sampled_from("+-*/^"),
    NUMBERS,
    st.sampled_from(["", "!"]),
    st.sampled_from(["", "+1", "-1", "*(2+3)!"]),
)


@settings(deadline=None)
@given(data=st.data(), one=ARITHMETIC, other=ARITHMETIC)
def test_two_terms_have_one_canonical_text_only_if_they_are_one(data: st.DataObject, one: str, other: str) -> None:
    assert (canonicalize(one) == canonicalize(other)) == (one == other)
    shown = data.draw(st.sampled_from(["{}", "{} =", "{} = ?", "{}.", "“{}”", "¿{}?", "'{} = ?'"])).format(one)
    assert canonicalize(shown) == canonicalize(one)

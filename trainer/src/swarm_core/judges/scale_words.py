"""Words for powers of ten after a number, such as `million`, and numbers written with several of them.

`9 thousand 500`, `9千500` and `1 crore 5 lakh` are one number each: the sum of parts, where each part is smaller than
the power of ten before it. So the last part is never taken for the number.

Limits: words are known in the languages of `POWERS`. Words in front of digits are not read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from swarm_core.judges.numerals import Numeral, shift_point
from swarm_core.judges.plain_math import MARK

POWERS = {
    2: "hundred hundreds hundert cent cento सौ 百 백",
    3: "thousand thousands k tausend tsd mille mila milhares duizend tusen tusind tuhat tisíc tys tysiąc tysiące "
    "tysięcy тыс тысяча тысячи тысяч тисяч ribu nghìn ngàn พัน ألف آلاف الف هزار אלף हज़ार हज़ार हजार হাজার 千 천",
    4: "万 萬 만 หมื่น",
    5: "lakh lakhs lac लाख লাখ แสน",
    6: "million millions millionen mio mn mln millón millones milhão milhões milione milioni miljoen miljon miljoner "
    "milion miliony milionów milyon млн миллион миллиона миллионов juta triệu ล้าน مليون ملايين میلیون מיליון",
    7: "crore crores करोड़ करोड़ কোটি",
    8: "亿 億 억",
    9: "billion billions bn milliarden milliarde mrd mld milliard milliards miljard miljarder miliard miliardy "
    "miliardo miliardi milyar млрд миллиард миллиарда миллиардов miliar tỷ مليار میلیارد",
    12: "trillion trillions tn billionen biljoen triliun трлн триллион триллионов 兆 조",
}
"""The words for each power of ten, in lower case."""
POWER_OF = {word: power for power, words in POWERS.items() for word in words.split()}
OTHER_UNITS = frozenset({"dozen", "dozens", "score", "gross", "dutzend", "douzaines"})
"""Words that count something else than powers of ten."""
UNCLEAR = r"(?:mil|bin|[MBT])(?!\w)"
"""Words and letters that are powers of ten for some writers, and something else for others."""
ABBREVIATED = "тыс|млн|млрд|tsd|tys|mio|mrd"
"""Words that a point follows within a sentence."""
WORDS = "|".join(
    sorted((re.escape(word) for word in {*POWER_OF, *OTHER_UNITS} if len(word) > 1), key=len, reverse=True)
)
SCALE = re.compile(
    rf"[ {MARK}]{{0,2}}(?:(?P<sign>[百千万萬亿億兆백천만억조])|(?P<unclear>{UNCLEAR})"
    rf"|(?P<short>(?i:{ABBREVIATED}))\. ?(?=[0-9€$])|(?P<word>(?i:{WORDS}|k))(?!\w))"
)
JOINING = re.compile(r"(?:,? (?:and |und |e |et |y )?|)")
"""What stands between the parts of one number."""
MAX_WORDS = 3
"""Number of words that may follow one number, such as the two of `5 hundred thousand`."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """A number with the words for powers of ten after it."""

    numeral: Numeral | None
    """The number times the powers of ten. None if a word counts something else than ones."""
    end: int
    """Place after the last word."""
    power: int = 0
    """The power of ten of the words; 0 if there is none."""
    doubt: str | None = None
    """The reason why a word is not clear; None if all are."""


def read_scale(numeral: Numeral | None, text: str, end: int) -> Scaled:
    """Return `numeral`, which ends at `end` in `text`, with the words for powers of ten after it."""
    power, doubt = 0, None
    for found in iterate_words(text, end):
        word = found["sign"] or found["short"] or found["word"] or ""
        if found["unclear"]:
            doubt = f"{found['unclear']!r} after the number, which may be a power of ten"
        elif word.casefold() in OTHER_UNITS:
            numeral = None
        else:
            power += POWER_OF.get(word.casefold(), 0)
        end = found.end()
    return Scaled(None if numeral is None else shift_point(numeral, power), end, power, doubt)


def iterate_words(text: str, end: int) -> Iterator[re.Match[str]]:
    """The words of `SCALE` that follow each other from `end`."""
    for _ in range(MAX_WORDS):
        found = SCALE.match(text, end)
        if found is None:
            return
        yield found
        end = found.end()


def add_part(whole: Numeral, power: int, gap: str, part: Numeral, part_power: int) -> Numeral | None:
    """Return the number of which `whole` and `part` are parts; None if they are two numbers.

    The powers are those of the words after each, and `gap` is the text between them.
    """
    fits = part.places is not None and 0 <= part.value < Fraction(10) ** power and part_power < power
    if not fits or not JOINING.fullmatch(gap):
        return None
    return Numeral(whole.value + (part.value if whole.value >= 0 else -part.value), part.places)

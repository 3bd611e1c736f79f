"""The relation of two numbers that follow each other on one line, from the text between them.

Two numbers are two statements only if something separates them: a word, the end of a sentence, a parenthesis, the
border of a cell. If only signs or spaces stand between them, they are pieces of one thing that is not a number. So the
tail of a number with an unknown separator is never taken for a number.

Limits: the words that join numbers to a list are known in six languages.
"""

import re
from enum import Enum

from swarm_core.judges.plain_math import BRACKETS, CURRENCY, MARK

MAX_GAP = 80
"""Maximum number of characters between two related numbers."""
TAIL = rf"[{BRACKETS}]*[-+]?[{BRACKETS}]*"
"""What may stand between the relation and the digits: brackets and a sign."""
BESIDE = re.compile(rf"[ {MARK}{CURRENCY}{{}}]*[-+]?|[.,'_:]+|[ ]:[ ]")
OPERATOR = re.compile(
    rf"[{BRACKETS}]*(?:[A-Za-z°%]{{1,12}}\.?[ ]?(?=[+*/÷]))?[{BRACKETS}]*"
    rf"(?:\*\*|[-+*/÷^±!]|[xX](?=[ 0-9(])|[ ]?(?:mod|rem|remainder|rest|r\.?|R|plus|minus|times)[ ]){TAIL}"
)
ABOUT = re.compile(rf"[^=≈≠<>]*≈[{BRACKETS}=]*{TAIL}")
EQUALS = re.compile(rf"[^=≈≠<>]*={TAIL}")
JOINED = re.compile(
    rf"[{BRACKETS}%]*(?:[A-Za-z]{{1,12}}[ ])?"
    r"(?:[,;]|[ ]?[—~][ ]?|[,;]?[ ]?(?:(?:or|and)(?:[ ](?:maybe|else|perhaps))?|to|through|until|vs\.?"
    rf"|oder|bis|und|bzw\.?|ou|à|et|o|y|или|до|и|或|到|至|和)[ ]?){TAIL}",
    re.IGNORECASE,
)
UNITS = (
    "years?|yrs?|months?|weeks?|days?|hours?|hrs?|h|minutes?|mins?|min|m|Stunden?|Std|Minuten?|heures?|horas?|часа?|feet|foot"
    "|ft|pounds?|lbs?|stones?|dollars?|euros?|pesos|rupees|km|kg|meters?|metres?|miles?|gallons?|shillings?"
)
TWO_UNITS = re.compile(rf"[ {MARK}]*(?:{UNITS}),? (?:and |und |et |y )?", re.IGNORECASE)
"""The larger unit of a quantity in two units."""
SILENT = re.compile(r"\\[A-Za-z]+|\^\{[^{}]*\}")
"""Commands and exponents, which begin no new statement."""
SEPARATES = re.compile(r"[^\W_]|[.!?:][ ]|[。！？：(|⇒\[]")


class Relation(Enum):
    """How a number is related to the number before it."""

    NONE = "none"
    EQUAL = "equal"
    """It is the other side of an equation."""
    ABOUT = "about"
    """It is the other side of an approximation."""
    OPERAND = "operand"
    """Both are parts of one calculation, or ends of a range, or pieces of something that is not a number."""
    TWO_UNITS = "two units"
    """Both are parts of one quantity, such as `1 hour 30 minutes`."""
    JOINED = "joined"
    """They stand in one list, such as `45 or 46`."""


FORMS = (
    (BESIDE, Relation.OPERAND),
    (OPERATOR, Relation.OPERAND),
    (ABOUT, Relation.ABOUT),
    (EQUALS, Relation.EQUAL),
    (TWO_UNITS, Relation.TWO_UNITS),
    (JOINED, Relation.JOINED),
)


def find_relation(gap: str) -> Relation:
    """Return the relation of two numbers, given the text between their digits."""
    if "\n" in gap or len(gap) > MAX_GAP:
        return Relation.NONE
    for form, relation in FORMS:
        if form.fullmatch(gap):
            return relation
    return Relation.NONE if SEPARATES.search(SILENT.sub("", gap)) else Relation.OPERAND

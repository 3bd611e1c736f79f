"""Arithmetic expressions: their parser and their exact value.

    sum     = product (("+" | "-") product)*
    product = factor (("*" | "/") factor)*
    factor  = ["-"] (number | "(" sum ")")

Numbers are integers and decimals, with or without thousands separators. `×`, `÷` and `−` are read as `*`, `/` and `-`.
A factor has at most one sign, and a number has no leading zeros, because `--5` and `005` are variants of other
expressions.

Limits: values are exact fractions. `MAX_LENGTH`, `MAX_DIGITS` and `MAX_DEPTH` bound time and memory, so untrusted text
is safe to evaluate. No text is ever executed.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_LENGTH = 200
"""Maximum length of an expression in characters. It bounds the value, too: a product has no more digits than its
factors together."""
MAX_DIGITS = 20
"""Maximum number of digits of one number."""
MAX_DEPTH = 16
"""Maximum depth of nested parentheses."""

ASCII_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})
NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
TOKEN = re.compile(rf" *({NUMBER}|[-+*/()]) *")
LEADING_ZERO = re.compile(r"0[0-9]")


class ExpressionError(ValueError):
    """The text is not an expression with a value. The message gives the place or the reason."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of an expression."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Negative:
    """A factor with a minus sign."""

    factor: "Node"


@dataclass(frozen=True, slots=True)
class Sum:
    """Two or more terms, each with the sign before it: `+` or `-`. The first has `+`."""

    terms: "tuple[tuple[str, Node], ...]"


@dataclass(frozen=True, slots=True)
class Product:
    """Two or more factors, each with the sign before it: `*` or `/`. The first has `*`."""

    factors: "tuple[tuple[str, Node], ...]"


Node = Number | Negative | Sum | Product
"""An expression, without parentheses: the tree shows what belongs together."""


@dataclass(frozen=True, slots=True)
class ExpressionValue:
    """The value of an expression."""

    number: Fraction
    operations: int
    """The number of binary operations (+ - * /)."""


def evaluate(text: str) -> ExpressionValue:
    """Return the value of `text`. Raises ExpressionError if it is not an expression with a value."""
    node = parse(text)
    return ExpressionValue(compute(node), count_operations(node))


def parse(text: str) -> Node:
    """Return the tree of `text`. Raises ExpressionError if it is not an expression. Its value may not exist."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{len(text)} characters; an expression has at most {MAX_LENGTH}")
    reader = Parser(tokenize(text))
    node = reader.sum(0)
    if reader.place < len(reader.tokens):
        raise ExpressionError(f"{reader.tokens[reader.place]!r} after the end of the expression")
    return node


def compute(node: Node) -> Fraction:
    """Return the value of a tree. Raises ExpressionError for a division by zero."""
    match node:
        case Number(value):
            return value
        case Negative(factor):
            return -compute(factor)
        case Sum(terms):
            return sum((compute(term) if sign == "+" else -compute(term) for sign, term in terms), Fraction(0))
        case Product(factors):
            total = Fraction(1)
            for sign, factor in factors:
                total = total * compute(factor) if sign == "*" else total / compute_divisor(factor)
            return total


def compute_divisor(node: Node) -> Fraction:
    """Return the value of a tree. Raises ExpressionError if it is zero."""
    if value := compute(node):
        return value
    raise ExpressionError("division by zero")


def count_operations(node: Node) -> int:
    """Return the number of binary operations of a tree."""
    match node:
        case Number():
            return 0
        case Negative(factor):
            return count_operations(factor)
        case Sum(parts) | Product(parts):
            return len(parts) - 1 + sum(count_operations(part) for _, part in parts)


def tokenize(text: str) -> tuple[str, ...]:
    """Return the tokens of `text`: numbers and signs. Raises ExpressionError for any other character."""
    plain, place, found = text.translate(ASCII_SIGNS), 0, []
    while place < len(plain):
        match = TOKEN.match(plain, place)
        if match is None:
            raise ExpressionError(f"{plain[place]!r} is no part of an arithmetic expression")
        found.append(match[1])
        place = match.end()
    return tuple(found)


@dataclass(slots=True)
class Parser:
    """Reads tokens from left to right, one method per line of the grammar."""

    tokens: tuple[str, ...]
    place: int = 0

    def take(self, *wanted: str) -> str | None:
        """Return the next token if it is one of `wanted`."""
        if self.place < len(self.tokens) and self.tokens[self.place] in wanted:
            self.place += 1
            return self.tokens[self.place - 1]
        return None

    def sum(self, depth: int) -> Node:
        terms = [("+", self.product(depth))]
        while sign := self.take("+", "-"):
            terms.append((sign, self.product(depth)))
        return Sum(tuple(terms)) if len(terms) > 1 else terms[0][1]

    def product(self, depth: int) -> Node:
        factors = [("*", self.factor(depth))]
        while sign := self.take("*", "/"):
            factors.append((sign, self.factor(depth)))
        return Product(tuple(factors)) if len(factors) > 1 else factors[0][1]

    def factor(self, depth: int) -> Node:
        if self.take("-"):
            return Negative(self.atom(depth))
        return self.atom(depth)

    def atom(self, depth: int) -> Node:
        if not self.take("("):
            return self.number()
        if depth == MAX_DEPTH:
            raise ExpressionError(f"parentheses more than {MAX_DEPTH} deep")
        inner = self.sum(depth + 1)
        if not self.take(")"):
            raise ExpressionError("a parenthesis is not closed")
        return inner

    def number(self) -> Number:
        token = self.tokens[self.place] if self.place < len(self.tokens) else "the end"
        if not token[0].isdecimal():
            raise ExpressionError(f"a number is missing before {token!r}")
        if sum(map(str.isdecimal, token)) > MAX_DIGITS:
            raise ExpressionError(f"a number of more than {MAX_DIGITS} digits")
        if LEADING_ZERO.match(token):
            raise ExpressionError(f"{token!r} begins with a zero too many")
        self.place += 1
        return Number(Fraction(token.replace(",", "")))

"""The canonical form of an expression, which all spellings of one expression share.

These are spellings of one expression: other glyphs and spaces, numbers with separators or with zeros at the end
(`97.0`), parentheses that change nothing, another order of terms or factors, a minus sign in another place of a
product, and terms and factors that do nothing (`+0`, `*1`, `/1`, a second minus sign). So `97*98`, `(98)*97` and
`-(-97*98)+0` have the same form.

Limits: nothing is computed or expanded. `2*(3+4)`, `2*3+2*4` and `14` are three expressions. `1/2` and `0.5` are two.
"""

from fractions import Fraction

from swarm_core.judges.expression import Negative, Node, Number, Product, Sum, parse

ONE = Number(Fraction(1))
ZEROS = (Number(Fraction(0)), Negative(Number(Fraction(0))))

Term = tuple[bool, tuple[tuple[bool, str], ...]]
"""A term of a sum: whether it is negative, and its factors in order, each with whether it divides."""


def canonical(text: str) -> str:
    """Return the canonical form of an expression. Raises ExpressionError if `text` is none."""
    return format_sum(list_terms(simplify(parse(text))))


def simplify(node: Node) -> Node:
    """Return a tree without the parts that do nothing: terms 0, factors 1, double signs."""
    match node:
        case Negative(factor):
            inner = simplify(factor)
            return inner.factor if isinstance(inner, Negative) else Negative(inner)
        case Sum(terms):
            left = [(sign, inner) for sign, term in terms if (inner := simplify(term)) not in ZEROS]
            return simplify_rest(Sum(tuple(left)), left, "-") if left else Number(Fraction(0))
        case Product(factors):
            left = [(sign, inner) for sign, factor in factors if (inner := simplify(factor)) != ONE]
            return simplify_rest(Product(tuple(left)), left, "/") if left else ONE
        case _:
            return node


def simplify_rest(node: Node, parts: list[tuple[str, Node]], inverse: str) -> Node:
    """Return the tree of the `parts` that are left: a single one needs no `node` around it, unless it is inverted."""
    (sign, part), *others = parts
    if others or sign == inverse == "/":
        return node
    if sign == inverse:
        return part.factor if isinstance(part, Negative) else Negative(part)
    return part


def list_terms(node: Node) -> list[Term]:
    """Return the terms of a tree in order, without those that are zero. Nested sums are resolved."""
    match node:
        case Sum(terms):
            found = [
                (negative != (sign == "-"), factors) for sign, term in terms for negative, factors in list_terms(term)
            ]
        case Negative(factor):
            found = [(not negative, factors) for negative, factors in list_terms(factor)]
        case _:
            found = list_product(node)
    return sorted(found, key=lambda term: (term[1], term[0]))


def list_product(node: Node) -> list[Term]:
    """Return a number or a product as terms: one term, none if it is the number 0, or several if only a sum remains."""
    if node == Number(Fraction(0)):
        return []
    negative, factors = split_product(node)
    if len(factors) == 1 and not factors[0][0] and isinstance(factors[0][1], Sum):
        return [(negative != other, inner) for other, inner in list_terms(factors[0][1])]
    formatted = []
    for divides, factor in factors:
        flipped, text = format_factor(factor)
        negative ^= flipped
        formatted.append((divides, text))
    return [(negative, tuple(sorted(formatted)))]


def split_product(node: Node) -> tuple[bool, list[tuple[bool, Node]]]:
    """Return whether a product is negative, and its factors that are neither products, signs nor ones; each with
    whether it divides."""
    match node:
        case Negative(factor):
            negative, factors = split_product(factor)
            return not negative, factors
        case Product(parts):
            negative, factors = False, []
            for sign, part in parts:
                flipped, inner = split_product(part)
                negative ^= flipped
                factors += [(divides != (sign == "/"), factor) for divides, factor in inner]
            return negative, factors
        case Number(value) if value == 1:
            return False, []
        case _:
            return False, [(False, node)]


def format_factor(node: Node) -> tuple[bool, str]:
    """Return a number or a sum as text, and whether its sign was turned: a sum begins with a positive term."""
    if isinstance(node, Number):
        return False, format_number(node.value)
    terms = list_terms(node)
    flipped = bool(terms) and terms[0][0]
    return flipped, f"({format_sum([(negative != flipped, factors) for negative, factors in terms])})"


def format_sum(terms: list[Term]) -> str:
    """Return terms as text; `0` if there are none."""
    return "".join(f"{'-' if negative else '+'}{format_product(factors)}" for negative, factors in terms) or "0"


def format_product(factors: tuple[tuple[bool, str], ...]) -> str:
    """Return factors as text; `1` if there are none."""
    text = "".join(f"{'/' if divides else '*'}{factor}" for divides, factor in factors)
    return f"1{text}" if not text or text.startswith("/") else text[1:]


def format_number(value: Fraction) -> str:
    """Return the shortest text of a decimal number."""
    places = 0
    while value * 10**places % 1:
        places += 1
    digits = str(int(value * 10**places)).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits

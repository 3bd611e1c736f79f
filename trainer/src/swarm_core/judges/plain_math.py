"""Mathematical text in plain characters: one spelling for digits, signs, spaces, LaTeX and markup, for reading only.

`to_plain_characters` replaces single characters: digits of every script become ASCII digits, every minus sign becomes
`-`, every space becomes a space. Characters that nobody sees are removed. A superscript becomes `^{...}` and a vulgar
fraction `\\frac{...}{...}`, because their Unicode compatibility forms (NFKC) would join them to the number beside them:
`6²` would become 62.

`to_plain_math` also replaces LaTeX commands and marks markup with `MARK`. A mark never joins the digits on its sides.

Limits: both take linear time. Commands that are not known here stay as they are.
"""

import html
import re
import unicodedata
from functools import lru_cache

MARK = "¦"
"""Stands for markup, such as bold, a code span, or the border of a formula."""
CURRENCY = "$€£¥₹₽₩₿"
BRACKETS = rf" (){{}}\[\]{MARK}{CURRENCY}"
"""Brackets, marks, currency signs and spaces, for a character class."""
MINUS_SIGNS = "−–‐‑‒﹣－"
CHARACTERS = {
    **dict.fromkeys(MINUS_SIGNS, "-"),
    **dict.fromkeys("—―﹘", "—"),
    **dict.fromkeys("×✕✖⋅·∙∗", "*"),
    **dict.fromkeys("∕⁄", "/"),
    **dict.fromkeys("≈≅≃≒∼≐", "≈"),
    **dict.fromkeys("’‘ʼ′´", "'"),
    **dict.fromkeys("⩽≦≤﹤", "<"),
    **dict.fromkeys("⩾≧≥﹥", ">"),
    **dict.fromkeys("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
    **dict.fromkeys("⟹⇒→⟶➜➡", "⇒"),
    **dict.fromkeys("﹪٪", "%"),
    "\t": " ",
    "٫": ".",
    "٬": ",",
    "…": "...",
    "∶": ":",
    "\u20e3": "",
    MARK: " ",
}
"""Replacements of single characters. What is not here is replaced by its Unicode category (`plain_character`)."""
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
SMALL_FRACTION = re.compile("(?<![⁰¹²³⁴-⁹])([⁰¹²³⁴-⁹]+)[/⁄∕]([₀-₉]+)")
SUPERSCRIPTS = re.compile("[⁰¹²³⁴-⁹⁺⁻]+")
SUBSCRIPTS = re.compile("[₀-₉]+")
FULL_WIDTH_COMMA = re.compile("(?<=[０-９])，(?=[０-９])")
SPACED_MINUS = re.compile("[−﹣－][ \u00a0\u2009\u202f]")
"""A minus sign, which no bullet is, and the space after it."""
REPEATED_DIGITS = re.compile("((?:[0-9]\u0305)+)")
SPACES = re.compile(" {2,}")
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,9});")

LATEX = re.compile(
    r"""
    (?=[\\{~&\-!=<>_*`$])(?:
      (?P<separator>\\(?:text|mathrm|mbox|mathord|mathpunct)\{[.,']\} | \{[.,']\})
    | (?P<nothing>\\! | \\(?:left|right|[bB]ig{1,2}[lr]?|displaystyle|textstyle|limits|operatorname|mbox|emph|underline
        |num|bm|boldsymbol|text(?:bf|it|rm|tt|sf|normal)?|math(?:rm|bf|it|sf|tt|bb))(?![A-Za-z]))
    | (?P<space>\\[,;:>\ ] | \\(?:kern|[hm]skip|mkern)\ ?-?[0-9.]{1,6}\ ?[a-z]{2}
        | \\(?:hspace\*?|[hv]?phantom)\{[^{}]{0,20}\}
        | \\(?:q?quad|space|thinspace|medspace|enspace|thickspace|nobreakspace)(?![A-Za-z])
        | \{(?:\ |\\[,;:!\ ])?\} | (?<=[0-9])~(?=[0-9]))
    | (?P<times>\\(?:times|cdot|ast)(?![A-Za-z]))
    | (?P<divided>\\div(?![A-Za-z]))
    | (?P<minus>\{-\} | -(?:\\[,;:!\ ]|\{\}))
    | (?P<about>\\(?:approx|simeq|sim|cong|doteq)(?![A-Za-z]) | ~=)
    | (?P<unequal>\\neq?(?![A-Za-z]) | != | =/= | <>)
    | (?P<less>\\(?:leq?(?:slant)?|lt)(?![A-Za-z]))
    | (?P<more>\\(?:geq?(?:slant)?|gt)(?![A-Za-z]))
    | (?P<arrow>\\(?:implies|to|[rR]ightarrow|[lL]ongrightarrow|therefore)(?![A-Za-z]) | [-=]{1,2}>)
    | (?P<plus_minus>\\pm(?![A-Za-z]))
    | (?P<fraction>\\(?:[dtcs]?frac|nicefrac)(?![A-Za-z]))
    | (?P<percent>\\%)
    | (?P<dots>\\(?:l?dots|cdots)(?![A-Za-z]))
    | (?P<entity>&\#?[A-Za-z0-9]{1,10};)
    | (?P<mark>\\[()\[\]] | </?[A-Za-z][A-Za-z0-9]{0,15}\ ?/?> | (?<![0-9)])\*\* | \*\*(?![0-9(]) | __ | `+ | \\?\$\$?))
    """,
    re.VERBOSE,
)
"""LaTeX, HTML and markup. `REPLACEMENTS` has the plain form of each group."""
OVER = re.compile(r"\{ ?(-?[0-9.,' ]{1,1200}) ?\\over ?(-?[0-9.,' ]{1,1200}) ?\}")
REPLACEMENTS = {
    "nothing": "", "space": " ", "times": "*", "divided": "÷", "minus": "-", "about": "≈", "unequal": "≠", "less": "<",
    "more": ">", "arrow": "⇒", "plus_minus": "±", "fraction": r"\frac", "percent": "%", "dots": "...", "mark": MARK,
    "entity": "\N{REPLACEMENT CHARACTER}",
}  # fmt: skip


def to_plain_characters(text: str) -> str:
    """`text` with plain digits, signs and spaces, and without invisible characters."""
    if text.isascii():
        return "".join(map(plain_character, text)) if CONTROL.search(text) else text
    text = SPACED_MINUS.sub("-", text)
    text = FULL_WIDTH_COMMA.sub(",", text)
    text = SMALL_FRACTION.sub(lambda found: r"\frac{{{}}}{{{}}}".format(*map(to_digits, found.groups())), text)
    text = SUPERSCRIPTS.sub(lambda found: f"^{{{to_digits(found[0])}}}", text)
    text = SUBSCRIPTS.sub(lambda found: f"_{{{to_digits(found[0])}}}", text)
    return "".join(map(plain_character, text))


def to_digits(raised: str) -> str:
    """Return raised or lowered digits and signs in plain characters."""
    return unicodedata.normalize("NFKC", raised)


@lru_cache(maxsize=65_536)
def plain_character(character: str) -> str:
    """Return the plain form of one character; empty if it is invisible."""
    if character in CHARACTERS:
        return CHARACTERS[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "No" and "\u2044" in (fraction := unicodedata.normalize("NFKC", character)):
        return r"\frac{{{}}}{{{}}}".format(*fraction.split("\u2044")) if fraction[-1].isdecimal() else character
    if category == "Zs":
        return " "
    if (category in {"Cf", "Cc"} and character != "\n") or "\ufe00" <= character <= "\ufe0f":
        return ""
    folded = unicodedata.normalize("NFKC", character)
    return folded if folded.isascii() and len(folded) == 1 and not folded.isalnum() else character


def to_plain_math(text: str) -> str:
    """`text` in plain characters, with the LaTeX and the markup replaced that may stand in or around a number."""
    text = to_plain_characters(ENTITY.sub(lambda found: html.unescape(found[0]), text))
    text = REPEATED_DIGITS.sub(lambda found: rf"\overline{{{found[1].replace(chr(0x305), '')}}}", text)
    text = LATEX.sub(replace_latex, text)
    return OVER.sub(r"\\frac{\1}{\2}", SPACES.sub(" ", text))


def replace_latex(found: re.Match[str]) -> str:
    """Return the plain form of a match of `LATEX`."""
    group = str(found.lastgroup)
    return found[0][-2] if group == "separator" else REPLACEMENTS[group]

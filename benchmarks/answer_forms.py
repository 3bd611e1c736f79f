"""Compare two readers of numbers on the table of answer forms (`tests/data/answer_forms.jsonl`).

    python benchmarks/answer_forms.py

Prints, for each kind of form, how many right answers and how many wrong answers each reader accepts: the verifier
`Arithmetic`, and `math-verify` with its defaults.

Limits: the table was written for this project, most of it together with the reader. The rows of the kinds `second
table` and `third table` were written after it, and the reader was mended after their first run, whose figures are in
`docs/results.md`.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path

from math_verify import parse, verify
from sympy import Rational

from swarm_core.items import Item
from swarm_core.judges import expression
from swarm_core.judges.arithmetic import ArithmeticJudge, extract_expression

DATA = Path(__file__).parents[1] / "tests" / "data"
JUDGE = ArithmeticJudge()


def accept_ours(item: str, answer: str) -> bool:
    """Return whether the verifier accepts `answer`."""
    return JUDGE.score(Item(item), answer, ()) == 1.0


def accept_math_verify(item: str, answer: str) -> bool:
    """Return whether `math-verify` accepts `answer` for the exact value of `item`."""
    value = expression.evaluate(extract_expression(item)).number
    return bool(verify([Rational(value.numerator, value.denominator)], parse(answer)))


def count(rows: list[dict[str, object]], accept: Callable[[str, str], bool]) -> str:
    """Return two cells: the accepted share of the right answers, and that of the wrong ones."""
    accepted = [(row["right"], accept(str(row["item"]), str(row["answer"]))) for row in rows]
    right, wrong = ([verdict for truth, verdict in accepted if truth is wanted] for wanted in (True, False))
    return f"{sum(right)} of {len(right)} | {sum(wrong)} of {len(wrong)}"


def main() -> None:
    """Print the table."""
    logging.disable(logging.WARNING)
    rows = [json.loads(line) for line in (DATA / "answer_forms.jsonl").read_text().splitlines()]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    print("| kind | ours: right accepted | wrong accepted | math-verify: right accepted | wrong accepted |")
    print("|---|---|---|---|---|")
    for kind in (*kinds, "all"):
        chosen = [row for row in rows if kind in ("all", row["kind"])]
        print(f"| {kind} | {count(chosen, accept_ours)} | {count(chosen, accept_math_verify)} |")


if __name__ == "__main__":
    main()

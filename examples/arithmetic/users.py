"""Draws the user corpus of the arena: 200 expressions of one user, with numbers from 40 to 69.

    python examples/arithmetic/users.py

No cluster of the seed data is like it: that of large numbers goes from 50 to 99, that of medium ones from 10 to 50. No
expression of the corpus stands in the seed data. Everything is drawn from one seed.
"""

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED, SIZE = 1, 200
LOWEST, HIGHEST = 40, 69
SIGNS = "+-*"


def draw_expressions(taken: frozenset[str]) -> list[str]:
    """Draw expressions that are not in `taken`, each once."""
    rng, found = np.random.default_rng(SEED), dict[str, None]()
    while len(found) < SIZE:
        left, right = rng.integers(LOWEST, HIGHEST + 1, 2)
        text = f"{left}{SIGNS[rng.integers(len(SIGNS))]}{right}"
        if text not in taken:
            found[text] = None
    return list(found)


def main() -> None:
    lines = (HERE / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
    texts = draw_expressions(frozenset(json.loads(line)["text"] for line in lines))
    (HERE / "users.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Write the data of the adversarial arena: what generators start from, and what takers start from and are held to.

    python examples/adversarial/data.py

No item stands in both files, so what is held out of the takers' data is new to everything that is trained or written
from the generators'. The base model is that of `examples/arithmetic`.

Limits: draws are a function of the names below alone; changing one changes both files, and every figure about them.
"""

import json
from pathlib import Path

from swarm_core import streams

SEED = 11
BANDS = {"small": (0, 14), "medium": (10, 49), "large": (50, 99)}

GENERATORS = {
    "small-addition": {"small +": 90},
    "small-multiplication": {"small *": 90},
    "large-addition": {"large +": 90},
    "medium-subtraction": {"medium -": 90},
}
"""Cluster -> how many items of which kind. None writes large products, nor large differences."""
TAKERS = {
    "addition": {"small +": 60, "medium +": 120, "large +": 120},
    "subtraction": {"small -": 60, "medium -": 120, "large -": 120},
    "multiplication": {"small *": 75, "medium *": 75},
    "small": {"small +": 60, "small -": 60, "small *": 40},
}
"""Each taker practises one thing and forgets the others."""


def drawn(kind: str, taken: set[str], count: int) -> list[str]:
    """`count` expressions of a kind that were not drawn before."""
    band, operator = kind.split()
    low, high = BANDS[band]
    every = [f"{a}{operator}{b}" for a in range(low, high + 1) for b in range(low, high + 1)]
    found = [item for item in streams.shuffle(SEED, every, kind) if item not in taken][:count]
    assert len(found) == count, f"{kind}: {count} wanted, {len(found)} left"
    taken.update(found)
    return found


def lines(clusters: dict[str, dict[str, int]], taken: set[str]) -> list[str]:
    """The records of a file, cluster by cluster."""
    return [
        json.dumps({"text": item, "cluster": cluster}) + "\n"
        for cluster, kinds in clusters.items()
        for kind, count in kinds.items()
        for item in drawn(kind, taken, count)
    ]


def main() -> None:
    folder, taken = Path(__file__).parent, set[str]()
    (folder / "seeds.jsonl").write_text("".join(lines(GENERATORS, taken)), encoding="utf-8")
    (folder / "takers.jsonl").write_text("".join(lines(TAKERS, taken)), encoding="utf-8")


if __name__ == "__main__":
    main()

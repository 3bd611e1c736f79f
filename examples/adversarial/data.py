"""Write the data of the adversarial arena: what generators start from, and what takers start from and are held to.

    python examples/adversarial/data.py

No item stands in both files, in any spelling (`swarm_core.canonical_items`), so what is held out of the takers' data is
new to everything that is trained or written from the generators'. The base model is that of `examples/arithmetic`.

Limits: draws are a function of the names below alone; changing one changes both files, and every figure about them.
"""

import json
from pathlib import Path

from swarm_core import streams
from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge

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
"""Each taker practises one thing and forgets the others. Items of the generators' file are left out of these."""


def drawn(kind: str, taken: set[str], count: int) -> list[str]:
    """`count` expressions of a kind that were not drawn before."""
    band, operator = kind.split()
    low, high = BANDS[band]
    every = [f"{a}{operator}{b}" for a in range(low, high + 1) for b in range(low, high + 1)]
    found = [item for item in streams.shuffle(SEED, every, kind) if item not in taken][:count]
    assert len(found) == count, f"{kind}: {count} wanted, {len(found)} left"
    taken.update(found)
    return found


def records(clusters: dict[str, dict[str, int]], taken: set[str]) -> list[tuple[str, str]]:
    """The items of a file with their clusters, cluster by cluster."""
    return [
        (item, cluster)
        for cluster, kinds in clusters.items()
        for kind, count in kinds.items()
        for item in drawn(kind, taken, count)
    ]


def canonical_form(item: str) -> str:
    """What all spellings of an item share: `7+0`, `0+7` and `7*1` are one item."""
    return canonicalize_item(Item(item), ArithmeticJudge())


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    path.write_text("".join(json.dumps({"text": item, "cluster": name}) + "\n" for item, name in rows), "utf-8")


def main() -> None:
    folder, taken = Path(__file__).parent, set[str]()
    generators = records(GENERATORS, taken)
    forms = {canonical_form(item) for item, _ in generators}
    write(folder / "seeds.jsonl", generators)
    write(folder / "takers.jsonl", [row for row in records(TAKERS, taken) if canonical_form(row[0]) not in forms])


if __name__ == "__main__":
    main()

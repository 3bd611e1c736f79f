"""The items of a sample that count: those of which every taker's answer has a score.

An item without one of its scores is worth what a rejected item is worth: nothing. Its other scores are left out, too,
and it stays among the requested items. So a sample has the value that it would have if a gate had rejected the item.

If a mean only left the score out, a generator would gain by items whose right answers go missing: items that make a
taker think without an end, that a server refuses, or that confuse the judge. An outage is no such item. It stops the
measurement, and nothing of it is stored (`docs/decisions/0031-a-control-request-tells-an-item-from-an-outage.md`,
`docs/decisions/0048-an-item-without-a-score-is-worth-nothing.md`).

Limits: how many scores may be missing is for `intervals` to check, before.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, compress

from swarm_core.objectives.objective import Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored

REVISION = 1
"""The revision of the rule for items without a score. The digest contains it. Raise it when a value changes."""


def select_scored(sample: Sample, *, every_repeat: bool = False) -> Sample:
    """Return `sample` with the items of which every taker's answer has a score. The number of requested items stays.

    Raises CoverageError if it has items and none is left; with `every_repeat`, if that holds for one of its repeats.
    """
    masks = [mask_scored(rows, len(items)) for items, rows in zip(sample.items, sample.scores, strict=True)]
    if all(map(all, masks)):
        return sample
    groups = masks if every_repeat else [list(chain.from_iterable(masks))]
    if any(group and not any(group) for group in groups):
        raise CoverageError(
            f"none of {len(next(group for group in groups if group and not any(group)))} items has a score of every"
            " taker; ask for more items"
        )
    flat = list(chain.from_iterable(masks))
    return replace(
        sample,
        items=tuple(tuple(compress(items, mask)) for items, mask in zip(sample.items, masks, strict=True)),
        scores=tuple(
            tuple(tuple(compress(row, mask)) for row in rows) for rows, mask in zip(sample.scores, masks, strict=True)
        ),
        features={name: tuple(compress(values, flat)) for name, values in sample.features.items()},
    )


def mask_scored(rows: Sequence[Sequence[Score]], items: int) -> list[bool]:
    """Return whether each item has a score of every taker, [item]. `rows`: [taker][item]."""
    return [not any(isinstance(row[index], Unscored) for row in rows) for index in range(items)]

"""Builds self-instruct training pairs: the prompt shows items of a cluster, and the completion contains other items.

Data Swarms (arXiv 2506.00741) uses 5 items in the prompt and 5 in the completion.

Limits: the result depends only on the arguments. The choice of items for pair n depends on the seed, n and the number
of items.
"""

from collections.abc import Sequence

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.text import prompts


def build_self_instruct_pairs(
    items: Sequence[Item], count: int, shots: int, wording: prompts.Wording, seed: int
) -> list[tuple[str, str]]:
    """Return `count` pairs of (prompt, completion), with `shots` items in each part and no item twice within a pair.

    Raises BadInputError if there are fewer than 2 * shots items.
    """
    if len(items) < 2 * shots:
        raise BadInputError(
            f"{len(items)} seed items: a pair has {shots} in the prompt and {shots} in the completion, so a cluster"
            f" needs {2 * shots}; give more items, or fewer shots or generators"
        )
    pairs = []
    for number in range(count):
        places = streams.sample(seed, len(items), 2 * shots, "pair", number)
        drawn = prompts.format_entries(wording, [items[index] for index in places])
        pairs.append(prompts.format_training_pair(wording, drawn[:shots], drawn[shots:]))
    return pairs

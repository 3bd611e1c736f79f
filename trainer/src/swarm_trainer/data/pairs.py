"""Self-instruct examples: some items of a cluster shown, others of it written (Data Swarms, arXiv 2506.00741: 5 and 5).

A pure function of its arguments: which items make pair number n depends on the seed, n and the number of items.
"""

from collections.abc import Sequence

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.text import prompts


def build_self_instruct_pairs(
    items: Sequence[Item], count: int, shots: int, style: prompts.PromptStyle, domain: str, seed: int
) -> list[tuple[str, str]]:
    """`count` pairs of prompt and completion: `shots` items in, `shots` others out, no item twice within a pair.

    Raises BadInputError if there are fewer than 2 * shots items.
    """
    if len(items) < 2 * shots:
        raise BadInputError(
            f"{len(items)} seed items: {shots} are shown and {shots} others written, so a cluster needs {2 * shots};"
            " give more items, or fewer shots or generators"
        )
    pairs = []
    for number in range(count):
        drawn = [items[index].text for index in streams.sample(seed, len(items), 2 * shots, "pair", number)]
        pairs.append(prompts.format_training_pair(style, domain, drawn[:shots], drawn[shots:]))
    return pairs

"""The training data of students: questions with right answers, cut to equal numbers of tokens.

Copies count once, in any spelling. An item that the test set has, too, is left out, and so is one without a right
answer. The answer is that of the judge if it can compute one, or else the reference of the item.

Limits: the numbers of tokens are equal but for less than one pair. So the numbers of pairs, and of steps, may differ.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from swarm_core import streams
from swarm_core.canonical_items import canonicalize_item, select_distinct
from swarm_core.items import Item
from swarm_core.ports import Judge, Solver
from swarm_core.text import prompts
from swarm_core.text.prompts import Wording

Pair = tuple[str, str]
"""A prompt, and the completion to learn."""


@dataclass(frozen=True, slots=True)
class StudentData:
    """The training pairs of one data set."""

    pairs: tuple[Pair, ...]
    distinct: int
    """The number of distinct items of the data set."""
    in_test: int
    """The number of those that the test set has, too."""
    unanswered: int
    """The number of those without a right answer."""
    tokens: int = 0
    """The number of tokens of `pairs`; 0 before they are cut."""

    @property
    def is_usable(self) -> bool:
        """Whether any item has a right answer and is not in the test set."""
        return self.distinct > self.in_test + self.unanswered


def build_student_data(items: Iterable[Item], test: Sequence[Item], judge: Judge, wording: Wording) -> StudentData:
    """Return the training pairs of a data set, before they are cut."""
    tested = {canonicalize_item(item, judge) for item in test}
    distinct = select_distinct(items, judge)
    fresh = [item for item in distinct if canonicalize_item(item, judge) not in tested]
    answers = [find_answer(item, judge) for item in fresh]
    pairs = tuple(
        (prompts.format_answering(wording, item.shown_text), prompts.format_answer(wording.style, answer))
        for item, answer in zip(fresh, answers, strict=True)
        if answer is not None
    )
    return StudentData(pairs, len(distinct), len(distinct) - len(fresh), answers.count(None))


def find_answer(item: Item, judge: Judge) -> str | None:
    """Return the right answer of an item; None if there is none."""
    solved = judge.solution(item) if isinstance(judge, Solver) else None
    return item.reference if solved is None else solved


def cut_to_equal_tokens(
    data: Mapping[str, StudentData], count: Callable[[Sequence[Pair]], Sequence[int]], seed: int
) -> dict[str, StudentData]:
    """Return each data set with pairs drawn at random, of as many tokens as the smallest set has.

    `count`: the number of tokens of each pair; 0 if it cannot be trained on.
    """
    sizes = {name: list(count(one.pairs)) for name, one in data.items()}
    limit = min(map(sum, sizes.values()))
    return {name: draw_pairs(one, sizes[name], limit, seed) for name, one in data.items()}


def draw_pairs(data: StudentData, sizes: Sequence[int], limit: int, seed: int) -> StudentData:
    """Return `data` with random pairs of at most `limit` tokens, up to the first one that does not fit.

    A pair of no tokens is left out.
    """
    drawn: list[Pair] = []
    total = 0
    for index in streams.sample(seed, len(sizes), len(sizes), "student pairs"):
        if total + sizes[index] > limit:
            break
        drawn += [data.pairs[index]] if sizes[index] else []
        total += sizes[index]
    return replace(data, pairs=tuple(drawn), tokens=total)

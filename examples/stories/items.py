"""Draws word problems of chosen kinds, and writes the data of the arena: seeds, a test set and a user corpus.

    python examples/stories/items.py

Everything is drawn from one seed. It needs no torch.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swarm_core.items import Item
from swarm_core.judges.word_problem import WordProblemJudge
from swarm_core.judges.word_problem_story import Amount, Step, Story, StoryError, check_answerable, format_story
from swarm_core.judges.word_problem_words import PRONOUNS, TOPICS, Topic

SEED = 1
MOST_CONTAINERS, MOST_EACH = 9, 12
"""The largest numbers of `3 boxes with 4 pens each`."""
BY_NAME = {topic.name: topic for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Kind:
    """Word problems of one kind."""

    steps: int
    """The number of operations."""
    signs: str
    """The operations of steps: `+`, `-` or both."""
    limit: int
    """The largest number that stands alone."""
    grouped: float = 0.0
    """The probability that an amount is one of containers, if enough operations are left."""
    topics: tuple[str, ...] = tuple(BY_NAME)


CLUSTERS = {
    "market": Kind(1, "-", 9, topics=("fruit",)),
    "school": Kind(2, "+-", 9, grouped=1.0, topics=("school",)),
    "garden": Kind(3, "+-", 9, topics=("garden",)),
    "beach": Kind(1, "-", 50, topics=("beach",)),
}
"""Name of a seed cluster -> its kind. No cluster has long problems with large numbers, or long ones with containers.

Market and beach differ in the size of numbers and in the topic alone, so their difference is a direction toward large
numbers.
"""
ALL_KINDS = tuple(
    Kind(steps, signs, limit, grouped)
    for steps in (1, 2, 3)
    for signs in ("+", "-", "+-")
    for limit in (9, 20, 50, 99)
    for grouped in (0.0, 0.6)
)


def choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    """One of `options`."""
    return options[int(rng.integers(len(options)))]


def draw_amount(rng: np.random.Generator, topic: Topic, limit: int, grouped: bool) -> Amount:
    """A number of things, alone or in containers."""
    if not grouped:
        return Amount(int(rng.integers(2, limit + 1)))
    number = int(rng.integers(2, min(limit, MOST_EACH) + 1))
    return Amount(number, int(rng.integers(2, MOST_CONTAINERS + 1)), choose(rng, topic.containers))


def draw_any(rng: np.random.Generator, kind: Kind, topic: Topic) -> Story:
    """A story that may have no answer."""
    grouped = rng.random() < kind.grouped
    start, left, steps = draw_amount(rng, topic, kind.limit, grouped), kind.steps - grouped, list[Step]()
    while left > 0:
        grouped = left > 1 and rng.random() < kind.grouped
        sign = choose(rng, kind.signs)
        verb = choose(rng, topic.gains if sign == "+" else topic.losses)
        steps.append(Step(verb, sign, draw_amount(rng, topic, kind.limit, grouped)))
        left -= 1 + grouped
    return Story(choose(rng, tuple(PRONOUNS)), choose(rng, topic.things), start, tuple(steps))


def draw(rng: np.random.Generator, kind: Kind) -> Story:
    """A story of `kind` with an answer."""
    topic = BY_NAME[choose(rng, kind.topics)]
    while True:
        story = draw_any(rng, kind, topic)
        try:
            check_answerable(story)
        except StoryError:
            continue
        return story


def draw_mixed(rng: np.random.Generator, kinds: Sequence[Kind]) -> Story:
    """A story of a kind that is drawn anew."""
    return draw(rng, kinds[int(rng.integers(len(kinds)))])


def distinct(stories: Iterator[Story], count: int, known: set[str | None]) -> list[Story]:
    """The first `count` stories that are no copies of each other and of `known`, which they join."""
    found: list[Story] = []
    while len(found) < count:
        story = next(stories)
        form = WordProblemJudge().canonical(Item(format_story(story)))
        if form not in known:
            known.add(form)
            found.append(story)
    return found


def repeat(rng: np.random.Generator, kinds: Sequence[Kind]) -> Iterator[Story]:
    """Stories without end."""
    while True:
        yield draw_mixed(rng, kinds)


def repeat_favorites(rng: np.random.Generator) -> Iterator[Story]:
    """Stories of users without end: two of three are about flowers or the beach, with favorite things and names."""
    favorites, names = ("roses", "tulips", "shells", "pearls"), ("Mia", "Zoe", "Leo")
    for story in repeat(rng, ALL_KINDS):
        liked = story.thing in favorites and story.name in names
        if liked or rng.random() < 0.02:
            yield story


def write_lines(file: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Write JSON lines."""
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def write_data(folder: Path) -> None:
    """Write `seeds.jsonl` (200 per cluster), `test.jsonl` (20 per kind, with answers) and `users.jsonl` (200)."""
    rng, known = np.random.default_rng(SEED), set[str | None]()
    seeds = [
        {"text": format_story(story), "cluster": name}
        for name, kind in CLUSTERS.items()
        for story in distinct(repeat(rng, (kind,)), 200, known)
    ]
    write_lines(folder / "seeds.jsonl", seeds)
    test = distinct(repeat(rng, ALL_KINDS), 400, known)
    write_lines(folder / "test.jsonl", [{"text": format_story(one), "reference": str(one.answer)} for one in test])
    users = distinct(repeat_favorites(rng), 200, known)
    write_lines(folder / "users.jsonl", [{"text": format_story(story)} for story in users])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=Path(__file__).resolve().parent, help="the folder to write")
    write_data(parser.parse_args().into)


if __name__ == "__main__":
    main()

"""The words of word problems: names with their pronouns, and four topics with their things, containers and verbs.

A thing or a container belongs to one topic. A verb may belong to several, and is a gain in all of them
or a loss in all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Topic:
    """The words of one topic."""

    name: str
    things: tuple[str, ...]
    """The nouns that are counted, in the plural."""
    containers: tuple[str, ...]
    """The nouns for equal groups of things, in the plural."""
    gains: tuple[str, ...]
    """The verbs that add."""
    losses: tuple[str, ...]
    """The verbs that take away."""


TOPICS = (
    Topic(
        "fruit",
        ("apples", "pears", "plums", "lemons", "cherries", "peaches"),
        ("bags", "baskets"),
        ("buys", "picks", "gets"),
        ("eats", "sells", "drops"),
    ),
    Topic(
        "school",
        ("pens", "books", "rulers", "crayons", "pencils", "notebooks"),
        ("boxes", "packs"),
        ("buys", "finds", "gets"),
        ("loses", "lends", "breaks"),
    ),
    Topic(
        "garden",
        ("roses", "tulips", "lilies", "herbs", "bulbs", "daisies"),
        ("rows", "pots"),
        ("plants", "grows", "gets"),
        ("cuts", "sells", "pulls"),
    ),
    Topic(
        "beach",
        ("shells", "stones", "crabs", "pearls", "corals", "starfish"),
        ("buckets", "nets"),
        ("catches", "finds", "collects"),
        ("frees", "drops", "loses"),
    ),
)
PRONOUNS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("Tom", "Ben", "Max", "Leo", "Sam", "Jack"), "He")
    | dict.fromkeys(("Mia", "Ann", "Zoe", "Eva", "Lily", "Ruth"), "She")
)
"""Name -> the pronoun that stands for it."""
TOPIC_OF: Mapping[str, Topic] = MappingProxyType({thing: topic for topic in TOPICS for thing in topic.things})
"""Thing -> its topic."""
CONTAINERS = frozenset(container for topic in TOPICS for container in topic.containers)
"""The containers of all topics."""
SIGNS: Mapping[str, str] = MappingProxyType(
    {verb: "+" for topic in TOPICS for verb in topic.gains} | {verb: "-" for topic in TOPICS for verb in topic.losses}
)
"""Verb -> `+` for a gain, `-` for a loss."""

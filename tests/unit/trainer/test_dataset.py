"""The data set of a run holds each item once, as its generator first wrote it."""

import json
from types import SimpleNamespace

from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer
from swarm_trainer.report import dataset


def write(*texts: str) -> Rollout:
    answered = tuple(AnsweredItem(Item(text), (TakerAnswer("1", 0.0),)) for text in texts)
    return Rollout(ModelName("0" * 64), ("a",), len(texts), 0, answered, (), 0)


def test_an_item_that_several_seeds_spelled_differently_is_kept_once_as_first_written() -> None:
    rollouts = [write("12 + 34 =", "5*6"), write("34+12", "6×(5)", "7*8")]
    found = SimpleNamespace(best=SimpleNamespace(rollouts=rollouts))
    records = list(map(json.loads, dataset.format_records(found, ArithmeticJudge()).splitlines()))  # type: ignore[arg-type]
    assert [(record["text"], record["seed"]) for record in records] == [("12 + 34 =", 0), ("5*6", 0), ("7*8", 1)]

"""An objective: the share of the items asked for that every taker fails.

    value = |{i : s_mi < threshold for every taker m}| / asked,   s_mi the score of taker m on item i

An item without a score of every taker does not count as failed. Unlike difficulty, it is no function of takers' means.
"""

from collections.abc import Mapping

from swarm_core import part_config
from swarm_core.objectives.objective import Needs, Sample
from swarm_core.objectives.scores import Score, Unscored

NAME = "objective unanimous-failure"


class UnanimousFailure:
    """Higher the more items nobody solves."""

    needs = Needs(takers=2)
    range = (0.0, 1.0)
    revision = 1

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def value(self, sample: Sample) -> float:
        """The value of `sample`, from 0 to 1."""
        return sum(map(self.is_failed, zip(*sample.rows(), strict=True))) / sample.asked

    def is_failed(self, scores: tuple[Score, ...]) -> bool:
        return all(not isinstance(score, Unscored) and score < self.threshold for score in scores)


def make_objective(config: Mapping[str, object]) -> UnanimousFailure:
    """Takes `threshold`, the score below which an answer has failed. Raises BadInputError."""
    part_config.check_fields(NAME, config, ("threshold",))
    return UnanimousFailure(part_config.get_field(NAME, config, "threshold", float, 0.5))

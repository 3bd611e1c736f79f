"""Measures a list of items that somebody gives, in the way in which a run measures the items of a generator.

The items pass the gates, the takers answer those that are accepted, the judge scores the answers, and the objective
gives the list its value with an interval. Each item is a unit of its own, because no completion brought it.

Limits: the gates `Seed` and `HeldOut` compare with seed data, which a list does not have, so they accept everything. A
list is one set of items. An objective that compares repeated sets, such as Consistency, cannot measure it.
"""

from collections.abc import Callable, Sequence

from swarm_core.errors import BadInputError
from swarm_core.gates import admission
from swarm_core.items import Item
from swarm_core.objectives.objective import Objective
from swarm_core.ports import Inference
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, Rollout
from swarm_trainer.evaluation import examine
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.examine import Examination

BATCH = 256
"""The number of items that are answered before the progress is shown."""
GIVEN = ModelName("given")
"""Stands for the model of the items: nobody knows who wrote them."""


def check_objective(name: str, objective: Objective) -> None:
    """Check that a list can be measured. Raises BadInputError for an objective that compares several sets."""
    if objective.needs.repeats > 1:
        raise BadInputError(
            f"objective {name} compares {objective.needs.repeats} sets of items of one generator, and a list is one"
            " set; choose another objective"
        )


def answer_items(
    exam: Examination, engine: Inference, items: Sequence[Item], report: Callable[[int, int], None]
) -> Rollout:
    """Return the list as a rollout: which items the gates accept, and every taker's judged answer to each of them.

    `report` is called with the number of answered items and of all accepted ones. Raises InferenceError for an outage.
    """
    ask = Asker(engine)
    admitted = admission.admit(items, exam.start().gates, ask)
    answered: list[AnsweredItem] = []
    for start in range(0, len(admitted.accepted), BATCH):
        batch = admitted.accepted[start : start + BATCH]
        found = examine.collect_answers(exam, ("list", start), batch, ask)
        answered += examine.add_features(exam, found, admitted.measures[start : start + BATCH])
        report(len(answered), len(admitted.accepted))
    return Rollout(
        model=GIVEN,
        takers=tuple(name for name, _ in exam.takers),
        asked=len(items),
        lost=0,
        items=tuple(answered),
        rejections=(*admitted.rejections, *admitted.undecided),
        tokens=ask.tokens,
        thinking_tokens=ask.thinking_tokens,
    )

"""The reference set of an objective: items that every taker answers once, before the first candidate is measured.

Preparing pins the items. The first iteration has the takers answer them, because only then their servers run. The
answers are stored like a rollout: the first write wins, they are never made again, and every commit names them by
digest.

An outage stores nothing. Neither do answers of which too few have a score: every value of the run would rest on them.
"""

from collections.abc import Sequence
from dataclasses import replace

from swarm_core import commit
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.objectives import scores
from swarm_core.objectives.objective import ReferenceScores
from swarm_core.objectives.scores import CoverageError, Unscored
from swarm_core.ports import ArtifactStore, CorruptError, Inference
from swarm_core.recipe import Digest, ModelName, digest_bytes
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import examine, search_setup
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.examine import Examination
from swarm_trainer.evaluation.search_setup import SearchSetup

KEY = commit.rollout_key("reference", "takers")
"""The key of the answers in the store."""
FIELD = "spec.objective.reference"


def attach(store: ArtifactStore, setup: SearchSetup) -> SearchSetup:
    """Return `setup` with the takers' scores on the reference set; without them if there is none, or no answer yet.

    Raises CorruptError if the answers are to other items than those that were pinned, StoreError.
    """
    data = None if setup.experiment.reference is None else store.read(KEY)
    return setup if data is None else attach_answers(store, setup, data)


def attach_answers(store: ArtifactStore, setup: SearchSetup, data: bytes) -> SearchSetup:
    """Return `setup` with the scores of stored answers. Raises as `attach` does."""
    rollout = Rollout.from_bytes(data)
    if tuple(one.item for one in rollout.items) != search_setup.load_pinned_items(store, setup.experiment.reference):
        raise CorruptError(f"{KEY} answers other items than the run pinned; restore the store from a copy")
    evaluator = replace(setup.evaluator, reference=summarize_scores(rollout))
    return replace(setup, evaluator=evaluator, reference=digest_bytes(data))


def answer(store: ArtifactStore, setup: SearchSetup, engine: Inference) -> SearchSetup:
    """Return `setup` with the takers' scores on the reference set, which they answer now if they have not yet.

    Raises InferenceError if a taker cannot be reached, BadInputError if one has too few scores, CorruptError,
    StoreError.
    """
    digest = setup.experiment.reference
    if digest is None or setup.evaluator.reference is not None:
        return setup
    items = search_setup.load_pinned_items(store, setup.experiment.reference)
    rollout = answer_items(setup.evaluator, engine, items, digest)
    return attach_answers(store, setup, store.publish(KEY, rollout.to_bytes()))


def answer_items(evaluator: Evaluator, engine: Inference, items: Sequence[Item], digest: Digest) -> Rollout:
    """Return the judged answers of all takers to `items`, as a rollout that is named by the digest of the items.

    Raises InferenceError if a taker cannot be reached, BadInputError if one has too few scores.
    """
    found = collect_answers(evaluator.examination, engine, items, digest)
    check_coverage(found, evaluator.coverage)
    return found


def collect_answers(exam: Examination, engine: Inference, items: Sequence[Item], digest: Digest) -> Rollout:
    """Return the judged answers of the takers of `exam`, however many of them have a score.

    Raises InferenceError if a taker cannot be reached.
    """
    ask = Asker(engine)
    answered = examine.collect_answers(exam, ("reference",), items, ask)
    names = tuple(name for name, _ in exam.takers)
    return Rollout(
        ModelName(digest), names, len(items), 0, answered, (), ask.tokens, thinking_tokens=ask.thinking_tokens
    )


def check_coverage(rollout: Rollout, coverage: float) -> None:
    """Check that every taker has enough scores. Raises BadInputError, which names the taker and the reasons."""
    try:
        require_coverage(rollout, coverage)
    except CoverageError as error:
        raise BadInputError(f"{FIELD}: {error}; or give other items") from error


def require_coverage(rollout: Rollout, coverage: float) -> None:
    """Require that every taker has enough scores. Raises CoverageError, which names the taker and the reasons."""
    for index, taker in enumerate(rollout.takers):
        try:
            scores.mean_score([one.answers[index].score for one in rollout.items], coverage)
        except CoverageError as error:
            raise CoverageError(f"taker {taker}: {error}") from error


def summarize_scores(rollout: Rollout) -> ReferenceScores:
    """Return the mean and the number of the scores of each taker. Raises CoverageError for a taker without any."""
    rows = {taker: [one.answers[index].score for one in rollout.items] for index, taker in enumerate(rollout.takers)}
    return ReferenceScores(
        means={taker: scores.mean_score(row, 0.0) for taker, row in rows.items()},
        counts={taker: sum(not isinstance(score, Unscored) for score in row) for taker, row in rows.items()},
    )

"""The steps of a ScoreFile. Each finds everything in the store, so doing one again brings the same receipt."""

import json
import tempfile
from pathlib import Path
from statistics import fmean

from dataswarm_testing.programs.score_file.program import ResolvedScoreFile

from swarm_core.api import parts, resolution
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.ports import Judge
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores import tree


def prepare(item: WorkItem, context: Context) -> Receipt:
    """Check the file and pin what it holds. Raises BadInputError."""
    run = get_run(context)
    (use,) = resolution.list_uris(run)
    pinned = {use.uri: inputs.pin(use, context)}
    data = inputs.locate(use, context).read_bytes()
    read_answers(data, run)
    identity = resolution.serialize_identity(run, pins.digests(pinned), parts.identify_parts(run))
    pins.publish(context.store, pinned)
    pins.check_same_experiment(context.store.publish(pins.IDENTITY_KEY, identity), identity)
    manifest = canonical_json({"data": context.store.put(data), "experiment": digest_bytes(identity)})
    return Receipt(
        item.key, {Output.EXPERIMENT: context.store.put(manifest)}, {"experimentDigest": digest_bytes(identity)}
    )


def conclude(item: WorkItem, context: Context) -> Receipt:
    """Score every answer; the result is a bundle of one document and a summary."""
    assert item.parent is not None
    run = get_run(context)
    data = context.store.get(Digest(json.loads(context.store.get(item.parent).read_bytes())["data"])).read_bytes()
    judge = parts.build_spec_part(run.parts[0])
    scores = [score_answer(judge, question, answer) for question, answer in read_answers(data, run)]
    found = {"kind": run.kind, "items": len(scores), "meanScore": fmean(scores)}
    document = json.dumps({**found, "digest": digest_bytes(canonical_json(found))}, indent=1)
    context.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=context.cache) as folder:
        (Path(folder) / "result.json").write_text(document, encoding="utf-8")
        (Path(folder) / "summary.txt").write_text(f"mean score {fmean(scores):.4f} of {len(scores)} answers\n")
        bundle = tree.put_tree(context.store, Path(folder))
    outputs = {Output.BUNDLE: bundle, Output.RESULT: context.store.put(document.encode())}
    return Receipt(item.key, outputs, {"mean_score": fmean(scores), "scored_items": len(scores)})


def get_run(context: Context) -> ResolvedScoreFile:
    """What is run, as this program knows it."""
    assert isinstance(context.run, ResolvedScoreFile)
    return context.run


def read_answers(data: bytes, run: ResolvedScoreFile) -> list[tuple[str, str]]:
    """Question and answer of every line. Raises BadInputError for a line that is no such record."""
    found = []
    for number, line in enumerate(data.decode().splitlines(), 1):
        try:
            record = json.loads(line)
            found.append((str(record[run.data.question]), str(record[run.data.answer])))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(
                f"spec.data.uri: line {number} of {run.data.uri!r}: {error}; write one record"
            ) from error
    if not found:
        raise BadInputError(f"spec.data.uri: {run.data.uri!r} holds no answer; write one record per line")
    return found


def score_answer(judge: Judge, question: str, answer: str) -> float:
    """The score of one answer; 0 where it cannot be told."""
    score = judge.score(Item(question), answer, ())
    return score if isinstance(score, float) else 0.0

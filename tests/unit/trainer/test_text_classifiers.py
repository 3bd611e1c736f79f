"""The classifiers of a run: pinned by their files, checked before anything is trained, and asked like any model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import swarmrun_documents as documents
import tiny_classifiers
import yaml

from swarm_core.api import loading, resolution
from swarm_core.api.parts import PartsIdentity
from swarm_core.api.resolution import UriRole
from swarm_core.errors import BadInputError
from swarm_core.gates.admission import Admission, admit
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import build_gates
from swarm_core.items import Item, build_items
from swarm_core.objectives.scores import Unscored
from swarm_core.ports import Completion, RequestFailure
from swarm_core.recipe import Digest
from swarm_trainer import cli
from swarm_trainer.evaluation import run_parts, scoring
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import input_pins, text_classifiers
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores.local import LocalStore

CALIBRATION = {"type": "Range", "range": {"low": -4, "high": 4}}
REWARD = {"type": "RewardModel", "rewardModel": {"model": {"uri": "reward"}, "calibration": CALIBRATION}}
EXACT = {"type": "Verifier", "verifier": {"type": "ExactMatch"}}
TOXIC = {"type": "Classifier", "classifier": {"model": {"uri": "labels"}, "label": "y"}}
MakeContext = Callable[[dict[str, Any]], Context]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_classifiers.write_reward_model(folder / "reward")
    tiny_classifiers.write(folder / "labels", ["x", "y"])
    return folder


@pytest.fixture
def make_context(models: Path, tmp_path: Path) -> MakeContext:
    def make(patch: dict[str, Any]) -> Context:
        resolved = resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))
        return Context(resolved, LocalStore(tmp_path / "store"), tmp_path / "cache", models, lambda _: None)

    return make


def test_a_reward_model_judges_beside_a_verifier(make_context: MakeContext) -> None:
    panel = {"type": "Panel", "panel": {"members": [REWARD, EXACT]}}
    context = make_context({"spec.judge": panel})
    text_classifiers.check(context, judge := run_parts.build_judge(context.resolved))
    ask = Asker(text_classifiers.attach(context, None))
    item = Item("who is it", reference="it is bad")
    answers = [
        (item, Completion(text, 3, finished=True)) for text in ("it is good", "it is bad", "it is good", "1 " * 99)
    ]
    good, bad, again, long = scoring.score_answers(judge, answers, ask)
    assert good == again
    assert good.opinions[1] == 0.0
    assert bad.opinions[1] == 1.0
    assert good.opinions[0] == pytest.approx(1.0, abs=0.1)
    assert bad.opinions[0] == pytest.approx(0.0, abs=0.1)
    assert isinstance(long.score, Unscored)
    assert "the classifier reads at most 32" in long.score.detail
    assert ask.tokens == 0


def test_a_gate_reads_a_classifier_and_keeps_its_probability(make_context: MakeContext) -> None:
    items = build_items(["a b", "who is it", "what is a good b", "yes no yes", "c", "1 " * 99])

    def pass_gate(threshold: float) -> Admission:
        context = make_context(
            {"spec.gates": [{**TOXIC, "classifier": {**TOXIC["classifier"], "threshold": threshold}}]}
        )
        judge = run_parts.build_judge(context.resolved)
        text_classifiers.check(context, judge)
        gates = build_gates(run_parts.list_gates(context.resolved), GateContext(judge))
        return admit(items, gates, Asker(text_classifiers.attach(context, None)))

    everything = pass_gate(1.0)
    assert everything.accepted == items[:-1]
    assert tuple(one.item for one in everything.undecided) == items[-1:]
    values = [value for ((_, value),) in everything.measures]
    threshold = sorted(values)[2]
    found = pass_gate(threshold)
    assert found.accepted == tuple(item for item, value in zip(items, values, strict=False) if value < threshold)
    assert len(found.rejections) == 3
    assert {name for ((name, _),) in found.measures} == {"Classifier"}


def test_parts_that_give_one_classifier_other_limits_ask_two(make_context: MakeContext) -> None:
    limits = [{"uri": "labels", "maxTokens": 4}, {"uri": "labels"}, {"uri": "labels", "dtype": "bfloat16"}]
    given = [{"type": "Classifier", "classifier": {"model": model, "label": "y"}} for model in limits]
    context = make_context({"spec.gates": given})
    gates = build_gates(run_parts.list_gates(context.resolved), GateContext(run_parts.build_judge(context.resolved)))
    engine = text_classifiers.attach(context, None)
    item = Item("what is a good b")
    replies = engine.complete([request for gate in gates for request in gate.requests(item)])
    assert [isinstance(reply, RequestFailure) for reply in replies] == [True, False, False]
    assert len({reply.labels for reply in replies if isinstance(reply, Completion)}) == 2


def test_a_classifier_is_pinned_by_the_files_that_are_read(make_context: MakeContext, models: Path) -> None:
    context = make_context({"spec.judge": REWARD, "spec.gates": [TOXIC]})
    uses = [use for use in resolution.list_uris(context.resolved) if use.role is UriRole.CLASSIFIER]
    assert [use.field for use in uses] == ["spec.judge.rewardModel.model.uri", "spec.gates[0].classifier.model.uri"]
    first = input_pins.pin_input(uses[0], context).digest
    (models / "reward" / "README.md").write_text("words")
    assert input_pins.pin_input(uses[0], context).digest == first
    others = {use.uri: Digest("0" * 64) for use in resolution.list_uris(context.resolved)}
    identities = [
        resolution.experiment_digest(context.resolved, {**others, "reward": digest}, PartsIdentity({}, {}))
        for digest in (first, Digest("1" * 64))
    ]
    assert identities[0] != identities[1]


def test_a_classifier_that_changed_during_a_run_is_not_asked(make_context: MakeContext, models: Path) -> None:
    context = make_context({"spec.judge": REWARD})
    (use,) = (use for use in resolution.list_uris(context.resolved) if use.role is UriRole.CLASSIFIER)
    pins.publish(context.store, {use.uri: input_pins.pin_input(use, context)})
    config = models / "reward" / "config.json"
    before = config.read_text()
    config.write_text(json.dumps({**json.loads(before), "pad_token_id": 1}))
    judge = run_parts.build_judge(context.resolved)
    request = judge.requests(Item("who"), "it is")
    with pytest.raises(BadInputError, match=r"spec\.judge\.rewardModel\.model\.uri"):
        text_classifiers.attach(context, None).complete(request)
    config.write_text(before)
    (reply,) = text_classifiers.attach(context, None).complete(request)
    assert isinstance(reply, Completion)


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"spec.judge": {**REWARD, "rewardModel": {**REWARD["rewardModel"], "model": {"uri": "labels"}}}},
         r"spec\.judge\.rewardModel\.model\.uri: .*it has 2 outputs, and a reward model has one"),
        ({"spec.judge": {**REWARD, "rewardModel": {**REWARD["rewardModel"], "input": "Chat"}}},
         r"spec\.judge\.rewardModel\.model\.uri: .*no chat template"),
        ({"spec.gates": [{**TOXIC, "classifier": {**TOXIC["classifier"], "label": "z"}}]},
         r"spec\.gates\[0\]\.classifier\.model\.uri: label 'z': the classifier has 'x', 'y'"),
        ({"spec.judge": {**REWARD, "rewardModel": {**REWARD["rewardModel"], "model": {"uri": "gone"}}}},
         r"spec\.judge\.rewardModel\.model\.uri: 'gone' is not a folder"),
    ],
)  # fmt: skip
def test_a_classifier_that_does_not_do_is_refused_by_its_field(
    make_context: MakeContext, patch: dict[str, Any], message: str
) -> None:
    context = make_context(patch)
    with pytest.raises(BadInputError, match=message):
        text_classifiers.check(context, run_parts.build_judge(context.resolved))


def test_a_reward_model_is_calibrated_with_gold_answers(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = {"type": "RewardModel", "rewardModel": {**REWARD["rewardModel"], "model": {"uri": str(models / "reward")}}}
    run, gold = tmp_path / "run.yaml", tmp_path / "gold.jsonl"
    run.write_text(yaml.safe_dump(documents.patched({"spec.judge": judge})))
    rows = [{"text": text, "answer": f"it is {word}", "score": word == "good"} for text in ("a b", "who is it")
            for word in ("good", "bad")]  # fmt: skip
    gold.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli.main(["calibrate", str(run), str(gold), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["judge"], found["accuracy"]["value"], found["unscored"]) == ("RewardModel", 1.0, {})

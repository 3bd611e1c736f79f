"""Every reason of docs/troubleshooting.md is reported for its cause, and no other reason exists."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pod_world
import pytest
from pod_world import World
from trouble_causes import CAUSES, Found

from swarm_core.errors import ErrorCode
from swarm_operator.cli import why
from swarm_operator.cli.why import RunDetails
from swarm_operator.common.reconcile_plan import ObservedRun
from swarm_operator.reconciler import diagnosis, refusals
from swarm_operator.reconciler.pod_status import START_FAILURE_REASONS

DOCUMENT = Path(__file__).parents[3] / "docs" / "troubleshooting.md"


@pytest.mark.parametrize(("reason", "happens", "words"), CAUSES, ids=[f"{one[0]}-{n}" for n, one in enumerate(CAUSES)])
def test_each_cause_is_reported_by_its_reason_with_value_and_way_out(
    reason: str, happens: Callable[[], Found], words: str
) -> None:
    found, message = happens()
    assert found == reason
    assert words in message
    assert len(message) <= 700, "it fits on a screen"
    assert message.count(". ") <= 1, "one or two sentences"


def test_a_failed_run_says_how_it_goes_on_also_in_the_command() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("prepare")
    (pod,) = world.living("prepare")
    message = "spec.base.model: no such folder, " + "x" * 2000
    world.end(pod, 65, json.dumps({"failed": {"key": "k", "attempt": 1, "reason": "BadInput", "message": message}}))
    world.turn("terminate")
    for told in [one["message"] for one in world.run["status"]["conditions"] if one["type"] in ("Ready", "Stalled")]:
        assert "spec.base.model" in told
        assert told.endswith("spec.rerun is changed")
    (line,) = [one for one in why.format_details(RunDetails(world.run, [], [], [], [])) if "way out" in one]
    command, patch = line.split("then: ")[1].split(" --patch ")
    assert command == "kubectl patch swarmrun arithmetic --namespace team --type merge"
    world.edit({"spec.rerun": json.loads(patch.strip("'"))["spec"]["rerun"]})
    world.turn()
    assert world.phase == "Preparing"
    assert "way out" not in "\n".join(why.format_details(RunDetails(world.run, [], [], [], [])))


def test_the_command_names_the_refusal_of_a_step_which_only_the_operator_has_seen() -> None:
    world = World(pod_world.run(pod_world.LOCAL))
    seen = world.observed()
    words = "jobs.batch is forbidden: exceeded quota: count"
    world.operate(seen=ObservedRun(seen.run, seen.children, refusal=words))
    for job in world.all("Job"):
        world.things.pop(("Job", job["metadata"]["name"]))
    (line,) = [one for one in why.format_details(RunDetails(world.run, [], [], [], [])) if one.startswith("  cause")]
    assert line.split(maxsplit=1)[1].startswith("QuotaExceeded: the API server refuses: jobs.batch is forbidden")


def list_documented() -> list[str]:
    """The reasons in the first column of the tables."""
    rows = [line.split("|")[1] for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    return [reason for row in rows for reason in re.findall("`([A-Za-z]+)`", row)]


def test_the_document_lists_each_reason_once_and_each_is_tested() -> None:
    documented = list_documented()
    assert len(documented) == len(set(documented)) >= 40
    assert set(documented) == {reason for reason, _, _ in CAUSES}


def test_every_reason_that_code_can_give_is_documented() -> None:
    given = {rule.reason for rule in refusals.RULES} | set(ErrorCode)
    given |= {refusals.UNKNOWN.reason, *diagnosis.URGENT_REASONS, *START_FAILURE_REASONS} - {"ErrImagePull"}
    assert given <= set(list_documented())

"""One more kind of run, from another distribution: no module of the operator names it, and all of them support it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crd_validator
import pod_items
import pod_world
import pytest
import score_file_program
import yaml
from fake_cluster import Failing, FakeCluster
from pod_cluster import KubernetesObject
from pod_world import World

from swarm_core import catalog, program_registry
from swarm_core.api import crd, custom_resources, loading, resolution
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.recipe import digest_bytes
from swarm_operator.api_client import resources
from swarm_operator.api_client.cluster import NotFoundError
from swarm_operator.api_client.lister import Lister
from swarm_operator.api_client.object_cache import Cache
from swarm_operator.cli import cluster_query, render, run_result, watch
from swarm_operator.common import accelerators, cluster_run

CLUSTER = {"attempts": 4, "kubernetes": {"maxAccelerators": 1}}
S3 = {"type": "S3", "s3": {"bucket": "swarms", "credentialsSecretRef": {"name": "s3"}}}
FOUND = {"mean_score": 0.75, "scored_items": 8}
METADATA = {"name": "answers", "namespace": "team", "uid": "u-1", "generation": 1, "resourceVersion": "1"}


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Installs the kind for this module. Yields the variables that a child process needs."""
    with score_file_program.installed(tmp_path_factory.mktemp("installed")) as variables:
        yield variables


class ScoreFileWorld(World):
    """The cluster in memory, with pods that score."""

    def finish(self, pod: KubernetesObject) -> None:
        if pod["status"]["phase"] != "Running":
            return
        item = pod_items.item_of_pod(pod)
        output, scalars = ("experiment", {}) if item.kind is Kind.PREPARE else ("result", FOUND)
        receipt = self.store.setdefault(item.key, Receipt(item.key, {output: digest_bytes(item.key.encode())}, scalars))
        self.end(pod, 0, receipt.to_bytes().decode())

    def check_parent(self, item: WorkItem) -> None:
        """The conclusion follows the experiment; no commit comes between them."""
        assert item.parent == (None if item.kind is Kind.PREPARE else digest_bytes(b"prepare"))


def run(**spec: Any) -> KubernetesObject:
    """A ScoreFile as the API server has it."""
    return {**score_file_program.document(**{"storage": S3, "execution": CLUSTER, **spec}), "metadata": dict(METADATA)}


@pytest.fixture(scope="module")
def world() -> ScoreFileWorld:
    """A run that was driven to its end."""
    found = ScoreFileWorld(run())
    found.drive()
    return found


def test_a_file_is_read_by_its_kind_and_a_typo_in_it_is_refused_in_its_words() -> None:
    read = loading.parse_object(run(), "run.yaml")
    assert (read.kind, type(read).__name__) == ("ScoreFile", "ScoreFile")
    with pytest.raises(BadInputError, match=r"spec\.data\.queston: unknown field; did you mean question\?"):
        loading.parse_object(run(data={"uri": "a", "queston": "q"}), "run.yaml")
    with pytest.raises(
        BadInputError, match=r"spec\.takers: SwarmRun has this field, but ScoreFile does not; remove it"
    ):
        loading.parse_object(run(takers=[]), "run.yaml")


def test_its_digest_names_what_its_identity_lists() -> None:
    def digest(**spec: Any) -> str:
        return resolution.spec_digest(resolution.resolve_run(loading.parse_object(run(**spec), "run.yaml")))

    assert digest() == digest(suspend=True) == digest(execution={"attempts": 2})
    assert len({digest(), digest(seed=1), digest(verifier="Other"), digest(data={"uri": "b"})}) == 4


def test_a_resolved_run_comes_back_from_its_json_as_its_kind() -> None:
    resolved = resolution.resolve_run(loading.parse_object(run(), "run.yaml"))
    assert resolution.load_resolved(json.loads(resolved.model_dump_json())) == resolved
    known = rf"'LanceRun' is not an installed kind of run; .* one of {', '.join([*catalog.PROGRAMS, 'ScoreFile'])}"
    with pytest.raises(BadInputError, match=known):
        resolution.load_resolved({"kind": "LanceRun"})


def test_its_crd_is_printed_by_the_generator(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "swarm_core.api.crd", "ScoreFile"]
    printed = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    manifest = yaml.safe_load(printed)
    assert manifest["metadata"]["name"] == "scorefiles.dataswarm.io"
    (version,) = manifest["spec"]["versions"]
    titles = [one["name"] for one in version["additionalPrinterColumns"]]
    assert titles == ["Phase", "Reason", "Items", "Mean-Score", "GPU-h", "Age", "Message"]
    fixed = [one["fieldPath"] for one in version["schema"]["openAPIV3Schema"]["properties"]["spec"][
        "x-kubernetes-validations"] if "oldSelf" in one["rule"]]  # fmt: skip
    assert fixed == [".seed", ".data", ".verifier", ".storage"]


def test_the_generated_files_of_a_kind_are_written_where_they_are_asked_for(
    environment: dict[str, str], tmp_path: Path
) -> None:
    script = Path(__file__).parents[3] / "crds" / "generate.py"
    command = [sys.executable, str(script), "--crds", str(tmp_path), "--chart", str(tmp_path), "ScoreFile"]
    subprocess.run(command, env=environment, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dataswarm.io_scorefiles.yaml", "scorefile.schema.json", "scorefiles.yaml",
    ]  # fmt: skip
    assert subprocess.run([*command, "--check"], env=environment, check=False).returncode == 0
    (tmp_path / "scorefiles.yaml").write_text("stale")
    stale = subprocess.run([*command, "--check"], env=environment, check=False, capture_output=True, text=True)
    assert (stale.returncode, "scorefiles.yaml is not what the models say" in stale.stderr) == (1, True)


def test_the_operator_watches_it_and_knows_where_it_is_kept() -> None:
    assert "ScoreFile" in resources.list_cached_kinds()
    assert resources.find_resource("ScoreFile").path("team", "a", "status") == (
        "/apis/dataswarm.io/v1alpha1/namespaces/team/scorefiles/a/status"
    )
    cache = Cache()
    assert cache.record("ScoreFile", run()) == "u-1"
    assert [one["kind"] for one in cache.runs()] == ["ScoreFile"]


def test_a_kind_whose_definition_is_not_in_the_cluster_does_not_keep_the_others_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    missing = Failing("list", "ScoreFile", NotFoundError("the server could not find the requested resource", 404))
    cluster = FakeCluster(before_call=missing)
    cluster.put({**run(), "kind": "SwarmRun"})
    told: list[str] = []
    lister = Lister(cluster, Cache(), (), told.append)
    assert asyncio.run(lister.list_all()) == 1
    assert (told, lister.synced.is_set()) == (["u-1"], True)
    assert "ScoreFile: the server could not find the requested resource; install the CRD of this kind" in caplog.text


def test_a_run_goes_from_preparation_to_its_end_and_leaves_nothing_alive(world: ScoreFileWorld) -> None:
    assert world.phase == "Succeeded"
    assert world.launched == ["prepare/1", "conclude/1"]
    assert not world.living()
    assert world.run["status"]["message"] == "concluded"


def test_it_holds_no_accelerator_and_has_no_servers(world: ScoreFileWorld) -> None:
    order = cluster_run.parse(run(), pod_world.Defaults())
    assert not order.has_servers
    assert accelerators.peak(order.cluster, order.outline) == 0
    assert {kind for kind, _ in world.things} == {"Job", "Pod", "ConfigMap"}
    assert world.run["status"]["peakAccelerators"] == 0
    assert "servers" not in world.run["status"]


def test_its_status_has_its_own_fields_and_is_one_that_its_crd_lets_pass(world: ScoreFileWorld) -> None:
    status = world.run["status"]
    assert (status["items"], status["meanScore"]) == (8, 0.75)
    schema = crd.build_manifest(custom_resources.find_resource("ScoreFile"))["spec"]["versions"][0]["schema"][
        "openAPIV3Schema"
    ]
    assert crd_validator.list_refusals(world.run, schema) == []
    assert set(status) <= set(schema["properties"]["status"]["properties"])


def test_people_are_shown_its_figures(world: ScoreFileWorld) -> None:
    assert watch.format_progress(world.run) == "answers: Succeeded, concluded; items 8; mean score 0.7500"
    lines = list(run_result.format_report(world.run))
    assert lines[1:3] == ["  items        8", "  mean score   0.7500"]
    assert [one.kind for one in custom_resources.find_resources_by_name("scf")] == ["ScoreFile"]
    assert cluster_query.format_headline(world.run) == "answers: Succeeded, concluded"


def test_its_children_are_rendered_beforehand() -> None:
    text = render.render_run(yaml.safe_dump(run()), "run.yaml")
    assert text.startswith("# answers: 2 Jobs at most, one after another.\n# Peak of nvidia.com/gpu: 0 of 1")
    jobs = [one for one in yaml.safe_load_all(text) if one["kind"] == "Job"]
    assert [job["metadata"]["labels"]["dataswarm.io/work"] for job in jobs] == ["prepare", "conclude"]


def test_a_run_of_a_kind_that_is_not_installed_is_refused_by_name_and_gets_no_child() -> None:
    world = ScoreFileWorld({**run(), "kind": "LanceRun"})
    world.operate()
    (told,) = [one for one in world.run["status"]["conditions"] if one["type"] == "Validated"]
    assert told["status"] == "False"
    assert "'LanceRun' is not an installed kind of run" in told["message"]
    assert not world.things


def test_a_kind_of_the_catalog_is_not_hidden_by_an_entry_point() -> None:
    assert program_registry.list_kinds() == (*catalog.PROGRAMS, "ScoreFile")

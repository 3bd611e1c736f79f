"""What was pinned when a run was prepared: the parts and prompts that a later process must have, too."""

import json
from pathlib import Path

import generated_documents as generated
import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, parts, resolution
from swarm_core.api.parts import PartsIdentity
from swarm_core.api.resolution import ResolvedSpec
from swarm_core.api.resuming import ResumeFrom
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import digest_bytes
from swarm_trainer.maintenance import fork
from swarm_trainer.run_store import pins
from swarm_trainer.stores.local import LocalStore


@pytest.fixture
def spec() -> ResolvedSpec:
    return resolution.resolve_run(loading.parse_object(documents.minimal(), "run.yaml"))


def prepared(folder: Path, spec: ResolvedSpec, code: PartsIdentity) -> ArtifactStore:
    """A store whose run was prepared with `code`."""
    store = LocalStore(folder)
    contents = {use.uri: digest_bytes(use.uri.encode()) for use in resolution.list_uris(spec)}
    store.publish(pins.IDENTITY_KEY, resolution.serialize_identity(spec, contents, code))
    return store


def test_a_run_goes_on_with_the_parts_that_it_began_with(tmp_path: Path, spec: ResolvedSpec) -> None:
    pins.check_parts(spec, prepared(tmp_path, spec, parts.identify_parts(spec)))


def test_before_a_run_is_prepared_any_parts_will_do(tmp_path: Path, spec: ResolvedSpec) -> None:
    pins.check_parts(spec, LocalStore(tmp_path))


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ({"name": "Arithmetic", "revision": 7}, "began with revision 7 of Arithmetic; "),
        ({"name": "mine", "distribution": "my-things", "version": "2.0"}, "began with mine of my-things 2.0; "),
    ],
    ids=["built-in", "plug-in"],
)
def test_another_part_is_refused_with_its_field_and_both_origins(
    tmp_path: Path, spec: ResolvedSpec, origin: dict[str, object], words: str
) -> None:
    code = parts.identify_parts(spec)
    other = PartsIdentity({**code.parts, "spec.judge.verifier": origin}, code.prompts)
    installed = f"revision {code.parts['spec.judge.verifier']['revision']} of Arithmetic is installed"
    with pytest.raises(BadInputError, match=rf"^spec\.judge\.verifier: {installed}") as caught:
        pins.check_parts(spec, prepared(tmp_path, spec, other))
    assert words in str(caught.value)


def test_another_config_of_a_plug_in_is_refused_with_its_field() -> None:
    def code(config: dict[str, object]) -> dict[str, dict[str, object]]:
        origin = {"name": "mine", "distribution": "my-things", "version": "2.0", "config": config}
        return {"parts": {"spec.objective": origin}, "prompts": {}}

    told = pins.describe_changed_code(code({"a": 1}), code({"b": 1}))
    assert told.startswith("spec.objective.plugin.config: not as in the experiment that this store holds")


def test_a_reworded_prompt_is_refused_with_the_name_of_its_templates(tmp_path: Path, spec: ResolvedSpec) -> None:
    code = parts.identify_parts(spec)
    other = PartsIdentity(code.parts, {"Chat": {**code.prompts["Chat"], "answering": "Answer: {item}"}})
    store = prepared(tmp_path, spec, other)
    with pytest.raises(BadInputError, match="the prompts of Chat are not those that this run began with"):
        pins.check_parts(spec, store)
    standing = store.read(pins.IDENTITY_KEY)
    assert standing is not None
    contents = {use.uri: digest_bytes(use.uri.encode()) for use in resolution.list_uris(spec)}
    with pytest.raises(BadInputError, match="the prompts of Chat"):
        pins.check_same_experiment(standing, resolution.serialize_identity(spec, contents, code))


def test_a_fork_is_refused_where_a_part_is_another(tmp_path: Path, spec: ResolvedSpec) -> None:
    code = parts.identify_parts(spec)
    origin = {"name": "mine", "distribution": "my-things", "version": "2.0"}
    parent = prepared(tmp_path, spec, PartsIdentity({**code.parts, "spec.objective": {**origin}}, code.prompts))
    contents = {use.uri: digest_bytes(use.uri.encode()) for use in resolution.list_uris(spec)}
    later = {**code.parts, "spec.objective": {**origin, "version": "2.1"}}
    identity = resolution.serialize_identity(spec, contents, PartsIdentity(later, code.prompts))
    with pytest.raises(BadInputError, match=r'parts\.spec\.objective\.version is "2\.0" there and "2\.1" here'):
        fork.check_identity(parent, ResumeFrom(uri="runs/a", iteration=1), identity)


@pytest.mark.parametrize("start", generated.STARTS, ids=lambda start: "+".join(start) or "minimal")
def test_what_pins_the_code_follows_from_the_identity_alone(start: documents.Patch, tmp_path: Path) -> None:
    """`verify` has a store and no file."""
    written = documents.patched(start)
    if "Plugin" in str(written):
        pytest.skip("the plug-in of these documents is not installed")
    spec = resolution.resolve_run(loading.parse_object(written, "run.yaml"))
    store = prepared(tmp_path, spec, parts.identify_parts(spec))
    fields = {**json.loads(store.read(pins.IDENTITY_KEY) or b"")["spec"], "suspend": False, "storage": None}
    again = ResolvedSpec.model_validate_json(json.dumps({**fields, "execution": {}}))
    pins.check_parts(again, store)

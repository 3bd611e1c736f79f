"""A file becomes a run, or messages that say where, what, why and what to do."""

import pytest
import swarmrun_documents as documents
import yaml

from swarm_core.api import kubernetes_yaml, loading
from swarm_core.errors import BadInputError

TEXT = yaml.safe_dump(documents.minimal(), sort_keys=False)


def refused(text: str) -> list[str]:
    with pytest.raises(BadInputError) as refusal:
        loading.parse(text, "run.yaml")
    return str(refusal.value).splitlines()


CASES = {
    "unknown field, close": (
        {"spec.swarm.particle": 3},
        "spec.swarm.particle: unknown field; did you mean particles?",
    ),
    "unknown field, far": (
        {"spec.judge.zzz": 3},
        "spec.judge.zzz: unknown field; known here: type, verifier",
    ),
    "python's spelling": (
        {"spec.generation.max_tokens": 3},
        "spec.generation.max_tokens: unknown field; did you mean maxTokens?",
    ),
    "number as text": ({"spec.seed": "42"}, "spec.seed: '42' is text; write a whole number, without quotes"),
    "boolean as number": (
        {"spec.evaluation.items": True},
        "spec.evaluation.items: true is a boolean; write a whole number",
    ),
    "fraction": ({"spec.swarm.particles": 2.5}, "spec.swarm.particles: 2.5 is a number; write a whole number"),
    "text as boolean": ({"spec.suspend": "true"}, "spec.suspend: 'true' is text; write true or false, without quotes"),
    "number as text field": ({"spec.domain": 5}, "spec.domain: 5 is a number; write text"),
    "scalar for a block": ({"spec.generation": 5}, "spec.generation: 5 is a number; write a mapping"),
    "mapping for a list": ({"spec.takers": {"a": 1}}, "spec.takers: {'a': 1} is a mapping; write a list"),
    "not a number": (
        {"spec.generation.temperature": float("nan")},
        "spec.generation.temperature: nan is a number; write a finite number",
    ),
    "too large": ({"spec.swarm.particles": 65}, "spec.swarm.particles: 65 must be at most 64"),
    "too small": ({"spec.seed": -1}, "spec.seed: -1 must be at least 0"),
    "not above": ({"spec.evaluation.coverage": 0}, "spec.evaluation.coverage: 0 must be above 0"),
    "too few": ({"spec.takers": []}, "spec.takers: []: objective Difficulty needs at least 1 taker; list"),
    "too long": ({"spec.takers.0.name": "a" * 64}, "has the wrong length; write at most 63 characters"),
    "not of the choices": (
        {"spec.base.dtype": "int8"},
        "spec.base.dtype: 'int8' is not known; use float32, bfloat16 or float16",
    ),
    "another version": (
        {"apiVersion": "dataswarm.io/v9"},
        "apiVersion: 'dataswarm.io/v9' is not known; use dataswarm.io/v1alpha1",
    ),
    "name of a run": ({"metadata.name": "My_run"}, "metadata.name: 'My_run': use lower-case letters, digits and '-'"),
    "name twice": (
        {"spec.takers": [{"name": "x"}, {"name": "x"}]},
        "spec.takers[1].name: 'x': another taker has this name; give each taker its own name",
    ),
    "another scheme": (
        {"spec.takers.1.adapter": "https://hub/org/name"},
        "spec.takers[1].adapter: 'https://hub/org/name': write a path, file:// and a path, s3://BUCKET/KEY or hf://",
    ),
    "missing": ({"spec.base": documents.GONE}, "spec.base: is missing; it is needed: the base model"),
    "null is missing": ({"spec.base": None}, "spec.base: is missing; it is needed: the base model"),
    "no takers": ({"spec.takers": None}, "spec.takers: objective Difficulty needs at least 1 taker; list"),
    "block of the other rule": (
        {"spec.swarm": {"published": {}}},
        "spec.swarm.published: {}: published belongs to rule Published; remove it, or set rule to Published",
    ),
}


@pytest.mark.parametrize(("patch", "message"), CASES.values(), ids=CASES)
def test_a_refusal_is_one_line_with_place_value_rule_and_way_out(patch: documents.Patch, message: str) -> None:
    (line,) = refused(yaml.safe_dump(documents.patched(patch)))
    assert line.startswith("run.yaml: ")
    assert message in line


def test_several_faults_have_a_line_each() -> None:
    lines = refused(yaml.safe_dump(documents.patched({"spec.seed": "x", "spec.takers.0.nme": "y"})))
    assert [line.split(": ")[1] for line in lines] == ["spec.seed", "spec.takers[0].nme"]


BROKEN = {
    "empty": ("", "holds nothing; write a mapping"),
    "a list": ("- a", "holds a list; write a mapping"),
    "syntax": ("a: [", "line 1: expected the node content"),
    "key twice": (f"{TEXT}kind: SwarmRun\n", "line 21: key 'kind' occurs twice; remove one of them"),
    "key twice, deep": ("a:\n  b: 1\n  b: 2\n", "line 3: key 'b' occurs twice; remove one of them"),
    "two documents": (f"{TEXT}---\n{TEXT}", "contains several documents; keep one run per file"),
    "python object": ("a: !!python/object:os.system x", "is not supported"),
    "set": ("a: !!set {b}", "tag tag:yaml.org,2002:set is not supported"),
    "key that is a list": ("? [a]\n: b", "line 1: a key must be text"),
    "holds itself": ("a: &a [*a]", "line 1: found unconstructable recursive node"),
    "control character": ("a: \x00", "not YAML: unacceptable character"),
    "unknown alias": ("a: *b", "line 1: found undefined alias 'b'"),
    "tag that lies": ("a: !!int b", "line 1: 'b' is no int; remove the tag"),
    "too large": (" " * (loading.MAX_CHARACTERS + 1), "1048577 characters; a run has at most 1048576"),
    "too deep": ("[" * 5000, "not YAML"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_document_is_refused_in_one_line(text: str, message: str) -> None:
    (line,) = refused(text)
    assert message in line
    assert len(line) < 300


def test_a_bomb_of_aliases_is_refused_at_once_and_briefly() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    lines = refused(f"a0: &a0 [x]\n{levels}spec: *a29\n")
    assert max(map(len, lines)) < 300


def test_the_status_of_a_file_is_passed_over() -> None:
    run = loading.parse(TEXT + "status: {phase: 7, unheard: of}\n", "run.yaml")
    assert run.status is None


def test_what_kubectl_get_prints_is_read() -> None:
    server = {
        "metadata.uid": "b2c3",
        "metadata.generation": 2,
        "metadata.resourceVersion": "71",
        "metadata.creationTimestamp": "2030-01-01T00:00:00Z",
        "metadata.managedFields": [{"manager": "kubectl"}],
        "metadata.finalizers": ["a.b/c"],
        "metadata.annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    metadata = loading.parse(yaml.safe_dump(documents.patched(server)), "run.yaml").metadata
    assert (metadata.uid, metadata.generation, metadata.resource_version) == ("b2c3", 2, "71")


SCALARS = {
    "2e-4": 2e-4, ".5": 0.5, "1.": 1.0, "1_000": 1000, "0x1F": 31, "0o17": 15, "017": 15, "08": 8.0, "0b11": 3,
    "-7": -7, "1:30": "1:30", "2030-01-01": "2030-01-01", "y": True, "Off": False, "tRUE": "tRUE", "~": None, "": None,
    "=": "=", "1e400": "1e400", "-.inf": float("-inf"), "'1'": "1", "!!str 1": "1", "!!float 1": 1.0, "<<": "<<",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS.items(), ids=SCALARS)
def test_a_scalar_is_read_as_kubectl_reads_it(text: str, value: object) -> None:
    read = kubernetes_yaml.load(f"a: {text}")
    assert read == {"a": value}
    assert type(read["a"]) is type(value)  # type: ignore[index]


def test_a_merged_key_may_be_given_again() -> None:
    assert kubernetes_yaml.load("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}") == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
    }


def test_a_key_is_its_text() -> None:
    assert kubernetes_yaml.load("{1: a, on: b, 'c d': e}") == {"1": "a", "on": "b", "c d": "e"}


@pytest.mark.parametrize(
    ("patch", "line"),
    [
        (
            {"spec.judge": {"type": "Panel", "panel": {"members": [documents.MARKS, {"type": "Modl"}]}}},
            "spec.judge.panel.members[1].type: 'Modl' is not known; use Verifier, Model, RewardModel or Plugin",
        ),
        (
            {"spec.judge": {"type": "Panel", "panel": {"members": [documents.MARKS, None]}}},
            "spec.judge.panel.members[1]: is empty; write a mapping",
        ),
        (
            {"spec.generators.adapters": ["a", 3]},
            "spec.generators.adapters[1]: 3 is a number; write text",
        ),
    ],
)
def test_a_faulty_entry_of_a_list_is_one_error_and_does_not_make_the_list_too_short(
    patch: documents.Patch, line: str
) -> None:
    assert refused(yaml.safe_dump(documents.patched(patch))) == [f"run.yaml: {line}"]

"""Parts by name: built-ins of the catalog, plug-ins of other distributions, and what is said of those that fail."""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import adversarial_documents
import plugin_package
import pytest
import swarmrun_documents as documents

from swarm_core import catalog, pareto_composition, part_config, plugins, weighted_sum
from swarm_core.api import judging, loading, objective_blocks, parts, resolution
from swarm_core.api.resolution import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.scores import Unscored
from swarm_core.optimizers import registry
from swarm_core.optimizers.optimizer import Optimizer
from swarm_core.plugins import BuiltInOrigin, PluginNotFoundError, PluginOrigin
from swarm_core.recipe import digest_bytes, remote_model_name
from swarm_core.text import item_formats, prompts
from swarm_core.text.item_formats import ItemFormat

PLACES = [part for names in (*catalog.GROUPS.values(), catalog.OPTIMIZERS) for part in names.items()]
BUILT_IN = [(group, name) for group, names in catalog.GROUPS.items() for name in names]
ALL_FIVE: documents.Patch = {
    "spec.objective": {"type": "Plugin", "plugin": {"name": "unanimous-failure", "config": {"threshold": 0.5}}},
    "spec.judge.verifier": {"type": "Plugin", "plugin": {"name": "residue", "config": {"modulus": 2}}},
    "spec.gates": [{"type": "Plugin", "plugin": {"name": "max-characters", "config": {"most": 9}}}],
    "spec.evaluation.rivals": [{"type": "Plugin", "plugin": {"name": "first-generator"}}],
}


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of the test package as installed, by version."""
    scratch = tmp_path_factory.mktemp("plugins")
    made: dict[str, Path] = {}

    def release(version: str) -> Path:
        if version not in made:
            made[version] = plugin_package.install(scratch, version)
        return made[version]

    return release


@pytest.fixture
def installed(releases: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs a version of the test package in this process; version 1.0.0 is there from the start."""

    def install(version: str) -> None:
        monkeypatch.syspath_prepend(str(releases(version)))

    install(plugin_package.VERSION)
    yield install
    for name in [name for name in sys.modules if name.startswith("dataswarm_testing")]:
        del sys.modules[name]


@pytest.fixture
def make_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a distribution with one plug-in, `broken`, in a group; `code` is its module."""

    def make(group: str, code: str, distribution: str = "broken-things", name: str = "broken") -> None:
        folder = tmp_path / distribution
        metadata = folder / f"{distribution.replace('-', '_')}-2.1.dist-info"
        metadata.mkdir(parents=True)
        (folder / f"{distribution.replace('-', '_')}.py").write_text(code)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.1\n")
        entry = f"[dataswarm.{group}]\n{name} = {distribution.replace('-', '_')}:make\n"
        (metadata / "entry_points.txt").write_text(entry)
        monkeypatch.syspath_prepend(str(folder))

    return make


def resolved(patch: documents.Patch) -> ResolvedSpec:
    return resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))


@pytest.mark.parametrize(("group", "name"), BUILT_IN, ids=str)
def test_every_line_of_the_catalog_names_a_part_with_a_factory_and_a_revision(group: str, name: str) -> None:
    assert callable(plugins.load_factory(group, name))
    found = plugins.find_origin(group, name)
    assert isinstance(found, BuiltInOrigin)
    assert found.revision >= 1


@pytest.mark.parametrize("module", sorted({place.partition(":")[0] for _, place in PLACES}))
def test_the_module_of_a_part_imports_no_library_but_pydantic_because_the_operator_imports_it(module: str) -> None:
    source = Path(str(find_spec(module).origin)).read_text()  # type: ignore[union-attr]
    lines = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {one.module or "" if isinstance(one, ast.ImportFrom) else one.names[0].name for one in lines}
    assert {name.partition(".")[0] for name in names} <= {*sys.stdlib_module_names, "pydantic", "swarm_core"}


def test_a_built_in_is_made_by_its_name() -> None:
    assert isinstance(plugins.build_part("objectives", "Difficulty", {}), Difficulty)
    context = GateContext(ArithmeticJudge())
    assert isinstance(plugins.build_part("gates", "Duplicate", {}, context), DuplicateGate)


def test_a_built_in_without_settings_refuses_any() -> None:
    with pytest.raises(BadInputError, match="depth"):
        plugins.build_part("objectives", "Difficulty", {"depth": 3})


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ((objective_blocks.WEIGHTED, objective_blocks.PARETO, *catalog.OBJECTIVES, "Plugin"), "objective"),
        ((*catalog.VERIFIERS, "Plugin"), "judge.verifier"),
        (("Verifier", judging.PANEL, *catalog.JUDGES, "Plugin"), "judge"),
        ((*catalog.GATES, "Plugin"), "gates"),
        ((*catalog.RIVALS, "Plugin"), "evaluation.rivals"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_enums_of_the_crd_are_the_keys_of_the_catalog(table: tuple[str, ...], path: str) -> None:
    node = documents.SCHEMA["properties"]["spec"]
    for part in path.split("."):
        node = node["properties"][part]
    assert tuple(node.get("items", node)["properties"]["type"]["enum"]) == table


def test_no_plug_in_can_be_named_like_a_built_in(installed: object) -> None:
    for _, name in BUILT_IN:
        with pytest.raises(BadInputError, match="lower-case"):
            resolved({"spec.objective": {"type": "Plugin", "plugin": {"name": name}}})


def test_a_plug_in_is_loaded_from_the_distribution_that_has_it(installed: object) -> None:
    gate = plugins.build_part("gates", "max-characters", {"most": 3}, GateContext(ArithmeticJudge()))
    assert (gate.refusal(Item("1+1"), ()), gate.refusal(Item("12+1"), ())) == (
        None,
        "4 characters; at most 3 are admitted",
    )
    origin = plugins.find_origin("gates", "max-characters")
    assert origin == PluginOrigin("max-characters", plugin_package.DISTRIBUTION, "1.0.0")


def test_a_gate_of_another_distribution_gets_the_context_of_its_measurement(installed: object) -> None:
    (gate,) = build_gates(
        [GateChoice("max-characters")], GateContext(ArithmeticJudge(), seeds=ItemIndex(build_items(["1+1", "10+1"])))
    )
    assert (gate.refusal(Item("99+9"), ()), gate.refusal(Item("99+99"), ())) == (
        None,
        "5 characters; at most 4 are admitted",
    )


def test_a_plug_in_that_is_missing_is_named_with_its_group_what_is_there_and_the_way_out(installed: object) -> None:
    with pytest.raises(PluginNotFoundError) as caught:
        plugins.load_factory("verifiers", "chess")
    message = str(caught.value)
    there = (f"built in are {', '.join(catalog.VERIFIERS)}", "plug-ins of dataswarm.verifiers are residue")
    for words in ("verifier 'chess' is unknown", *there, "install", "spec.execution.kubernetes.image.trainer"):
        assert words in message
    with pytest.raises(PluginNotFoundError, match=r"spec\.judge\.verifier: .*'chess'"):
        parts.identify_parts(resolved({"spec.judge.verifier": {"type": "Plugin", "plugin": {"name": "chess"}}}))


def test_without_any_plug_in_the_message_says_so() -> None:
    with pytest.raises(PluginNotFoundError, match=r"plug-ins of dataswarm\.objectives are none"):
        plugins.load_factory("objectives", "unanimous-failure")


@pytest.mark.parametrize(
    ("group", "name", "config", "words"),
    [
        (
            "verifiers",
            "residue",
            {"modulus": 1},
            ["residue", plugin_package.DISTRIBUTION, "'modulus' is 1", "2 or more"],
        ),
        ("verifiers", "residue", {}, ["'modulus' is missing"]),
        ("gates", "max-characters", {"most": "many"}, ["'most' is 'many'"]),
        ("objectives", "unanimous-failure", {"treshold": 1}, ["'treshold' is unknown", "threshold"]),
    ],
    ids=str,
)
def test_a_config_that_a_plug_in_refuses_is_refused_in_its_words(
    installed: object, group: str, name: str, config: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(BadInputError) as caught:
        plugins.build_part(group, name, config, *[GateContext(ArithmeticJudge())] * (group == "gates"))
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nowhere_to_be_found\n", "cannot be imported: ModuleNotFoundError"),
        ("anything = 1\n", "cannot be imported: AttributeError"),
        ("def make(config): return config['depth']\n", "cannot be built from its config: KeyError: 'depth'"),
        ("def make(config): return object()\n", "returns a object without name, requests, refusal"),
    ],
    ids=["import", "attribute", "factory", "something else"],
)
def test_a_plug_in_that_is_broken_is_refused_by_name(make_broken: Callable[..., None], code: str, words: str) -> None:
    make_broken("gates", code)
    with pytest.raises(BadInputError, match=r"'broken' of broken-things 2\.1 \(dataswarm\.gates\)") as caught:
        plugins.build_part("gates", "broken", {})
    assert words in str(caught.value)
    sys.modules.pop("broken_things", None)


def test_two_distributions_with_one_name_are_refused_by_theirs(make_broken: Callable[..., None]) -> None:
    make_broken("gates", "make = None\n", "first-things")
    make_broken("gates", "make = None\n", "second-things")
    with pytest.raises(BadInputError, match="first-things and second-things all have it"):
        plugins.load_factory("gates", "broken")


def test_every_named_part_is_pinned_by_its_origin(installed: object) -> None:
    found = parts.identify_parts(resolved(ALL_FIVE)).parts
    package = {"distribution": plugin_package.DISTRIBUTION, "version": "1.0.0"}
    assert found["spec.objective"] == {"name": "unanimous-failure", **package, "config": {"threshold": 0.5}}
    assert found["spec.judge.verifier"] == {"name": "residue", **package, "config": {"modulus": 2}}
    assert found["spec.gates[0]"] == {"name": "max-characters", **package, "config": {"most": 9}}
    assert found["spec.evaluation.rivals[0]"] == {"name": "first-generator", **package, "config": {}}
    plain = parts.identify_parts(resolved({})).parts
    assert plain["spec.objective"] == {"name": "Difficulty", "revision": Difficulty.revision}
    assert plain["spec.judge.verifier"] == {"name": "Arithmetic", "revision": ArithmeticJudge.revision}


def test_a_weighted_sum_and_each_of_its_terms_is_pinned_by_its_origin(installed: object) -> None:
    mine = {"objective": ALL_FIVE["spec.objective"], "weight": 1}
    spec = resolved({"spec.objective": documents.weigh(documents.HARD, mine)})
    found = parts.identify_parts(spec).parts
    assert found["spec.objective.weighted"] == {"name": "Weighted", "revision": weighted_sum.REVISION}
    assert found["spec.objective.weighted.terms[0].objective"] == {
        "name": "Difficulty",
        "revision": Difficulty.revision,
    }
    assert found["spec.objective.weighted.terms[1].objective"]["name"] == "unanimous-failure"
    assert "spec.objective" not in found
    built = [parts.build_spec_part(use) for use in parts.list_objectives(spec)]
    assert [one.needs.takers for one in built] == [1, 2]


def test_a_front_and_each_of_its_terms_is_pinned_by_its_origin() -> None:
    spec = resolved(documents.trade(documents.GOAL, documents.OTHER_GOAL))
    found = parts.identify_parts(spec).parts
    assert found["spec.objective.pareto"] == {"name": "Pareto", "revision": pareto_composition.REVISION}
    assert found["spec.objective.pareto.terms[1].objective"]["name"] == "Separation"
    assert found["spec.swarm"]["name"] == "MultiObjective"
    assert "spec.objective" not in found


@pytest.mark.parametrize("optimizer", list(registry.OPTIMIZERS.values()), ids=list(registry.OPTIMIZERS))
def test_another_revision_of_an_optimizer_is_another_experiment(
    optimizer: type[Optimizer[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_rule = optimizer.is_particle_rule
    front = documents.trade(documents.GOAL, documents.OTHER_GOAL) if optimizer.takes_vectors else {}
    spec = resolved({**front, "spec.swarm": {"rule" if is_rule else "optimizer": optimizer.name}})
    before = digest(spec)
    assert parts.identify_parts(spec).parts["spec.swarm"]["name"] == optimizer.name
    monkeypatch.setattr(optimizer, "revision", optimizer.revision + 1)
    assert digest(spec) != before


def test_the_swarms_of_a_game_pin_both_optimizers_and_the_takers_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    game = loading.parse_object(adversarial_documents.minimal(), "game.yaml")
    pinned = parts.identify_parts(resolution.resolve_run(game)).parts
    assert pinned["spec.generators.swarm"] == pinned["spec.takers.swarm"] == {"name": "Standard", "revision": 1}
    assert pinned["spec.takers"] == {"name": "Accuracy", "revision": Accuracy.revision}
    monkeypatch.setattr(Accuracy, "revision", Accuracy.revision + 1)
    assert parts.identify_parts(resolution.resolve_run(game)).parts["spec.takers"]["revision"] == Accuracy.revision


def digest(spec: ResolvedSpec) -> str:
    contents = {use.uri: digest_bytes(use.uri.encode()) for use in resolution.list_uris(spec)}
    return resolution.experiment_digest(spec, contents, parts.identify_parts(spec))


def test_another_version_or_config_is_another_experiment(installed: Callable[[str], None]) -> None:
    spec = resolved(ALL_FIVE)
    other = resolved({**ALL_FIVE, "spec.judge.verifier.plugin.config.modulus": 3})
    before, written = digest(spec), resolution.spec_digest(spec)
    assert digest(other) != before
    assert resolution.spec_digest(other) != written
    installed("1.1.0")
    assert digest(spec) != before
    assert resolution.spec_digest(spec) == written, "as written, it is the same"


def test_another_revision_of_a_built_in_is_another_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = resolved({})
    before = digest(spec)
    monkeypatch.setattr(Difficulty, "revision", Difficulty.revision + 1)
    assert digest(spec) != before


def test_a_reworded_prompt_is_another_experiment_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    chat, plain = resolved({}), resolved({"spec.base.template": "Plain"})
    before = digest(chat), digest(plain)
    style = prompts.TEMPLATES[prompts.PromptStyle.PLAIN]
    changed = {**prompts.TEMPLATES, prompts.PromptStyle.PLAIN: replace(style, answering="Question: {item}\nA:")}
    monkeypatch.setattr(prompts, "TEMPLATES", changed)
    assert digest(chat) == before[0]
    assert digest(plain) != before[1]


def test_the_words_and_the_reader_of_a_format_are_part_of_its_experiments_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    specs = [resolved({"spec.generation": {"format": name}} if name else {}) for name in (None, *ItemFormat)]
    before = list(map(digest, specs))
    assert before[0] == before[1], "questions alone are what they were"
    assert len(set(before)) == 3
    key = (prompts.PromptStyle.CHAT, ItemFormat.QUESTIONS_AND_ANSWERS)
    monkeypatch.setattr(prompts, "FORMAT_REQUESTS", {**prompts.FORMAT_REQUESTS, key: "Write:\n{examples}"})
    reworded = list(map(digest, specs))
    assert [one == other for one, other in zip(before, reworded, strict=True)] == [True, True, False, True]
    monkeypatch.setattr(item_formats, "REVISION", item_formats.REVISION + 1)
    read = list(map(digest, specs))
    assert [one == other for one, other in zip(reworded, read, strict=True)] == [True, True, False, False]


def test_a_judge_that_asks_a_model_is_told_its_name_and_nobody_else_may_say_it(installed: object) -> None:
    endpoint = {"url": "https://models.test", "model": "large"}
    spec = resolved({"spec.judge": {"type": "Plugin", "plugin": {"name": "second-opinion", "endpoint": endpoint}}})
    judge = parts.build_spec_part(parts.list_judges(spec)[0])
    (request,) = judge.requests(Item("1+1"), "2")
    assert request.model == remote_model_name("https://models.test/v1", "large")
    plugin = {"name": "second-opinion", "endpoint": endpoint, "config": {"model": "x"}}
    taken = resolved({"spec.judge": {"type": "Plugin", "plugin": plugin}})
    with pytest.raises(BadInputError, match=r"spec\.judge\.plugin\.config: 'model' is set by dataswarm"):
        parts.build_spec_part(parts.list_judges(taken)[0])


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ({"a": 2.0, "b": -0.0}, {"a": 2, "b": 0}),
        ({"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": [1.0, {"b": None}]}, {"a": [1, {}]}),
    ],
    ids=str,
)
def test_a_config_has_one_form_wherever_it_is_read(written: object, same: object) -> None:
    def spec(config: object) -> ResolvedSpec:
        return resolved({"spec.objective": {"type": "Plugin", "plugin": {"name": "mine", "config": config}}})

    assert resolution.spec_digest(spec(written)) == resolution.spec_digest(spec(same))


def test_a_config_that_is_no_json_is_refused_with_its_field() -> None:
    with pytest.raises(BadInputError, match=r"spec\.objective\.plugin\.config.*finite number"):
        resolved({"spec.objective": {"type": "Plugin", "plugin": {"name": "mine", "config": {"a": float("nan")}}}})


def test_the_default_list_of_gates_may_be_written_out_and_another_list_is_another_experiment() -> None:
    def gates(*names: str) -> documents.Patch:
        return {"spec.gates": [{"type": name} for name in names]}

    default = resolution.spec_digest(resolved({}))
    assert resolution.spec_digest(resolved(gates(*catalog.DEFAULT_GATES))) == default
    others = [gates(), gates(*catalog.DEFAULT_GATES[:2]), gates(*reversed(catalog.DEFAULT_GATES))]
    assert len({default, *(resolution.spec_digest(resolved(patch)) for patch in others)}) == 4


def test_the_names_that_code_compares_with_are_in_the_catalog() -> None:
    assert {*catalog.DEFAULT_GATES} <= {*catalog.GATES}


def test_the_verifier_of_the_documentation_works_and_has_twenty_lines() -> None:
    page = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    written = [line for line in code.splitlines() if line and not line.startswith(("from ", "import "))]
    assert len(written) <= 20
    names: dict[str, Any] = {}
    exec(code, names)
    verifier = names["make_verifier"]({})
    assert (verifier.refusal(Item("banana")), verifier.refusal(Item("é")), verifier.requests(Item("a"), "1")) == (
        None,
        "not ASCII",
        (),
    )
    assert [verifier.score(Item("banana"), answer, ()) for answer in ("3", "4")] == [1.0, 0.0]
    assert isinstance(verifier.score(Item("banana"), " ", ()), Unscored)
    assert all(hasattr(verifier, member) for member in plugins.MEMBERS["verifiers"])
    with pytest.raises(BadInputError, match="'vowles' is unknown"):
        names["make_verifier"]({"vowles": "a"})


@pytest.mark.parametrize(("given", "value"), [(1, 1.0), (0.25, 0.25)])
def test_a_whole_number_will_do_where_a_float_is_asked_for(given: object, value: float) -> None:
    found = part_config.get_field("part", {"field": given}, "field", float)
    assert (found, type(found)) == (value, float)


def test_a_boolean_is_no_number() -> None:
    with pytest.raises(BadInputError, match="'field' is True; give one of type float"):
        part_config.get_field("part", {"field": True}, "field", float)

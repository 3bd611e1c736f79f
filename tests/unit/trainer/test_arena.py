"""The arenas are frozen: whatever is tuned is tuned on these bytes, and figures in the docs are about them."""

import json
from pathlib import Path

import pytest

from swarm_core.api import loading, resolution
from swarm_core.api.generators import SeedDataSource
from swarm_core.canonical_items import canonicalize_item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_trainer.data import seeds
from swarm_trainer.lora import adapter, signature
from swarm_trainer.runtime import inputs
from swarm_trainer.stores import files, tree

DATA = SeedDataSource(uri="seeds.jsonl")
EXAMPLES = Path(__file__).parents[3] / "examples"
ARENAS = ["arithmetic", "arithmetic-2", "arithmetic-3"]


@pytest.mark.parametrize("name", ARENAS)
def test_an_arena_is_what_its_digests_say(name: str) -> None:
    arena = EXAMPLES / name
    for part, digest in json.loads((arena / "digests.json").read_text()).items():
        path = arena / part
        assert (tree.digest_tree(path) if path.is_dir() else files.digest(path)) == digest, part


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("adapter_config.json")), ids=lambda file: str(file.parent.name))
def test_no_taker_tells_where_its_base_lay(file: Path) -> None:
    assert json.loads(file.read_text())["base_model_name_or_path"] == "base"


@pytest.mark.parametrize("name", ARENAS)
def test_every_taker_fits_the_base(name: str) -> None:
    takers = sorted((EXAMPLES / name / "takers").iterdir())
    assert len(takers) == 4
    for taker in takers:
        signature.check_base(EXAMPLES / name / "base", adapter.read_signature(taker), taker.name)


@pytest.mark.parametrize("name", ARENAS)
def test_every_seed_item_can_be_judged_and_has_a_cluster(name: str) -> None:
    items = seeds.read(EXAMPLES / name / "seeds.jsonl", DATA, "cluster").items
    assert len({item.cluster for item in items}) == 4
    assert [seed.item.text for seed in items if ArithmeticJudge().refusal(seed.item)] == []


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_example_is_valid_and_names_files_that_are_there(file: Path) -> None:
    resolved = resolution.resolve_run(loading.parse(file.read_text(), str(file)))
    for use in resolution.list_uris(resolved):
        inputs.find_local(use, file.parent)


def test_the_arena_of_the_game_is_what_its_digests_say() -> None:
    arena = EXAMPLES / "adversarial"
    for part, digest in json.loads((arena / "digests.json").read_text()).items():
        assert files.digest(arena / part) == digest, part


def test_no_item_of_the_game_stands_with_both_sides_and_all_can_be_judged() -> None:
    generators, takers = (
        [seed.item for seed in seeds.read(EXAMPLES / "adversarial" / name, DATA, "cluster").items]
        for name in ("seeds.jsonl", "takers.jsonl")
    )
    judge = ArithmeticJudge()
    assert not {canonicalize_item(item, judge) for item in generators} & {
        canonicalize_item(item, judge) for item in takers
    }
    assert [item for item in (*generators, *takers) if ArithmeticJudge().refusal(item)] == []

"""Adapters in a server's folder: made once, named by their digest, deleted when no request can name them any more."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swarm_core.ports import StoreError
from swarm_core.recipe import Digest, ModelName, Recipe, build_mixture, build_single
from swarm_trainer.inference import adapter_store
from swarm_trainer.inference.adapter_store import (
    AdapterStore,
    IncompatibleRecipeError,
    ServableAdapters,
    UnknownRecipeError,
)
from swarm_trainer.lora import combine
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore

BASE = Digest("b" * 64)
Make = Callable[..., Path]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def basis(store: LocalStore, tiny_base: Path, make_adapter: Make) -> tuple[Digest, ...]:
    return tuple(tree.put_tree(store, make_adapter(tiny_base, seed)) for seed in (1, 2))


@pytest.fixture
def adapters(store: LocalStore, tiny_base: Path, tmp_path: Path) -> AdapterStore:
    return AdapterStore(store, tmp_path / "adapters", ServableAdapters(BASE, 8, tiny_base))


def published(store: LocalStore, recipe: Recipe) -> ModelName:
    store.publish(adapter_store.recipe_key(recipe.name), recipe.to_bytes())
    return recipe.name


def recipes(basis: Sequence[Digest], count: int) -> list[Recipe]:
    return [build_mixture(BASE, tuple(basis), (n / 10, 1 - n / 10)) for n in range(count)]


def together(work: Callable[[int], object], count: int) -> list[object]:
    start = threading.Barrier(count)

    def one(number: int) -> object:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_an_adapter_is_what_combine_makes_of_its_recipe(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore, tmp_path: Path
) -> None:
    recipe = recipes(basis, 4)[3]
    path = adapters.get_folder(published(store, recipe))
    folders = [tree.get_tree(store, digest, tmp_path / "unpacked") for digest in basis]
    combine.write(recipe, folders, tmp_path / "wanted")
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (path / name).read_bytes() == (tmp_path / "wanted" / name).read_bytes()


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "/..", "a" * 64 + "\n"])
def test_what_is_no_digest_never_becomes_a_path(adapters: AdapterStore, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        adapters.get_folder(name)
    assert not (tmp_path / "adapters").exists()


def test_a_name_without_a_recipe_is_unknown(adapters: AdapterStore) -> None:
    with pytest.raises(UnknownRecipeError, match="no recipe"):
        adapters.get_folder("0" * 64)


def test_a_recipe_under_anothers_name_is_not_served(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore
) -> None:
    one, two = recipes(basis, 2)
    store.publish(adapter_store.recipe_key(one.name), two.to_bytes())
    with pytest.raises(IncompatibleRecipeError, match=two.name):
        adapters.get_folder(one.name)


def test_a_recipe_of_another_base_is_not_served(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore
) -> None:
    with pytest.raises(IncompatibleRecipeError, match="the recipe needs base"):
        adapters.get_folder(published(store, build_single(Digest("c" * 64), basis[0])))


def test_a_rank_beyond_the_servers_is_refused_and_nothing_stays(
    store: LocalStore, adapters: AdapterStore, tiny_base: Path, make_adapter: Make, tmp_path: Path
) -> None:
    high = tree.put_tree(store, make_adapter(tiny_base, 3, rank=16))
    name = published(store, build_single(BASE, high))
    with pytest.raises(IncompatibleRecipeError, match="rank 16, but this server serves rank 8"):
        adapters.get_folder(name)
    assert not (tmp_path / "adapters" / "adapters" / name).exists()


def test_an_adapter_of_another_base_is_refused(
    store: LocalStore, adapters: AdapterStore, make_base: Make, make_adapter: Make
) -> None:
    foreign = tree.put_tree(store, make_adapter(make_base(hidden=64)))
    with pytest.raises(IncompatibleRecipeError, match="adapter of another base model"):
        adapters.get_folder(published(store, build_single(BASE, foreign)))


def test_a_basis_that_the_store_lacks_is_an_error_of_the_store(store: LocalStore, adapters: AdapterStore) -> None:
    with pytest.raises(StoreError, match="does not have it"):
        adapters.get_folder(published(store, build_single(BASE, Digest("d" * 64))))


def test_64_who_want_one_adapter_at_once_get_the_same_one(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[Path] = []
    write = combine.write
    monkeypatch.setattr(
        combine, "write", lambda recipe, folders, out: writes.append(out) or write(recipe, folders, out)
    )
    name = published(store, recipes(basis, 1)[0])
    assert len(set(together(lambda _: adapters.get_folder(name), 64))) == 1
    assert len(writes) == 1


def test_64_different_adapters_at_once_are_each_the_right_one(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore, tmp_path: Path
) -> None:
    wanted = recipes(basis, 64)
    paths = together(lambda number: adapters.get_folder(published(store, wanted[number])), 64)
    folders = [tree.get_tree(store, digest, tmp_path / "unpacked") for digest in basis]
    for path, recipe in zip(paths, wanted, strict=True):
        combine.write(recipe, folders, Path(str(path)))  # verifies what is there


def test_another_process_finds_and_checks_what_stands_there(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore, tiny_base: Path, tmp_path: Path
) -> None:
    name = published(store, recipes(basis, 1)[0])
    path = adapters.get_folder(name)
    again = AdapterStore(store, tmp_path / "adapters", ServableAdapters(BASE, 8, tiny_base))
    assert again.get_folder(name) == path


def test_the_live_set_keeps_two_generations(store: LocalStore) -> None:
    for live in ("ab", "ab", "bc", "d"):
        adapter_store.publish_live(store, [ModelName(name) for name in live])
    assert adapter_store.parse_generations(store.read(adapter_store.LIVE_KEY)) == [["d"], ["b", "c"]]


def test_the_disk_stays_flat_over_60_generations(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore
) -> None:
    most = 0
    for number in range(60):
        recipe = build_mixture(BASE, basis, (float(number), 1.0))
        adapter_store.publish_live(store, [recipe.name])
        path = adapters.get_folder(published(store, recipe))
        adapters.delete_unused([])
        most = max(most, len(list(path.parent.iterdir())))
    assert most <= 4


def test_what_is_live_or_held_or_busy_is_not_swept(
    store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore
) -> None:
    live, held, busy, idle = recipes(basis, 4)
    paths = {recipe.name: adapters.get_folder(published(store, recipe)) for recipe in (live, held, busy, idle)}
    adapter_store.publish_live(store, [live.name])
    with adapters.in_use(busy.name):
        for _ in range(3):
            adapters.delete_unused([held.name])
    there = {name for name, path in paths.items() if path.exists()}
    assert there == {live.name, held.name, busy.name}


def test_what_was_deleted_is_made_again(store: LocalStore, basis: tuple[Digest, ...], adapters: AdapterStore) -> None:
    name = published(store, recipes(basis, 1)[0])
    path = adapters.get_folder(name)
    before = (path / "adapter_model.safetensors").read_bytes()
    adapters.delete_unused([])
    adapters.delete_unused([])
    assert not path.exists()
    assert (adapters.get_folder(name) / "adapter_model.safetensors").read_bytes() == before

"""The folder of adapters that one server reads: each is made from its recipe, under the digest that names it.

    <folder>/adapters/<name>/      the recipe's tensors as a PEFT folder; whole or absent, never changed
    <folder>/basis/<digest>/       the adapters that recipes sum, fetched once and checked

A name is 64 hexadecimal digits; any other name is refused before it becomes a path. The recipe stored under a name must
have that very name, so a server cannot answer from other weights. The folder should be in memory (`/dev/shm`).

`delete_unused` deletes an adapter that is neither live nor in use. A server reads an evicted adapter's files again and
may crash if they are missing. So a folder counts as in use as long as a request may still name it.

Invariants: any number of threads may call; one thread at a time makes a given name.
"""

import json
import shutil
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest, ModelName, Recipe, canonical_json
from swarm_trainer.lora import adapter, combine
from swarm_trainer.stores import keys, tree

LIVE_KEY = "live.json"
"""The pointer to the live set: `{"generations": [[names], [names before]]}`."""
KEPT_GENERATIONS = 2
"""Number of generations kept. A late request may still name an adapter of the one before the newest."""
LOCK_COUNT = 64
"""A fixed number of locks, shared by all names, so that it does not grow with the names."""


class UnknownRecipeError(Exception):
    """The store has no recipe of that name."""


class IncompatibleRecipeError(Exception):
    """This server cannot serve the recipe."""


def recipe_key(name: str) -> str:
    """The key of the recipe `name` in a store. Raises ValueError unless `name` is a digest."""
    keys.check_digest(name)
    return f"recipes/{name}.json"


def publish_live(store: ArtifactStore, live: Collection[ModelName]) -> None:
    """Make `live` the newest generation and drop all but the one before it. Publishing the same set again changes
    nothing. Raises StoreError.
    """
    wanted = sorted(live)
    while True:
        current = store.read(LIVE_KEY)
        before = parse_generations(current)
        if before and before[0] == wanted:
            return
        after = canonical_json({"generations": [wanted, *before][:KEPT_GENERATIONS]})
        if store.swap(LIVE_KEY, current, after):
            return


def parse_generations(data: bytes | None) -> list[list[str]]:
    """The generations in a pointer's bytes, newest first. Raises ValueError or KeyError for other bytes."""
    named: list[list[str]] = json.loads(data)["generations"] if data else []
    return named


@dataclass(frozen=True, slots=True)
class ServableAdapters:
    """The recipes that a server can serve."""

    base: Digest
    rank: int
    """The highest adapter rank."""
    folder: Path
    """The folder of the base model."""


class AdapterStore:
    """The adapters of one server."""

    def __init__(self, store: ArtifactStore, folder: Path, servable: ServableAdapters) -> None:
        self._store, self._folder, self._servable = store, folder, servable
        self._locks = tuple(threading.Lock() for _ in range(LOCK_COUNT))
        self._basis: dict[Digest, Path] = {}
        self._fetching = threading.Lock()
        self._verified: set[str] = set()
        self._use_counts: Counter[str] = Counter()
        self._idle: set[str] = set()

    @contextmanager
    def in_use(self, name: str) -> Iterator[None]:
        """A context manager: inside it `name` counts as in use. One and the same thread must enter and leave all of
        them.
        """
        self._use_counts[name] += 1
        try:
            yield
        finally:
            self._use_counts[name] -= 1
            if not self._use_counts[name]:
                del self._use_counts[name]

    def get_folder(self, name: str) -> Path:
        """The folder of the adapter `name`; makes it if it does not exist.

        Raises ValueError unless `name` is a digest, UnknownRecipeError if the store has no such recipe,
        IncompatibleRecipeError if this server cannot serve it, and StoreError and BadInputError as the store and
        `combine.write` do.
        """
        path = self._adapter_folder(name)
        with self._lock_for(name):
            if name not in self._verified or not path.is_dir():
                self._write_adapter(self._load_recipe(name), path)
                self._verified.add(name)
        return path

    def delete_unused(self, registered: Collection[str]) -> None:
        """Delete every adapter that is not live, not in `registered` and not in use, now and at the previous call.
        Raises StoreError.
        """
        live = {name for names in parse_generations(self._store.read(LIVE_KEY)) for name in names}
        present = [path.name for path in self._adapter_folder("0" * 64).parent.glob("[0-9a-f]*")]
        idle = {name for name in present if name not in live and name not in registered and not self._use_counts[name]}
        for name in idle & self._idle:
            with self._lock_for(name):
                if name not in registered and not self._use_counts[name]:
                    self._verified.discard(name)
                    shutil.rmtree(self._adapter_folder(name), ignore_errors=True)
        self._idle = idle

    def _write_adapter(self, recipe: Recipe, path: Path) -> None:
        """Sum the basis into `path`, or verify the folder that is there."""
        combine.write(recipe, [self._fetch_adapter(digest) for digest in recipe.basis], path)
        rank = adapter.read_signature(path).rank
        if rank > self._servable.rank:
            shutil.rmtree(path)
            raise IncompatibleRecipeError(
                f"{recipe.name}: rank {rank}, but this server serves rank {self._servable.rank} at most; use adapters"
                " of a lower rank"
            )

    def _load_recipe(self, name: str) -> Recipe:
        data = self._store.read(recipe_key(name))
        if data is None:
            raise UnknownRecipeError(f"{name}: the store has no recipe of this name; serve it first")
        recipe = Recipe.from_bytes(data)
        if problem := self._find_problem(recipe, name):
            raise IncompatibleRecipeError(f"{name}: {problem}")
        return recipe

    def _find_problem(self, recipe: Recipe, name: str) -> str | None:
        """Return the reason why this server cannot serve `recipe` as `name`; None if it can."""
        served, way_out = self._servable.base, "send it to its own server"
        if recipe.name != name:
            return f"the store has the recipe {recipe.name} under this name; restore the store"
        if not recipe.basis:
            return f"this recipe is a bare base and not the base served here ({served}); {way_out}"
        if recipe.base != served:
            return f"the recipe needs base {recipe.base}, but this server has {served}; {way_out}"
        return None

    def _fetch_adapter(self, digest: Digest) -> Path:
        """The folder of an adapter of the basis, fetched and checked once per process. Raises
        IncompatibleRecipeError, StoreError.
        """
        with self._fetching:
            if digest not in self._basis:
                folder = tree.get_tree(self._store, digest, self._folder / "basis")
                try:
                    adapter.check_base(folder, self._servable.folder, f"adapter {digest}")
                except BadInputError as error:
                    raise IncompatibleRecipeError(str(error)) from error
                self._basis[digest] = folder
            return self._basis[digest]

    def _adapter_folder(self, name: str) -> Path:
        keys.check_digest(name)
        return self._folder / "adapters" / name

    def _lock_for(self, name: str) -> threading.Lock:
        return self._locks[int(name[:8], 16) % LOCK_COUNT]

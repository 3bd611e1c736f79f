"""Inputs from the Hugging Face hub, or a mirror of it, by the hub's own library and rules.

HF_ENDPOINT names a mirror, HF_TOKEN or the token's file a user, HF_HUB_OFFLINE=1 forbids every call. A revision is
resolved to a commit first, and everything is asked of that commit. What other programs have in the hub's own cache is
copied from there.

Limits: a commit that is only in part in the hub's own cache is not used offline, for nobody can say what is missing.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
from huggingface_hub import constants, errors
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.tqdm import disable_progress_bars

from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest
from swarm_trainer.sources import wanted
from swarm_trainer.sources.address import Repository
from swarm_trainer.sources.wanted import Item, Shape

LOG_IN = "set HF_TOKEN, or log in with `hf auth login`"
WORDS: dict[type[Exception], str] = {
    errors.GatedRepoError: "it is gated; ask for access at {hub}/{name}, then " + LOG_IN,
    errors.RepositoryNotFoundError: "{hub} shows no such {kind}; correct the name, and if it is private " + LOG_IN,
    errors.RevisionNotFoundError: "{hub} has no revision {revision!r} of it; give a branch, a tag or a commit",
    errors.DisabledRepoError: "{hub} has disabled it; choose another {kind}",
    errors.RemoteEntryNotFoundError: "{hub} lists a file of it and does not give it; choose another revision",
}
"""Of several that fit, the first is meant."""


class HubSource:
    """A repository at a commit."""

    at_once = 4
    """The hub gives one connection less than a machine can take."""

    def __init__(self, place: Repository, shape: Shape) -> None:
        self.at = str(place)
        self._place = place
        self._shape = shape

    def version(self) -> tuple[str, ...]:
        return (self.at, *sorted(wanted.READ))

    def items(self) -> Sequence[Item]:
        """What is wanted of the commit. Raises BadInputError, StoreError."""
        place = self._place
        with told(place):
            entries = list(offline_entries(place) if constants.is_offline_mode() else entries_of(place))
        found = [item(entry, place.path) for entry in entries if within(entry.path, place.path)]
        if self._shape is Shape.FILE:
            return single(place, found)
        return wanted.of_a_repository(found)

    def bring(self, item: Item, scratch: Path) -> Path:
        """Fetch one file, from its beginning. Raises BadInputError, StoreError, OSError."""
        place = self._place
        name = item.name if self._shape is Shape.FILE or not place.path else f"{place.path}/{item.name}"
        filename = place.path if self._shape is Shape.FILE else name
        kind = kind_of(place)
        cached = huggingface_hub.try_to_load_from_cache(place.name, filename, revision=place.revision, repo_type=kind)
        if isinstance(cached, str):
            path = scratch / filename
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(cached, path)
            return path
        with told(place):
            disable_progress_bars()
            return Path(
                huggingface_hub.hf_hub_download(
                    place.name, filename, revision=place.revision, repo_type=kind, local_dir=scratch
                )
            )


def opened(place: Repository, shape: Shape) -> HubSource:
    """A repository at the commit that its revision names now. Raises BadInputError, StoreError."""
    if place.fixed:
        return HubSource(place, shape)
    with told(place):
        found = huggingface_hub.resolve_revision(
            place.name,
            revision=place.revision,
            repo_type=kind_of(place),
            local_files_only=constants.is_offline_mode(),
        )
    return HubSource(place.at(found.resolved), shape)


def kind_of(place: Repository) -> str:
    return constants.REPO_TYPE_DATASET if place.dataset else constants.REPO_TYPE_MODEL


def entries_of(place: Repository) -> Iterator[RepoFile]:
    """The files of a commit, asked of the hub."""
    entries = huggingface_hub.list_repo_tree(
        place.name, recursive=True, revision=place.revision, repo_type=kind_of(place)
    )
    return (entry for entry in entries if isinstance(entry, RepoFile))


def offline_entries(place: Repository) -> Sequence[RepoFile]:
    """The files of a commit, as the hub's own cache knows them."""
    return huggingface_hub.get_cached_repo_tree(place.name, revision=place.revision, repo_type=kind_of(place))


def item(entry: RepoFile, path: str) -> Item:
    """A file as we list it."""
    sha256 = Digest(entry.lfs.sha256) if entry.lfs else None
    return Item(entry.path.removeprefix(f"{path}/"), int(entry.size), str(entry.blob_id), sha256)


def within(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(f"{path}/")


def single(place: Repository, found: Sequence[Item]) -> tuple[Item, ...]:
    """The one file that is wanted. Raises BadInputError if it is not there."""
    for one in found:
        if place.path and one.name == place.path:
            return wanted.visible([Item(one.name.rpartition("/")[2], one.size, one.seal, one.sha256)])
    raise BadInputError(
        f"there is no such file at commit {place.revision[:12]}; give the path of a JSON Lines file behind the revision"
    )


@contextmanager
def told(place: Repository) -> Iterator[None]:
    """Turn the errors of the library and its transport into ours; a disk's pass. Raises BadInputError, StoreError."""
    try:
        yield
    except BadInputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise explained(place, error) from error


def explained(place: Repository, error: Exception) -> BadInputError | StoreError:
    """What an error of the library means for the user: the rule and the way out, in one line, without the field."""
    if constants.is_offline_mode():
        return BadInputError(f"HF_HUB_OFFLINE is set, and it is not in the cache; fetch it once without ({of(error)})")
    hub = endpoint()
    for cause in causes(error):
        for kind, words in WORDS.items():
            if isinstance(cause, kind):
                return BadInputError(f"{words.format(hub=hub, **facts(place))} ({of(cause)})")
        if isinstance(cause, errors.HfHubHTTPError) and cause.response.status_code in (401, 403):
            return BadInputError(f"{hub} does not let us read it ({cause.response.status_code}); {LOG_IN}")
    return StoreError(f"{place}: {hub} does not give it now ({of(error)}); check HF_ENDPOINT and the network")


def endpoint() -> str:
    """The hub's address, for messages: without what may stand before its name."""
    parts = urlsplit(constants.ENDPOINT)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def facts(place: Repository) -> dict[str, str]:
    return {"name": place.name, "revision": place.revision, "kind": kind_of(place)}


def of(error: BaseException) -> str:
    return type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what caused it, outermost first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__

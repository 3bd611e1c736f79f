"""Inputs from the Hugging Face hub or a mirror of it, with the hub's own library and settings.

HF_ENDPOINT names a mirror, HF_TOKEN or the token's file a user, and HF_HUB_OFFLINE=1 forbids every request. A revision
is resolved to a commit first, and every request names that commit. Files that other programs have put into the hub's
own cache are copied from there.

Limits: offline, a commit that is only partly in the hub's own cache is refused, because its missing files are unknown.
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
from swarm_trainer.sources import selection
from swarm_trainer.sources.selection import InputKind, Listing, RemoteFile
from swarm_trainer.sources.source_uri import HubRepository

LOGIN_HINT = "set HF_TOKEN, or log in with `hf auth login`"
REMEDIES: dict[type[Exception], str] = {
    errors.GatedRepoError: "the {kind} is gated; request access at {hub}/{name}, then " + LOGIN_HINT,
    errors.RepositoryNotFoundError: "{hub} shows no such {kind}; correct the name, or if the {kind} is private "
    + LOGIN_HINT,
    errors.RevisionNotFoundError: "{hub} has no revision {revision!r} of this {kind}; give a branch, a tag or a commit",
    errors.DisabledRepoError: "{hub} has disabled this {kind}; choose another {kind}",
    errors.RemoteEntryNotFoundError: "{hub} lists a file of this {kind} but does not serve it; choose another revision",
}
"""If several match, the first applies."""


class HubSource:
    """A repository at a commit."""

    parallel_files = 4
    """One connection to the hub is slower than a machine's network."""

    def __init__(self, repository: HubRepository, input_kind: InputKind) -> None:
        self.uri = str(repository)
        self._repository = repository
        self._kind = input_kind

    def version(self) -> tuple[str, ...]:
        return (self.uri,)

    def list_files(self) -> Listing:
        """The files of the commit at the address. Raises BadInputError, StoreError."""
        repository = self._repository
        with translate_hub_errors(repository):
            entries = list(list_cached_entries(repository) if constants.is_offline_mode() else list_entries(repository))
        path = "" if self._kind is InputKind.DATA else repository.path
        found = [to_remote_file(entry, path) for entry in entries if is_within(entry.path, repository.path)]
        return list_data(repository, found) if self._kind is InputKind.DATA else selection.build_listing(found)

    def download(self, item: RemoteFile, scratch: Path) -> Path:
        """Fetch one file, from its beginning. Raises BadInputError, StoreError, OSError."""
        repository = self._repository
        whole = self._kind is InputKind.DATA or not repository.path
        filename = item.name if whole else f"{repository.path}/{item.name}"
        kind = repo_type(repository)
        cached = huggingface_hub.try_to_load_from_cache(
            repository.name, filename, revision=repository.revision, repo_type=kind
        )
        if isinstance(cached, str):
            path = scratch / filename
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(cached, path)
            return path
        with translate_hub_errors(repository):
            disable_progress_bars()
            return Path(
                huggingface_hub.hf_hub_download(
                    repository.name, filename, revision=repository.revision, repo_type=kind, local_dir=scratch
                )
            )


def open_source(repository: HubRepository, input_kind: InputKind) -> HubSource:
    """A repository at the commit that its revision names now. Raises BadInputError, StoreError."""
    if repository.is_commit:
        return HubSource(repository, input_kind)
    with translate_hub_errors(repository):
        found = huggingface_hub.resolve_revision(
            repository.name,
            revision=repository.revision,
            repo_type=repo_type(repository),
            local_files_only=constants.is_offline_mode(),
        )
    return HubSource(repository.at_commit(found.resolved), input_kind)


def repo_type(repository: HubRepository) -> str:
    return constants.REPO_TYPE_DATASET if repository.dataset else constants.REPO_TYPE_MODEL


def list_entries(repository: HubRepository) -> Iterator[RepoFile]:
    """The files of a commit, from the hub."""
    entries = huggingface_hub.list_repo_tree(
        repository.name, recursive=True, revision=repository.revision, repo_type=repo_type(repository)
    )
    return (entry for entry in entries if isinstance(entry, RepoFile))


def list_cached_entries(repository: HubRepository) -> Sequence[RepoFile]:
    """The files of a commit, from the hub's own cache."""
    return huggingface_hub.get_cached_repo_tree(
        repository.name, revision=repository.revision, repo_type=repo_type(repository)
    )


def to_remote_file(entry: RepoFile, path: str) -> RemoteFile:
    """The entry of the hub's listing as a RemoteFile."""
    sha256 = Digest(entry.lfs.sha256) if entry.lfs else None
    return RemoteFile(entry.path.removeprefix(f"{path}/"), int(entry.size), str(entry.blob_id), sha256)


def is_within(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(f"{path}/")


def list_data(repository: HubRepository, found: Sequence[RemoteFile]) -> Listing:
    """The file at the address, or the files below it, by their paths in the repository. Raises BadInputError."""
    exact = [one for one in found if one.name == repository.path]
    if exact:
        return selection.build_listing(exact, is_file=True)
    if not found:
        raise BadInputError(
            f"there is no such file or folder at commit {repository.revision[:12]}; give the path of a data file, or of"
            " a folder with data files, after the revision"
        )
    return selection.build_listing(found)


@contextmanager
def translate_hub_errors(repository: HubRepository) -> Iterator[None]:
    """Turn errors of the library and its transport into ours. Disk errors pass. Raises BadInputError, StoreError."""
    try:
        yield
    except BadInputError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise translate_error(repository, error) from error


def translate_error(repository: HubRepository, error: Exception) -> BadInputError | StoreError:
    """Our error for one of the library: the rule and the way out, on one line, without the field."""
    if constants.is_offline_mode():
        return BadInputError(
            f"HF_HUB_OFFLINE is set, and the input is not in the cache; fetch it once without HF_HUB_OFFLINE"
            f" ({error_name(error)})"
        )
    hub = hub_address()
    for cause in causes(error):
        for kind, words in REMEDIES.items():
            if isinstance(cause, kind):
                return BadInputError(f"{words.format(hub=hub, **message_fields(repository))} ({error_name(cause)})")
        if isinstance(cause, errors.HfHubHTTPError) and cause.response.status_code in (401, 403):
            return BadInputError(f"{hub} refuses access ({cause.response.status_code}); {LOGIN_HINT}")
    return StoreError(
        f"{repository}: {hub} does not serve it now ({error_name(error)}); check HF_ENDPOINT and the network"
    )


def hub_address() -> str:
    """The hub's address for messages, without a user and password."""
    parts = urlsplit(constants.ENDPOINT)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def message_fields(repository: HubRepository) -> dict[str, str]:
    return {"name": repository.name, "revision": repository.revision, "kind": repo_type(repository)}


def error_name(error: BaseException) -> str:
    return type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and its causes, outermost first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__

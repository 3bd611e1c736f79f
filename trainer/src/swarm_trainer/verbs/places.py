"""From the URIs of a spec to folders and files of this machine."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from swarm_core.errors import BadInputError


def place(uri: str, base: Path) -> Path:
    """The absolute path of `uri`; a relative one starts at `base`."""
    path = unquote(urlsplit(uri).path) if uri.startswith("file://") else uri
    return (base / path).absolute()


def folder(uri: str, base: Path, field: str) -> Path:
    """The folder at `uri`. Raises BadInputError, naming the field, if there is none."""
    found = place(uri, base)
    if not found.is_dir():
        raise BadInputError(f"{field}: {uri!r} is not a folder ({found}); give the folder that holds the files")
    return found


def file(uri: str, base: Path, field: str) -> Path:
    """The file at `uri`. Raises BadInputError, naming the field, if there is none."""
    found = place(uri, base)
    if not found.is_file():
        raise BadInputError(f"{field}: {uri!r} is not a file ({found}); give the path of a JSON Lines file")
    return found

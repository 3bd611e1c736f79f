"""A small model hub on a loopback port: as much of its HTTP API as its own client needs to resolve, list and download.

Faithful where the client looks: revisions by branch and commit, a listing in pages, weights behind a redirect to
another host that knows ranges, ETags and `X-Linked-Etag`, `X-Repo-Commit`, 401 for what does not exist or is not shown,
403 for what is gated, 404 with `X-Error-Code`. Every request is remembered with the headers that matter.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = ".safetensors"
"""Suffix of files that are in the store behind the redirect."""
PAGE = 3
"""Entries per page of a listing. Most repositories have more, so clients must follow the pages."""


@dataclass(slots=True)
class Repository:
    """A model's files by commit, and its branches."""

    commits: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    """The token that a request needs; without it the repository does not exist."""
    gated: bool = False

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Add a commit. Returns its name."""
        told = json.dumps([len(self.commits), {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}])
        commit = hashlib.sha1(told.encode()).hexdigest()
        self.commits[commit] = dict(files)
        self.branches[branch] = commit
        return commit


@dataclass(frozen=True, slots=True)
class HubRequest:
    """One request."""

    method: str
    path: str
    range: str | None
    authorised: bool


@dataclass(slots=True)
class Hub:
    """A running hub."""

    endpoint: str
    repositories: dict[str, Repository]
    store: str
    """The host of large files. It has another name, so no client may send it the token."""
    asked: list[HubRequest] = field(default_factory=list)
    stall_after: int | None = None
    """Bytes of a large file after which the response stalls, until this is None again."""
    stalled: threading.Event = field(default_factory=threading.Event)
    damaged: bool = False
    """Whether large files arrive with one changed byte."""

    def about(self, name: str) -> list[str]:
        """The requests about a repository."""
        return [one.path for one in self.asked if name in one.path]

    def large(self) -> list[HubRequest]:
        """The requests for the bytes of large files."""
        return [one for one in self.asked if one.method == "GET" and one.path.startswith("/store/")]


@contextmanager
def run_hub() -> Iterator[Hub]:
    """A hub without repositories."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    port = server.server_address[1]
    hub = Hub(f"http://127.0.0.1:{port}", {}, f"http://localhost:{port}")
    server.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.stall_after = None
        server.shutdown()
        server.server_close()


class RefusalError(Exception):
    """A response that reports an error."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(status)
        self.status, self.code, self.message = status, code, message


class Handler(BaseHTTPRequestHandler):
    """Answers for the `Hub` of its server."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base's name)
        return

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.hub = self.server.hub  # type: ignore[attr-defined]
        path = unquote(urlsplit(self.path).path)
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ") or None
        self.hub.asked.append(HubRequest(self.command, path, self.headers.get("range"), token is not None))
        try:
            parts = path.strip("/").split("/")
            if parts[0] == "api":
                self._api(parts[1:], token)
            elif parts[0] == "store":
                self._stored(parts[1])
            else:
                self._file(parts, token)
        except RefusalError as refusal:
            named = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message} if refusal.code else {}
            self._send(refusal.status, b"{}", named)

    def _repository(self, kind: str, name: str, token: str | None) -> Repository:
        found = self.hub.repositories.get(f"{kind}/{name}")
        if found is None or (found.token is not None and token != found.token):
            raise RefusalError(401, "RepoNotFound", "Repository not found")
        return found

    def _api(self, parts: list[str], token: str | None) -> None:
        """api/models/ORG/NAME, .../revision/REV, .../tree/REV."""
        if len(parts) < 3:
            raise RefusalError(404)
        kind, name, rest = parts[0], "/".join(parts[1:3]), parts[3:]
        repository = self._repository(kind, name, token)
        commit, files = self._at(repository, "/".join(rest[1:]) or "main")
        if rest[:1] == ["tree"]:
            self._tree(files)
            return
        siblings = [{"rfilename": file} for file in files]
        self._json({"id": name, "sha": commit, "siblings": siblings, "private": repository.token is not None})

    def _tree(self, files: Mapping[str, bytes]) -> None:
        cursor = int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])
        entries = [listing_entry(name, data) for name, data in sorted(files.items())]
        more = {}
        if cursor + PAGE < len(entries):
            place = urlsplit(self.path).path
            more = {"Link": f'<{self.hub.endpoint}{place}?recursive=true&cursor={cursor + PAGE}>; rel="next"'}
        self._json(entries[cursor : cursor + PAGE], more)

    def _at(self, repository: Repository, revision: str) -> tuple[str, Mapping[str, bytes]]:
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            raise RefusalError(404, "RevisionNotFound", "Invalid rev id")
        return commit, repository.commits[commit]

    def _file(self, parts: list[str], token: str | None) -> None:
        """ORG/NAME/resolve/REV/FILE, and the same behind datasets/."""
        kind, parts = ("datasets", parts[1:]) if parts[0] == "datasets" else ("models", parts)
        if len(parts) < 5 or parts[2] != "resolve":
            raise RefusalError(404)
        repository = self._repository(kind, "/".join(parts[:2]), token)
        if repository.gated:
            raise RefusalError(403, "GatedRepo", "Access to this model is restricted")
        commit, files = self._at(repository, parts[3])
        name = "/".join(parts[4:])
        if name not in files:
            raise RefusalError(404, "EntryNotFound", "Entry not found")
        self._give(commit, name, files[name])

    def _give(self, commit: str, name: str, data: bytes) -> None:
        marks = {"X-Repo-Commit": commit, "ETag": f'"{blob_id(data)}"'}
        if not name.endswith(LARGE):
            self._send(200, data, marks)
            return
        sha256 = hashlib.sha256(data).hexdigest()
        marks |= {"Location": f"{self.hub.store}/store/{sha256}"}
        self._send(302, b"", {**marks, "X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(data))})

    def _stored(self, sha256: str) -> None:
        data = self._large(sha256)
        if self.hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        wanted = self.headers.get("range")
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", f'"{sha256}"')
        self.send_header("Content-Length", str(len(data) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            self._pour(data[start:])

    def _pour(self, data: bytes) -> None:
        """Write `data`, and stall in the middle if the test wants that."""
        stop = self.hub.stall_after
        if stop is None:
            self.wfile.write(data)
            return
        self.wfile.write(data[:stop])
        self.wfile.flush()
        self.hub.stalled.set()
        while self.hub.stall_after is not None:
            threading.Event().wait(0.05)
        self.close_connection = True

    def _large(self, sha256: str) -> bytes:
        for repository in self.hub.repositories.values():
            for files in repository.commits.values():
                for data in files.values():
                    if hashlib.sha256(data).hexdigest() == sha256:
                        return data
        raise RefusalError(404)

    def _json(self, body: object, headers: Mapping[str, str] | None = None) -> None:
        self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def listing_entry(name: str, data: bytes) -> dict[str, object]:
    """A file as an entry of a listing."""
    shown: dict[str, object] = {"type": "file", "path": name, "size": len(data), "oid": blob_id(data)}
    if name.endswith(LARGE):
        shown["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return shown


def blob_id(data: bytes) -> str:
    """The id of a blob, as git computes it."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

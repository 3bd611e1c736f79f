"""A folder in the store, and back: the same bytes, nothing more, nothing outside."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fake_store import FakeStore

from swarm_core.errors import BadInputError
from swarm_core.ports import CorruptError, StoreError
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore

FILES = {"config.json": b"{}", "model.safetensors": b"\0" * 1000, "sub/deep/vocab.txt": b"a\nb"}


def made(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "folder")


@pytest.mark.parametrize("links", [False, True], ids=["copies", "links"])
def test_what_was_put_is_got_under_its_digest(store: LocalStore, folder: Path, tmp_path: Path, links: bool) -> None:
    digest = tree.put_tree(store, folder)
    assert digest == tree.digest_tree(folder)
    assert tree.get_tree(store, digest, tmp_path / "cache", links=links) == tmp_path / "cache" / digest
    assert held(tmp_path / "cache" / digest) == FILES
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


def test_the_digest_is_that_of_paths_sizes_and_contents(folder: Path) -> None:
    manifest = {name: {"sha256": digest_bytes(data), "size": len(data)} for name, data in FILES.items()}
    assert tree.digest_tree(folder) == digest_bytes(canonical_json(manifest))


def test_the_digest_does_not_know_where_or_when_or_what_is_hidden(folder: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "elsewhere", {**FILES, ".gitattributes": b"x", ".cache/weights.bin": b"y"})
    (other / "empty").mkdir()
    os.utime(other / "config.json", (0, 0))
    assert tree.digest_tree(other) == tree.digest_tree(folder)


@pytest.mark.parametrize(
    "change",
    [{"config.json": b"[]"}, {"extra.json": b""}, {"sub/vocab.txt": b"a\nb"}],
    ids=["content", "another file", "another place"],
)
def test_another_folder_has_another_digest(folder: Path, tmp_path: Path, change: dict[str, bytes]) -> None:
    assert tree.digest_tree(made(tmp_path / "other", FILES | change)) != tree.digest_tree(folder)


def test_copies_are_the_callers_own_and_links_are_the_stores(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    digest = tree.put_tree(store, folder)
    blob = store.get(digest_bytes(FILES["config.json"]))
    copied = tree.get_tree(store, digest, tmp_path / "copies") / "config.json"
    linked = tree.get_tree(store, digest, tmp_path / "links", links=True) / "config.json"
    assert not copied.samefile(blob)
    assert copied.stat().st_mode & 0o200
    assert linked.samefile(blob)


def test_getting_again_finds_what_is_there(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    digest = tree.put_tree(store, folder)
    first = (tree.get_tree(store, digest, tmp_path) / "config.json").stat()
    assert (tree.get_tree(store, digest, tmp_path) / "config.json").stat() == first


def test_many_may_get_the_same_tree_at_once(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    digest = tree.put_tree(store, folder)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: tree.get_tree(store, digest, tmp_path / "cache"), range(8)))
    assert set(got) == {tmp_path / "cache" / digest}
    assert held(got[0]) == FILES
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


def test_leftovers_of_a_killed_process_are_in_nobodys_way(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    digest = tree.put_tree(store, folder)
    made(tmp_path / f".{digest}.killed", {"config.json": b"half"})
    assert held(tree.get_tree(store, digest, tmp_path)) == FILES


TAMPERED = {
    "a changed file": lambda folder: (folder / "config.json").write_bytes(b"[]"),
    "a missing file": lambda folder: (folder / "config.json").unlink(),
    "a file too many": lambda folder: (folder / "config.json.bak").write_bytes(b""),
    "a hidden file too many": lambda folder: (folder / ".config.json").write_bytes(b""),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_changed_tree_is_found_with_the_way_out(store: LocalStore, folder: Path, tmp_path: Path, tamper) -> None:
    digest = tree.put_tree(store, folder)
    got = tree.get_tree(store, digest, tmp_path / "cache")
    tamper(got)
    with pytest.raises(CorruptError, match=r"config\.json.*delete .* and run again"):
        tree.get_tree(store, digest, tmp_path / "cache")


def test_a_changed_blob_never_becomes_part_of_a_tree(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    digest = tree.put_tree(store, folder)
    blob = store.get(digest_bytes(FILES["config.json"]))
    blob.chmod(0o644)
    blob.write_bytes(b"{  }")
    with pytest.raises(CorruptError, match=blob.name):
        tree.get_tree(store, digest, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_any_store_holds_trees(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    fake = FakeStore(tmp_path / "scratch")
    assert held(tree.get_tree(fake, tree.put_tree(fake, folder), tmp_path / "cache")) == FILES


# Folders that cannot be artifacts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.bin", "sub/b.pt", "c.pth", "d.ckpt", "e.pkl", "f.PKL", "g.pickle"])
def test_pickle_is_refused_by_name(store: LocalStore, folder: Path, name: str) -> None:
    made(folder, {name: b""})
    for call in (lambda: tree.digest_tree(folder), lambda: tree.put_tree(store, folder)):
        with pytest.raises(BadInputError, match=rf"{re.escape(name)}: pickle is refused.*safetensors"):
            call()


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"")
    (folder / "link.json").symlink_to(tmp_path / "secret")
    with pytest.raises(BadInputError, match=r"link\.json: it links to .*secret, outside its folder"):
        tree.digest_tree(folder)


def test_a_link_within_the_folder_is_the_file_it_leads_to(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    (folder / "link.json").symlink_to("config.json")
    got = tree.get_tree(store, tree.put_tree(store, folder), tmp_path / "cache")
    assert held(got) == FILES | {"link.json": b"{}"}
    assert not (got / "link.json").is_symlink()


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert tree.digest_tree(tmp_path / "link") == tree.digest_tree(folder)


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(BadInputError, match="pipe: not a file"):
        tree.digest_tree(folder)


@pytest.mark.parametrize("target", ["sub", "nowhere"])
def test_a_link_to_a_folder_or_to_nothing_is_refused(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    with pytest.raises(BadInputError, match="link: not a file"):
        tree.digest_tree(folder)


def test_a_name_that_is_no_text_is_refused(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.json")).write_bytes(b"")
    with pytest.raises(BadInputError, match=r"\\xff\.json.*UTF-8"):
        tree.digest_tree(folder)


def test_an_empty_a_missing_and_a_mistaken_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    (tmp_path / "empty" / ".git" / "x").write_bytes(b"")
    with pytest.raises(BadInputError, match="empty: holds no files"):
        tree.digest_tree(tmp_path / "empty")
    for place in (tmp_path / "missing", folder / "config.json"):
        with pytest.raises(BadInputError, match=f"{place.name}: not a folder"):
            tree.digest_tree(place)


# Manifests that nobody here wrote ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "a//x", "./x", "a/./x", "a/", "", ".", "..", ".hidden", "a/.hidden", "a\0b"]
)
def test_a_manifest_never_leads_out_of_its_folder(store: LocalStore, tmp_path: Path, name: str) -> None:
    entry = {"sha256": store.put(b"x"), "size": 1}
    digest = store.put(canonical_json({"fine.json": entry, name: entry}))
    with pytest.raises(StoreError, match=f"{digest}: names the file .* leaves its folder"):
        tree.get_tree(store, digest, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"weights", b"[]", b"{}", b'{"a": 1}', b'{"a": {"size": 1}}', b'{"a": {"sha256": "../x", "size": 1}}'],
)
def test_a_blob_that_is_no_manifest_is_refused(store: LocalStore, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(StoreError, match="not a folder's manifest"):
        tree.get_tree(store, store.put(data), tmp_path / "cache")


def test_a_manifest_that_lies_about_a_size_is_found(store: LocalStore, tmp_path: Path) -> None:
    digest = store.put(canonical_json({"x": {"sha256": store.put(b"x"), "size": 2}}))
    with pytest.raises(CorruptError, match="size"):
        tree.get_tree(store, digest, tmp_path / "cache")


def test_a_tree_that_nobody_put_is_an_error_that_names_it(store: LocalStore, tmp_path: Path) -> None:
    absent = Digest("0" * 64)
    with pytest.raises(StoreError, match=absent):
        tree.get_tree(store, absent, tmp_path / "cache")

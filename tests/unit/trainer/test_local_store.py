"""What the store in a folder promises beyond the port: processes, kills, memory, and disks that refuse."""

import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swarm_core.ports import CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore

RACE = """
import sys
from pathlib import Path
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
mine = sys.argv[2].encode()
print(store.publish("race", mine).decode(), store.swap("HEAD", None, mine), store.put(b"x" * 1000000), flush=True)
"""


def test_of_many_processes_one_publishes_and_one_moves_the_pointer(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]
    assert [racer.stdout.readline() for racer in racers if racer.stdout] == ["ready\n"] * 6
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=60)[0].split() for racer in racers]
    published, moved, put = zip(*said, strict=True)
    store = LocalStore(tmp_path)
    assert {name.encode() for name in published} == {store.read("race")}
    assert moved.count("True") == 1
    assert store.read("HEAD") == b"%d" % moved.index("True")
    assert store.get(Digest(put[0])).read_bytes() == b"x" * 1_000_000
    assert list((tmp_path / "tmp").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
sys.addaudithook(lambda event, _: os.kill(os.getpid(), signal.SIGKILL) if event == "os.link" else None)
store.publish("name", b"half") if sys.argv[2] == "publish" else store.put(b"half")
"""


@pytest.mark.parametrize("call", ["publish", "put"])
def test_who_is_killed_before_a_file_has_its_name_leaves_nothing_that_is_read(tmp_path: Path, call: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), call], check=False)
    assert killed.returncode == -9
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    store = LocalStore(tmp_path)
    assert store.read("name") is None
    with pytest.raises(StoreError, match="does not have it"):
        store.get(digest_bytes(b"half"))
    assert store.publish("name", b"whole") == b"whole"
    assert store.get(store.put(b"half")).read_bytes() == b"half"


def test_a_big_file_goes_in_and_out_in_small_pieces(tmp_path: Path) -> None:
    source = tmp_path / "big"
    with source.open("wb") as file:
        file.truncate(64 << 20)
    store = LocalStore(tmp_path / "store")
    tracemalloc.start()
    try:
        path = store.get(store.put(source))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size == 64 << 20
    assert peak < 8 << 20


def test_a_blob_found_good_is_read_again_only_if_it_looks_changed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    digest = store.put(b"data")
    path = store.get(digest)
    good = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"dato")
    os.utime(path, ns=(good.st_atime_ns, good.st_mtime_ns))
    assert store.get(digest) == path, "inode, time and size are what they were when it was good"
    with pytest.raises(CorruptError):
        LocalStore(tmp_path).get(digest)
    os.utime(path, ns=(good.st_atime_ns, good.st_mtime_ns + 1))
    with pytest.raises(CorruptError):
        store.get(digest)


def test_a_blob_cannot_be_written_to_by_accident(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert store.get(store.put(b"data")).stat().st_mode & 0o222 == 0


def test_opening_a_store_and_reading_from_it_makes_no_folder(tmp_path: Path) -> None:
    assert LocalStore(tmp_path / "store").read("HEAD") is None
    assert not (tmp_path / "store").exists()


def test_a_store_stays_where_it_is_when_the_process_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalStore(Path("store"))
    monkeypatch.chdir("/")
    assert store.get(store.put(b"data")).is_relative_to(tmp_path / "store")


@pytest.mark.parametrize("taken", ["a", "a/b/c"])
def test_a_key_that_is_another_keys_folder_is_refused_in_one_line(tmp_path: Path, taken: str) -> None:
    store = LocalStore(tmp_path)
    store.publish(taken, b"1")
    for call in (lambda: store.publish("a/b", b"2"), lambda: store.swap("a/b", None, b"2")):
        with pytest.raises(StoreError, match="names/a") as raised:
            call()
        assert "\n" not in str(raised.value)
    assert store.read("a/b") is None
    assert store.read(taken) == b"1"


# Disks that refuse ---------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root; run the tests as root to see the full and the read-only disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def writes(store: LocalStore, data: bytes, source: Path) -> dict[str, Callable[[], object]]:
    """Every call that writes."""
    source.write_bytes(data)
    return {
        "put bytes": lambda: store.put(data),
        "put a file": lambda: store.put(source),
        "publish": lambda: store.publish("new", data),
        "make a pointer": lambda: store.swap("pointer", None, data),
        "move a pointer": lambda: store.swap("HEAD", b"1", data),
    }


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing_half_written(disk: Path, tmp_path: Path) -> None:
    store = LocalStore(disk / "store")
    store.swap("HEAD", None, b"1")
    before = files_of(disk)
    for call, write in writes(store, b"x" * 1_000_000, tmp_path / "source").items():
        with pytest.raises(StoreError) as raised:
            write()
        message = str(raised.value)
        assert str(disk) in message, call
        assert "disk is full" in message, call
        assert "another disk" in message, call
        assert "\n" not in message, call
        assert files_of(disk) == before, call
    assert store.publish("small", b"fits") == b"fits"


def test_a_read_only_disk_is_said_in_one_line_and_still_read(disk: Path, tmp_path: Path) -> None:
    store = LocalStore(disk / "store")
    digest = store.put(b"data")
    store.swap("HEAD", None, b"1")
    before = files_of(disk)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for call, write in writes(store, b"new", tmp_path / "source").items():
        with pytest.raises(StoreError, match=re.escape(str(disk))) as raised:
            write()
        assert "Read-only file system: the store must be able to read and write here" in str(raised.value), call
        assert "\n" not in str(raised.value), call
    assert files_of(disk) == before
    assert LocalStore(disk / "store").get(digest).read_bytes() == b"data"
    assert store.put(b"data") == digest
    assert store.read("HEAD") == b"1"


def test_a_folder_that_does_not_fit_is_not_unpacked_at_all(disk: Path, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.json").write_bytes(b"fits")
    (tmp_path / "folder" / "b.safetensors").write_bytes(b"x" * 1_000_000)
    digest = tree.put_tree(store, tmp_path / "folder")
    with pytest.raises(StoreError, match="the disk is full"):
        tree.get_tree(store, digest, disk / "cache")
    assert list((disk / "cache").iterdir()) == []


LIMITED = """
import resource, sys
from pathlib import Path
from swarm_core.ports import StoreError
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
try:
    LocalStore(Path(sys.argv[1])).put(b"x" * 20000)
except StoreError as error:
    print(error)
"""


def test_a_limit_on_the_size_of_files_is_said_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith(f"{tmp_path}: File too large: the disk is full")
    assert said.count("\n") == 1
    assert files_of(tmp_path) == {}

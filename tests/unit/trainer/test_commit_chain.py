"""The chain of commits: first write wins, every link is checked, HEAD only moves forward."""

from pathlib import Path

import pytest

from swarm_core import commit
from swarm_core.commit import Commit
from swarm_core.ports import CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore

ROOT = digest_bytes(b"experiment")


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def link(iteration: int, parent: Digest, swarm: str = "{}") -> Commit:
    return Commit(ROOT, iteration, parent, (), swarm, (), kind="SwarmRun")


def grown(store: LocalStore, length: int) -> list[Commit]:
    commits: list[Commit] = []
    for iteration in range(length):
        commits.append(commit_chain.append(store, link(iteration, commits[-1].digest if commits else ROOT)))
    return commits


def test_an_empty_store_has_no_head(store: LocalStore) -> None:
    assert commit_chain.read_head(store) is None
    assert list(commit_chain.walk(store)) == []


def test_walking_gives_the_commits_last_first(store: LocalStore) -> None:
    commits = grown(store, 4)
    assert list(commit_chain.walk(store)) == commits[::-1]
    assert commit_chain.read_head(store) == (3, commits[3].digest)


def test_the_loser_of_a_race_gets_the_winners_commit(store: LocalStore) -> None:
    first = commit_chain.append(store, link(0, ROOT, '{"winner": 1}'))
    assert commit_chain.append(store, link(0, ROOT, '{"winner": 2}')) == first


def test_a_commit_of_another_run_is_refused(store: LocalStore) -> None:
    grown(store, 1)
    with pytest.raises(StoreError, match="two runs share one folder"):
        commit_chain.append(store, link(0, digest_bytes(b"another experiment")))


def test_head_never_moves_back(store: LocalStore) -> None:
    commits = grown(store, 3)
    commit_chain.advance_head(store, commits[1])
    assert commit_chain.read_head(store) == (2, commits[2].digest)


def test_a_commit_whose_head_was_lost_is_taken_up_again(store: LocalStore, tmp_path: Path) -> None:
    commits = grown(store, 2)
    (tmp_path / "names" / commit_chain.HEAD).unlink()
    commit_chain.advance_head(store, commits[1])
    assert list(commit_chain.walk(store)) == commits[::-1]


def test_a_changed_commit_is_found(store: LocalStore, tmp_path: Path) -> None:
    grown(store, 3)
    (tmp_path / "names" / commit.key(1)).write_bytes(link(1, ROOT).to_bytes())
    with pytest.raises(CorruptError, match=r"iterations/0001/COMMIT.json has sha256"):
        list(commit_chain.walk(store))


def test_a_missing_commit_is_found(store: LocalStore, tmp_path: Path) -> None:
    grown(store, 3)
    (tmp_path / "names" / commit.key(0)).unlink()
    with pytest.raises(CorruptError, match=r"iterations/0000/COMMIT.json is missing"):
        list(commit_chain.walk(store))

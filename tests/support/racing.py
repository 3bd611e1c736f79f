"""Two writers that extend one chain of commits at once, as two processes of a run would, and the checks afterwards.

Each writer does what the iterate step does: it reads the commit of its iteration, else it publishes rollouts, puts and
fetches a blob, and appends a commit. All that a writer writes names the writer, so a mixture is visible. After an error
of the store it does what a host does: it tries the iteration again.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from swarm_core import commit
from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.objectives.objective import Measurement
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, ModelName, digest_bytes
from swarm_trainer.run_store import commit_chain

ROOT = digest_bytes(b"experiment")
CANDIDATES = 2


@dataclass
class Writer:
    """One of the writers."""

    name: str
    store: ArtifactStore
    blob: int
    """Bytes of the blob of each iteration."""
    commits: list[Commit] = field(default_factory=list)
    errors: list[StoreError] = field(default_factory=list)

    def run(self, iterations: int, stop: threading.Event) -> None:
        """Extend the chain to its end, however often the store fails."""
        while len(self.commits) < iterations and not stop.is_set():
            try:
                self.commits.append(self.iterate(len(self.commits)))
            except CorruptError:
                raise
            except StoreError as error:
                self.errors.append(error)

    def iterate(self, iteration: int) -> Commit:
        done = commit_chain.load(self.store, iteration)
        if done is not None:
            commit_chain.advance_head(self.store, done)
            return done
        parent = self.commits[-1].digest if self.commits else ROOT
        candidates = tuple(self.candidate(iteration, f"p{number:02d}") for number in range(CANDIDATES))
        data = b"%d" % iteration * self.blob
        digest = self.store.put(data[: self.blob])
        assert digest_bytes(self.store.get(digest).read_bytes()) == digest
        return commit_chain.append(
            self.store, Commit(ROOT, iteration, parent, (digest,), f'"{self.name}"', candidates, kind="SwarmRun")
        )

    def candidate(self, iteration: int, name: str) -> MeasuredCandidate:
        """A candidate whose rollout names its first writer."""
        written = f"{iteration} {name} by {self.name}".encode()
        key = commit.rollout_key(f"iterations/{iteration:04d}", name)
        rollout = self.store.publish(key, written)
        result = Measurement(value=0.5, low=0.4, high=0.6, n=1, parts=())
        values = (("Difficulty", result),)
        return MeasuredCandidate(name, "Explore", (0.0,), ModelName("m"), digest_bytes(rollout), values, result.value)


def race(stores: Sequence[ArtifactStore], iterations: int, seconds: float, blob: int = 20_000) -> list[Writer]:
    """Let one writer per store run until the chain has `iterations`. Raises TimeoutError if a writer does not end."""
    writers = [Writer(f"writer-{number}", store, blob) for number, store in enumerate(stores)]
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        with ThreadPoolExecutor(len(writers)) as pool:
            for ended in [pool.submit(writer.run, iterations, stop) for writer in writers]:
                ended.result()
    finally:
        timer.cancel()
    if stop.is_set():
        raise TimeoutError(f"{[len(writer.commits) for writer in writers]} of {iterations} after {seconds} s")
    return writers


def assert_consistent(writers: Sequence[Writer], store: ArtifactStore, iterations: int) -> None:
    """Check that nothing was lost, mixed or committed twice, and that every error was clear. `store` has no faults."""
    commits = list(commit_chain.walk(store))[::-1]
    assert [one.iteration for one in commits] == list(range(iterations))
    assert [one.parent for one in commits] == [ROOT, *(one.digest for one in commits[:-1])]
    assert commit_chain.read_head(store) == (iterations - 1, commits[-1].digest)
    for writer in writers:
        assert writer.commits == commits, writer.name
        assert all("s3://" in str(error) and "\n" not in str(error) for error in writer.errors)
    for one in commits:
        assert store.get(one.basis[0]).exists()
        for candidate in one.candidates:
            standing = store.read(commit.rollout_key(f"iterations/{one.iteration:04d}", candidate.name))
            assert standing is not None
            assert Digest(digest_bytes(standing)) == candidate.rollout

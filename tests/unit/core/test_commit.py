"""A commit comes back from its bytes, and its digest is theirs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import streams
from swarm_core.commit import Commit, MeasuredCandidate, get_values
from swarm_core.envelope import UnknownKindError
from swarm_core.experiment import Experiment, PinnedTaker, SeedData
from swarm_core.format_version import UnknownVersionError
from swarm_core.items import Item, build_items
from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import Plan
from swarm_core.optimizers.standard import Standard
from swarm_core.recipe import ModelName, canonical_json, digest_bytes
from swarm_core.rollout import Unmeasured

finite = st.floats(allow_nan=False, allow_infinity=False)
digests = st.binary(max_size=4).map(digest_bytes)
results = st.one_of(
    st.builds(Unmeasured, st.text(max_size=9)),
    st.builds(
        Measurement, finite, finite, finite, st.integers(0, 9), st.tuples(st.tuples(st.text(max_size=3), finite))
    ),
)
candidates = st.builds(
    MeasuredCandidate,
    st.text(max_size=3),
    st.just("Start"),
    st.tuples(finite, finite),
    digests.map(ModelName),
    digests,
    st.lists(st.tuples(st.text(max_size=3), results), max_size=2).map(tuple),
    st.none() | finite,
)
commits = st.builds(
    Commit,
    digests,
    st.integers(0, 9),
    digests,
    st.tuples(digests),
    st.text(max_size=9),
    st.tuples(candidates, candidates),
    kind=st.sampled_from(["SwarmRun", "AdversarialRun"]),
)
ROOT = digest_bytes(b"experiment")
COMMIT = Commit(ROOT, 0, ROOT, (), "{}", (), kind="SwarmRun")


def test_a_commit_is_an_envelope_around_what_its_program_committed() -> None:
    fields = json.loads(COMMIT.to_bytes())
    assert sorted(fields) == ["iteration", "kind", "parent", "payload", "version"]
    assert (fields["version"], fields["kind"]) == (1, "SwarmRun")
    assert sorted(fields["payload"]) == ["basis", "candidates", "experiment", "swarm"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"version": 2}, UnknownVersionError, "a commit of format version 2: this release reads version 1 only"),
        ({"version": None}, UnknownVersionError, "format version None"),
        ({"kind": "LanceRun"}, UnknownKindError, "kind 'LanceRun': installed here are SwarmRun, AdversarialRun"),
        ({"payload": {"items": 3}}, UnknownKindError, "kind SwarmRun has no search"),
    ],
    ids=str,
)
def test_a_commit_of_an_unknown_form_or_kind_is_refused_by_name(
    change: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Commit.from_bytes(canonical_json({**json.loads(COMMIT.to_bytes()), **change}))


@given(commits)
def test_a_commit_comes_back_from_its_bytes_as_it_was(commit: Commit) -> None:
    assert Commit.from_bytes(commit.to_bytes()) == commit
    assert commit.digest == digest_bytes(commit.to_bytes())


@given(commits)
def test_a_missing_measurement_is_no_value(commit: Commit) -> None:
    for candidate in commit.candidates:
        values = get_values(candidate.values)
        for name, found in dict(candidate.values).items():
            assert (values[name] is None) is isinstance(found, Unmeasured)


@given(digests, digests, st.none() | digests, st.lists(digests, max_size=3))
def test_an_experiment_comes_back_from_its_bytes_as_it_was(
    digest: str, base: str, adapter: str | None, adapters: list[str]
) -> None:
    experiment = Experiment(digest, base, (PinnedTaker("t", base, adapter),), digest, tuple(adapters))  # type: ignore[arg-type]
    assert Experiment.from_bytes(experiment.to_bytes()) == experiment


def test_seed_data_comes_back_and_its_pool_leaves_the_held_out_items_out() -> None:
    data = SeedData((build_items("ab"), (Item("c", reference="3", choices=("3", "4")),)), build_items("d"))
    assert SeedData.from_bytes(data.to_bytes()) == data
    assert [item.text for item in data.example_items] == ["a", "b", "c"]


def test_seed_data_of_another_format_are_refused_with_both_versions() -> None:
    with pytest.raises(UnknownVersionError, match="seed data of format version None: this release reads version 2"):
        SeedData.from_bytes(b'{"clusters":[["a"]],"held_out":[]}')


def test_a_commit_stays_small_however_long_the_search() -> None:
    """Four particles over four generators, all layers alike, sixteen takers' means in every measurement."""
    plan = Plan(basis=4, particles=4, iterations=200, patience=1000, seed=1, optimizer=Standard())
    swarm, sizes, one = optimization.start(plan), list[int](), digest_bytes(b"")
    while optimization.stop_reason(swarm) is None:
        value = {
            candidate.name: streams.uniform(1, swarm.iteration, candidate.name) for candidate in optimization.ask(swarm)
        }
        parts = tuple((f"taker-{number:02d}", 1 / 3) for number in range(16))
        candidates = tuple(
            MeasuredCandidate(
                p.name,
                str(p.purpose),
                p.position,
                ModelName(one),
                one,
                (("Difficulty", Measurement(value[p.name], 0.1, 0.9, 99, parts)),),
                value[p.name],
            )
            for p in optimization.ask(swarm)
        )
        iteration, swarm = swarm.iteration, optimization.tell(swarm, value)
        sizes.append(
            len(
                Commit(
                    one, iteration, one, (one,) * 4, optimization.to_json(swarm), candidates, kind="SwarmRun"
                ).to_bytes()
            )
        )
    assert 8 * 1024 < max(sizes[1:]) < 32 * 1024
    assert sizes[0] < 1024 * len(optimization.ask(optimization.start(plan)))

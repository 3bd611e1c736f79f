"""A run folder belongs to one experiment, and a refusal says what differs."""

from dataclasses import replace
from pathlib import Path

import pytest

from swarm_core.errors import BadInputError
from swarm_core.recipe import canonical_json, digest_bytes
from swarm_trainer.host import run_folder
from swarm_trainer.host.run_folder import RunIdentity
from swarm_trainer.worker.layout import Layout

SPEC = {"seed": 42, "swarm": {"particles": 8}, "takers": [{"name": "weak", "adapter": None}]}


def identity(spec: dict[str, object]) -> RunIdentity:
    return RunIdentity("tiny", digest_bytes(canonical_json(spec)), spec, "0.1.0")


MINE = identity(SPEC)


def test_a_folder_stays_with_the_experiment_that_claimed_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    run_folder.claim(layout, MINE, prepared=False)
    assert run_folder.read(layout) == MINE
    before = layout.run.read_bytes()
    run_folder.claim(layout, replace(MINE, version="9.9.9"), prepared=True)
    assert layout.run.read_bytes() == before


@pytest.mark.parametrize(
    ("other", "words"),
    [
        pytest.param({**SPEC, "seed": 43}, "spec.seed is 42 there and 43 here;", id="a value"),
        pytest.param({**SPEC, "swarm": {"particles": 9}}, "spec.swarm.particles is 8 there and 9 here;", id="nested"),
        pytest.param(
            {**SPEC, "takers": [{"name": "weak", "adapter": "a"}]},
            'spec.takers[0].adapter is null there and "a" here;',
            id="in a list",
        ),
        pytest.param({**SPEC, "takers": []}, "spec.takers is [{", id="a list's length"),
        pytest.param({**SPEC, "domain": "sums"}, 'spec.domain is nothing there and "sums" here;', id="a new field"),
        pytest.param(
            {"seed": 1, "swarm": {"particles": 1}, "takers": [{"name": "x", "adapter": "y"}]}, "; 1 more;", id="many"
        ),
    ],
)
def test_another_experiment_is_refused_and_told_both_values(
    tmp_path: Path, other: dict[str, object], words: str
) -> None:
    run_folder.claim(Layout(tmp_path), MINE, prepared=False)
    with pytest.raises(BadInputError) as refused:
        run_folder.claim(Layout(tmp_path), identity(other), prepared=True)
    assert words in str(refused.value)
    assert "choose another folder with --folder, or change metadata.name" in str(refused.value)
    assert run_folder.read(Layout(tmp_path)) == MINE


def test_a_folder_whose_run_never_got_past_preparing_goes_to_the_next_experiment(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    run_folder.claim(layout, MINE, prepared=False)
    layout.state.write_text("of the first")
    other = identity({**SPEC, "seed": 43})
    run_folder.claim(layout, other, prepared=False)
    assert run_folder.read(layout) == other
    assert not layout.state.exists()


def test_a_damaged_run_file_is_refused_rather_than_overwritten(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.run.write_text('{"name": "tiny"}')
    with pytest.raises(BadInputError, match=r"run\.json cannot be read"):
        run_folder.claim(layout, MINE, prepared=False)


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="is a file; a run needs a folder"):
        run_folder.check(Layout(tmp_path / "file"))


def test_a_folder_with_other_things_in_it_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BadInputError, match=r"contains 'thesis\.tex' but no run"):
        run_folder.check(Layout(tmp_path))


def test_a_new_an_empty_and_a_just_locked_folder_may_become_run_folders(tmp_path: Path) -> None:
    run_folder.check(Layout(tmp_path / "new"))
    run_folder.check(Layout(tmp_path))
    (tmp_path / "lock").touch()
    run_folder.check(Layout(tmp_path))

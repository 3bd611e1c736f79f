"""What cannot be measured is refused by name, before anything starts."""

import math
from pathlib import Path

import pytest
import swarmrun_documents as documents

from swarm_core import catalog
from swarm_core.api import loading, objective_blocks, resolution
from swarm_core.errors import BadInputError
from swarm_trainer.cli import run_file
from swarm_trainer.evaluation import run_parts
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import part_inputs
from swarm_trainer.stores.local import LocalStore

HARD, APART = documents.HARD, documents.APART
ONE_TAKER = [{"name": "alone"}]
SERVED = {"url": "https://models.test", "model": "large"}


def refuse(patch: documents.Patch) -> str:
    """The words with which a run with this patch is refused, by `dataswarm validate`, too."""
    try:
        resolved = resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))
    except BadInputError as error:
        return str(error)
    with pytest.raises(BadInputError) as caught:
        run_parts.check(resolved)
    assert run_file.find_misfits(resolved) == [str(caught.value)]
    return str(caught.value)


def choose(name: str) -> documents.Patch:
    """The patch that makes an objective of the catalog the objective, with the data that it needs."""
    needs = objective_blocks.find_needs(name)
    return {"spec.objective": {"type": name, **(documents.CORPUS if needs.corpus else {})}}


@pytest.mark.parametrize("name", ["Humor", "difficulty", ""])
def test_an_unknown_objective_is_refused_with_the_names_of_all(name: str) -> None:
    for patch in (
        {"spec.objective.type": name},
        {"spec.objective": documents.weigh({"objective": {"type": name}, "weight": 1}, APART)},
    ):
        said = refuse(patch)
        assert f"{name!r} is not known; use " in said
        assert all(known in said for known in catalog.OBJECTIVES)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ([{**HARD, "weight": -0.5}, APART], "terms[0].weight: -0.5 must be at least 0"),
        ([{**HARD, "weight": math.nan}, APART], "terms[0].weight: nan is a number; write a finite number"),
        ([{**HARD, "weight": math.inf}, APART], "terms[0].weight: inf is a number; write a finite number"),
        ([{**HARD, "weight": 0}, APART], "a term with a weight of 0 and no floor has no effect"),
        (
            [{**term, "weight": 0, "atLeast": 0.1} for term in (HARD, APART)],
            "all weights are 0, so there is nothing to",
        ),
        ([{**HARD, "atLeast": 1.5}, APART], "atLeast: 1.5, but Difficulty has values from 0 to 1"),
        ([HARD], "one term without a floor is no sum"),
    ],
    ids=["negative", "nan", "infinite", "no effect", "all zero", "a floor nobody meets", "one term"],
)
def test_weights_that_make_no_sum_are_refused(terms: list[documents.Document], said: str) -> None:
    assert said in refuse({"spec.objective": documents.weigh(*terms)})


@pytest.mark.parametrize("name", catalog.OBJECTIVES)
def test_too_few_takers_for_an_objective_are_refused_alone_and_in_a_sum(name: str) -> None:
    least = objective_blocks.find_needs(name).takers
    for takers in range(least):
        few = {"spec.takers": [{"name": f"taker-{number}"} for number in range(takers)]}
        said = f"objective {name} needs at least {least} taker"
        assert said in refuse({**choose(name), **few})
        term = {"objective": {"type": name}, "weight": 0.5}
        other = {**HARD, "name": "other"}
        assert "needs at least" in refuse({"spec.objective": documents.weigh(term, other), **few})


def test_a_preset_needs_the_takers_of_all_its_terms() -> None:
    paper = {"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper"}}, "spec.takers": ONE_TAKER}
    assert "needs at least 2 takers" in refuse(paper)


@pytest.mark.parametrize("name", catalog.OBJECTIVES)
def test_an_objective_without_its_corpus_is_refused(name: str) -> None:
    if objective_blocks.find_needs(name).corpus:
        assert "spec.objective.corpus" in refuse({"spec.objective": {"type": name}})
    else:
        assert "spec.objective.corpus" in refuse({"spec.objective": {"type": name, **documents.CORPUS}})


@pytest.mark.parametrize("url", ["https://models.test", "https://other.test/v1"])
@pytest.mark.parametrize("model", ["large", "Large"])
def test_a_judge_that_is_a_taker_is_refused_wherever_it_is_served(url: str, model: str) -> None:
    taker = {"name": "far", "endpoint": {**SERVED, "url": url, "model": model}}
    assert "a judge marks texts of its own family too high, and taker far is" in refuse(
        {"spec.judge": documents.MARKS, "spec.takers": [taker, {"name": "bare"}]}
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n\n", "contains no items"),
        ("[]", "contains no items"),
        ('{"text": ""}\n', "1 of 1 records cannot be used"),
        ('{"text": "\u200b"}\n', "1 of 1 records cannot be used"),
    ],
)
def test_an_empty_corpus_is_refused_with_its_field(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "user.jsonl").write_text(content)
    personal = {"type": "Personalization", "corpus": {"uri": "user.jsonl"}}
    document = documents.patched({"spec.objective": personal, "spec.takers": []})
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    context = Context(resolved, LocalStore(tmp_path / "store"), tmp_path / "cache", tmp_path, lambda _: None)
    with pytest.raises(BadInputError, match=rf"^spec\.objective\.corpus.*user\.jsonl: {said}"):
        part_inputs.pin_corpus(context)

"""A small share of `benchmarks/endpoint_faults.py`: whole runs whose endpoint breaks, stops or refuses one item."""

from collections.abc import Iterator

import endpoint_fault_kinds
import faulty_run
import pytest
from endpoint_campaign import PATIENT_WITH_ONE, Campaign, check_fate, check_undecided
from endpoint_fault_kinds import PASSING, POISON, POISON_OF_JUDGES, SAME
from faulty_endpoint import FaultyEndpoint, Role

from swarm_core.objectives.scores import AnswerFate


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with faulty_run.light_steps(), FaultyEndpoint().running() as site:
        yield Campaign(site, tmp_path_factory.mktemp("campaign"))


def test_a_run_whose_endpoint_breaks_in_every_way_has_the_result_of_the_undisturbed_run(campaign: Campaign) -> None:
    trial = campaign.try_passing((*PASSING, *SAME), seed=9)
    assert len(trial.thrown) >= 50
    assert trial.thrown.total() >= 100


def test_a_run_whose_account_is_empty_stops_and_resumes_to_the_same_result(campaign: Campaign) -> None:
    [payment] = [fault for fault in endpoint_fault_kinds.LASTING if fault.name == "402"]
    assert campaign.try_lasting(payment, 0.5, faulty_run.TIMES).resumed


def test_one_item_that_is_flagged_costs_itself(campaign: Campaign) -> None:
    fault, fate = POISON[0]
    assert fate is AnswerFate.REFUSED
    assert campaign.try_item(fault, Role.TAKER, check_fate(fate), PATIENT_WITH_ONE).thrown


@pytest.mark.long
def test_a_game_whose_gate_is_at_a_faulty_endpoint_ends_as_the_undisturbed_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    [payment] = [fault for fault in endpoint_fault_kinds.LASTING if fault.name == "402"]
    with faulty_run.light_steps(), FaultyEndpoint().running() as site:
        game = Campaign(site, tmp_path_factory.mktemp("game"), faulty_run.game_document)
        assert game.try_passing((*PASSING, *SAME), seed=9).thrown.total() >= 10
        assert game.try_lasting(payment, 0.5, faulty_run.TIMES).resumed
        assert game.try_item(POISON_OF_JUDGES[0], Role.GATE, check_undecided, PATIENT_WITH_ONE).thrown

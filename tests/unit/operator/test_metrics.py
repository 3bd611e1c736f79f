"""The metrics of the operator: phases and fates, summed over runs."""

from swarm_operator.metrics import Metrics


def test_answers_are_summed_over_runs_by_fate_and_a_fate_without_answers_is_zero() -> None:
    metrics = Metrics()
    statuses = ({"phase": "Iterating", "answers": {"scored": 10, "cutOff": 2}}, {"answers": {"scored": 1}}, None)
    metrics.count_runs({"status": status} for status in statuses)
    found = {
        fate: metrics.registry.get_sample_value("dataswarm_answers", {"fate": fate})
        for fate in ("Scored", "CutOff", "Blank")
    }
    assert found == {"Scored": 11, "CutOff": 2, "Blank": 0}
    assert metrics.registry.get_sample_value("dataswarm_runs", {"phase": "Pending"}) == 2

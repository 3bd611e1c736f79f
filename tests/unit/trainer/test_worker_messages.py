"""What a worker says arrives as it was said, on one line, or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.engine.work import Failed, FailureReason, Receipt
from swarm_core.recipe import digest_bytes
from swarm_core.usage import Usage
from swarm_trainer.runtime.context import Progress
from swarm_trainer.worker import messages
from swarm_trainer.worker.messages import FailedAttempt

numbers = st.floats(allow_nan=False, allow_infinity=False)
progress = st.builds(
    Progress,
    key=st.text(),
    note=st.text(),
    done=st.integers(0, 99),
    total=st.integers(0, 99),
    tokens=st.integers(0, 10**6),
    fitness=st.lists(st.tuples(st.text(), st.none() | numbers), max_size=4).map(tuple),
    usage=st.builds(
        Usage,
        requests=st.integers(0, 99),
        seconds=numbers,
        latencies=st.lists(st.tuples(st.integers(-99, 99), st.integers(1, 9)), max_size=3).map(tuple),
        unscored=st.lists(st.tuples(st.text(), st.integers(1, 9)), max_size=3).map(tuple),
    ),
)
receipts = st.builds(
    Receipt,
    key=st.text(max_size=20),
    outputs=st.dictionaries(st.text(max_size=8), st.binary().map(digest_bytes), max_size=3),
    scalars=st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | numbers | st.text(max_size=8), max_size=3),
)
failures = st.builds(Failed, st.integers(1, 9), st.sampled_from(FailureReason), st.text(), numbers)
failed_attempts = st.builds(FailedAttempt, st.text(), failures)


@given(progress | receipts | failed_attempts)
def test_every_message_survives_the_channel_on_one_line(message: messages.Message) -> None:
    line = messages.encode(message)
    assert "\n" not in line
    assert messages.decode(line) == message


@pytest.mark.parametrize(
    "line",
    ["", "tqdm: 40%", "3", "[]", "{}", '{"type": "hello"}', '{"type": "receipt", "weight": 1}', '{"type": "progress"}'],
)
def test_a_line_that_is_no_message_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"message|says|Expecting"):
        messages.decode(line)


def test_a_number_that_is_not_finite_is_never_said() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        messages.encode(Progress("iterate.generators.0000", "", fitness=(("p00", float("nan")),)))

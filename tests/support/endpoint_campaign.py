"""The trials of the fault campaign: whole runs against a faulty endpoint, each compared with the undisturbed run.

A trial raises AssertionError if a run ends otherwise than it must:

- faults that pass: the result is that of the undisturbed run, byte by byte;
- faults that last: the run stops with one line that says what to do, what it stored is part of the undisturbed result,
  and when the fault is gone it resumes to the identical result;
- faults of one item: its answers have the right fate, all others are scored, and a second run is identical.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import faulty_endpoint
import faulty_run
import scripted_chat_server
from fake_store import FakeStore
from faulty_endpoint import Body, Fault, FaultyEndpoint, Role
from faulty_run import IMPATIENT, FaultyRun
from swarmrun_documents import Patch

from swarm_core.engine.phases import Phase
from swarm_core.gates.admission import UNDECIDED
from swarm_core.objectives.scores import AnswerFate
from swarm_core.rollout import Rollout
from swarm_trainer.inference import chat_endpoints

RATE = 0.3
"""The share of requests that meet a fault that passes."""
MOMENTS = (0.0, 0.3, 0.9)
"""When a lasting fault begins, as a share of the undisturbed run's requests."""
WAY_OUT = re.compile(r"\b(mend|correct|give|start|put|run again|leave out|lift|raise)\b")
PATIENT_WITH_ONE: Patch = {**IMPATIENT, "deadlineSeconds": 150, "timeoutSeconds": 75}


@dataclass(frozen=True)
class Trial:
    """What one trial met."""

    thrown: Counter[str]
    resumed: bool
    """Whether the run stopped and was run again."""


class Campaign:
    """Trials at one endpoint."""

    def __init__(
        self,
        site: FaultyEndpoint,
        folder: Path,
        document: Callable[[FaultyEndpoint, Patch], Body] = faulty_run.document,
    ) -> None:
        """`document` writes the document of a run, such as that of a game."""
        self.site, self.folder, self.document, self.runs = site, folder, document, 0
        self.whole = self.new_run()
        self.site.begin(lambda body, times: None)
        assert self.whole.drive().phase is Phase.SUCCEEDED, self.whole.state.failure
        self.requests, self.expected = site.requests, self.whole.outcome()

    def new_run(self) -> FaultyRun:
        self.runs += 1
        scratch = self.folder / str(self.runs)
        scratch.mkdir(parents=True)
        return FaultyRun(self.site, FakeStore(scratch), scratch, self.document)

    def try_passing(self, kinds: Sequence[Fault], seed: int) -> Trial:
        """A run in which one request in three meets a fault that passes. Only the first sign of life may be fatal."""
        run, draws, refused = self.new_run(), cycle(kinds, random.Random(seed)), Counter[str]()

        def plan(body: Body, times: int) -> Fault | None:
            fault, name = next(draws), repr(body)
            refused[name] += fault is not None and fault.refuses
            return fault if refused[name] < chat_endpoints.COMPARISONS else None  # more of them do not pass

        self.site.begin(plan)
        run.drive()
        resumed = 0
        while run.state.phase is Phase.FAILED and resumed < len(MOMENTS):
            assert_stopped(run, self.expected)
            assert run.state.failure is not None
            assert run.state.failure.phase is Phase.PREPARING, run.state.failure
            run.resume()
            resumed += 1
        self.assert_same(run)
        return Trial(self.site.thrown, resumed > 0)

    def try_lasting(self, fault: Fault, moment: float, times: Patch) -> Trial:
        """A run that meets `fault` from one moment on, until the run has stopped."""
        run, first = self.new_run(), round(moment * self.requests)
        self.site.begin(lambda body, _: fault if self.site.requests > first else None)
        run.drive(times)
        thrown = self.site.thrown
        assert_stopped(run, self.expected)
        self.site.begin(lambda body, times: None)
        run.resume()
        self.assert_same(run)
        return Trial(thrown, resumed=True)

    def try_item(self, fault: Fault, role: Role, check: Callable[[Rollout, str], None], times: Patch) -> Trial:
        """Two runs in which one item always meets `fault` in one role."""
        item = faulty_run.list_items(self.whole)[3]
        outcomes = []
        for _ in range(2):
            run = self.new_run()
            self.site.begin(lambda body, _: fault if is_about(body, item, role) else None)
            assert run.drive(times).phase is Phase.SUCCEEDED, (fault.name, run.state.failure)
            outcomes.append(run.outcome())
        assert outcomes[0] == outcomes[1], fault.name
        touched = [one for one in run.rollouts().values() if has_met(one, item, role)]
        assert touched, fault.name
        for rollout in run.rollouts().values():
            check(rollout, item)
        return Trial(self.site.thrown, resumed=False)

    def assert_same(self, run: FaultyRun) -> None:
        assert run.state.phase is Phase.SUCCEEDED, run.state.failure
        found = run.outcome()
        assert found == self.expected, sorted(
            key for key in found | self.expected if found.get(key) != self.expected.get(key)
        )


def cycle(kinds: Sequence[Fault], drawn: random.Random) -> Iterator[Fault | None]:
    """For each request a fault, or none; every kind before any kind again."""
    while True:
        for fault in drawn.sample(kinds, len(kinds)):
            while drawn.random() > RATE:
                yield None
            yield fault


def assert_stopped(run: FaultyRun, expected: dict[str, bytes]) -> None:
    """The run has stopped with one line that names the way out, and stored nothing that the whole run has not."""
    failure = run.state.failure
    assert failure is not None
    assert "\n" not in failure.message
    assert WAY_OUT.search(failure.message), failure.message
    found = run.outcome()
    assert not [key for key, data in found.items() if key != "HEAD" and expected.get(key) != data], failure.message


def is_about(body: Body, item: str, role: Role) -> bool:
    text = scripted_chat_server.prompt(body)
    return faulty_endpoint.find_role(body) is role and re.search(rf"(?<!\d){re.escape(item)}(?!\d)", text) is not None


def has_met(rollout: Rollout, item: str, role: Role) -> bool:
    return rollout.rejected()[UNDECIDED] > 0 if role is Role.GATE else item in [one.text for one in rollout.items]


def check_fate(fate: AnswerFate) -> Callable[[Rollout, str], None]:
    """A check that the answers to the item have this fate, and all others are scored."""

    def check(rollout: Rollout, item: str) -> None:
        for one in rollout.items:
            fates = {answer.fate for answer in one.answers}
            assert fates == {fate if one.text == item else AnswerFate.SCORED}, (one.text, fates)

    return check


def check_undecided(rollout: Rollout, item: str) -> None:
    """The gate is undecided about the item, and all answers to others are scored. The rivals' items of a game have no
    answers yet."""
    assert rollout.rejected()[UNDECIDED] <= 1
    for one in rollout.items:
        assert one.text != item
        assert {answer.fate for answer in one.answers} <= {AnswerFate.SCORED}

"""Do whole runs end as they must when the endpoint of their takers, judge and gate breaks a thousand times?

    python benchmarks/endpoint_faults.py --write docs/results.md

Every run goes through all phases in this process, over real connections. The pauses and deadlines of the endpoint pass
50 times faster. `tests/support/endpoint_campaign.py` states what each group of faults must lead to. A run that ends
otherwise ends the benchmark with an error. Prints one line per group, and the number of faults of every kind.

Limits: the generators are functions in Python, and the store is in memory. Runs are small: about 350 requests, and 85
of a game. A game can only have a gate behind an endpoint, because its judge is a program and its sides are adapters.
"""

import argparse
import os
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import endpoint_fault_kinds
import faulty_run
import private_network
from endpoint_campaign import MOMENTS, PATIENT_WITH_ONE, Campaign, Trial, check_fate, check_undecided
from faulty_endpoint import FaultyEndpoint, Role
from published_table import insert_table

from swarm_core.objectives.scores import AnswerFate

MARK = "benchmarks/endpoint_faults.py"


@dataclass
class Group:
    """The trials of one group of faults."""

    name: str
    outcome: str
    thrown: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    resumed: int = 0

    def add(self, trial: Trial, runs: int = 1) -> None:
        self.thrown += trial.thrown
        self.runs += runs
        self.resumed += trial.resumed
        print(f"{self.name}: {trial.thrown.total()} faults, {', '.join(list(trial.thrown)[:1])}", flush=True)


def try_passing(site: Campaign, tls: Campaign, faults: int) -> Iterator[Group]:
    """Faults that pass, until there were `faults` of them."""
    group = Group("faults that pass", "the undisturbed result, byte by byte")
    while group.thrown.total() < faults:
        group.add(site.try_passing((*endpoint_fault_kinds.PASSING, *endpoint_fault_kinds.SAME), group.runs))
    yield group
    handshakes = Group("the same over TLS", "the undisturbed result, byte by byte")
    handshakes.add(tls.try_passing((*endpoint_fault_kinds.PASSING_TLS, *endpoint_fault_kinds.PASSING[:9]), 0))
    yield handshakes


def try_lasting(site: Campaign) -> Iterator[Group]:
    """Faults that last until somebody acts."""
    account = Group(
        "faults that the user must mend", "one line says what to do; run again, the result is the undisturbed one"
    )
    for fault in endpoint_fault_kinds.LASTING:
        for moment in MOMENTS:
            account.add(site.try_lasting(fault, moment, faulty_run.TIMES))
    yield account
    outage = Group("outages that outlast every deadline", "the same")
    for fault in endpoint_fault_kinds.OUTAGES:
        outage.add(site.try_lasting(fault, MOMENTS[1], faulty_run.IMPATIENT))
    yield outage


def try_items(site: Campaign) -> Iterator[Group]:
    """Faults that always meet one item."""
    takers = Group(
        "one item at the takers", "its answers have their fate; all others are scored; a second run is equal"
    )
    for fault, fate in endpoint_fault_kinds.POISON:
        takers.add(site.try_item(fault, Role.TAKER, check_fate(fate), PATIENT_WITH_ONE), 2)
    yield takers
    judges = Group("one item at the judge", "`JudgeFailed`, and the same")
    gates = Group("one item at the gate", "the item is left out, and the same")
    for fault in endpoint_fault_kinds.POISON_OF_JUDGES:
        judges.add(site.try_item(fault, Role.JUDGE, check_fate(AnswerFate.JUDGE_FAILED), PATIENT_WITH_ONE), 2)
        gates.add(site.try_item(fault, Role.GATE, check_undecided, PATIENT_WITH_ONE), 2)
    yield from (judges, gates)


def try_game(game: Campaign, faults: int) -> Iterator[Group]:
    """A game whose gate is behind the endpoint."""
    passing = Group("a game whose gate is remote: faults that pass", "the undisturbed result, byte by byte")
    while passing.thrown.total() < faults:
        passing.add(game.try_passing((*endpoint_fault_kinds.PASSING, *endpoint_fault_kinds.SAME), passing.runs))
    yield passing
    lasting = Group("the same: faults that last", "one line says what to do; run again, the same result")
    for fault in endpoint_fault_kinds.LASTING:
        lasting.add(game.try_lasting(fault, MOMENTS[1], faulty_run.TIMES))
    for fault in endpoint_fault_kinds.OUTAGES:
        lasting.add(game.try_lasting(fault, MOMENTS[2], faulty_run.IMPATIENT))
    yield lasting
    items = Group("the same: one item", "the item is left out; a second run is equal")
    for fault in endpoint_fault_kinds.POISON_OF_JUDGES:
        items.add(game.try_item(fault, Role.GATE, check_undecided, PATIENT_WITH_ONE), 2)
    yield items


def format_table(groups: list[Group], seconds: float) -> str:
    """The table of the groups, and the kinds of fault."""
    thrown = sum((group.thrown for group in groups), Counter[str]())
    runs, resumed = (sum(getattr(one, name) for one in groups) for name in ("runs", "resumed"))
    whole = Group("all", f"{seconds:,.0f} s", thrown, runs, resumed)
    rows = [
        f"| {one.name} | {len(one.thrown)} | {one.thrown.total():,} | {one.runs} | {one.resumed} | {one.outcome} |"
        for one in (*groups, whole)
    ]
    kinds = ", ".join(f"{name} ({count})" for name, count in sorted(thrown.items(), key=lambda pair: -pair[1]))
    header = "| group | kinds | faults | runs | stopped and run again | every run ended in |\n|---|---|---|---|---|---|"
    return "\n".join([header, *rows, "", f"The kinds: {kinds}."])


def main() -> int:
    """Run the campaign and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=1000, help="the number of faults that pass")
    parser.add_argument("--only", choices=("passing", "lasting", "items", "game"), help="the faults of one kind alone")
    parser.add_argument("--write", type=Path, help="the file whose table to replace")
    options = parser.parse_args()
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = private_network.create_authority(folder)
        os.environ["SSL_CERT_FILE"] = str(authority.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.server)
        stack.enter_context(faulty_run.light_steps())
        plain = stack.enter_context(FaultyEndpoint().running())
        tls = stack.enter_context(FaultyEndpoint(context).running())
        site = Campaign(plain, folder / "plain")
        kinds: dict[str, Callable[[], Iterator[Group]]] = {
            "passing": lambda: try_passing(site, Campaign(tls, folder / "tls"), options.faults),
            "lasting": lambda: try_lasting(site),
            "items": lambda: try_items(site),
            "game": lambda: try_game(Campaign(plain, folder / "game", faulty_run.game_document), options.faults // 5),
        }
        groups = [group for name, begin in kinds.items() if options.only in (None, name) for group in begin()]
    table = format_table(groups, time.monotonic() - began)
    print(table)
    if options.write is not None:
        insert_table(options.write, MARK, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

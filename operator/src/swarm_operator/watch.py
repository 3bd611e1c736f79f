"""`dataswarm watch NAME`: a run on a cluster to its end, a line whenever something changed."""

import argparse
import asyncio
import sys

from swarm_operator import asking, places
from swarm_operator.asking import plain
from swarm_operator.cluster import Cluster
from swarm_operator.plan import Object

LOOK_SECONDS = 2.0
SUCCEEDED, FAILED = "Succeeded", "Failed"
SCORES = {"difficulty": "difficulty", "takerScore": "taker", "heldOutScore": "held-out"}
"""Figures of a game's status, and what they are called here."""


def add(parser: argparse.ArgumentParser) -> None:
    """Follow a run on a cluster to its end."""
    parser.description = "Follow a run on a cluster to its end. The exit code is 0 if it succeeded, 1 if it failed."
    asking.add(parser)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Print the run's news until it is over; the exit code. Raises BadInputError."""
    return asking.asked(arguments, followed)


async def followed(cluster: Cluster, run: Object) -> int:
    """Say what is new until there is nothing more to come."""
    last = ""
    while True:
        line = told(run)
        if line != last:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        last = line
        phase = (run.get("status") or {}).get("phase")
        if phase in (SUCCEEDED, FAILED):
            if phase == SUCCEEDED:
                sys.stdout.write(f"results: {place(run)}\n")
            return 0 if phase == SUCCEEDED else 1
        await asyncio.sleep(LOOK_SECONDS)
        run = await cluster.read(asking.target(run))


def told(run: Object) -> str:
    """A run in one line."""
    status = run.get("status") or {}
    words = [asking.headline(run)]
    for place in ("iteration", "round"):
        if status.get(place):
            words.append(f"{place} {status[place]}/{status.get(f'{place}s')}")
    values = {
        "best": (status.get("best") or {}).get("value"),
        **{name: status.get(key) for key, name in SCORES.items()},
    }
    words += [f"{name} {value:.4f}" for name, value in values.items() if value is not None]
    for name in ("gain", "takers"):
        if gain := status.get(name):
            words.append(f"{name} {gain['value']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]")
    return "; ".join(words)


def place(run: Object) -> str:
    """How to get what a run left."""
    return f"dataswarm export {places.uri(run)} DEST{reach(run)}"


def reach(run: Object) -> str:
    """The options by which commands reach its bucket."""
    options = [(option, places.bucket(run).get(option)) for option in ("endpoint", "region")]
    return "".join(f" --{option} {plain(value)}" for option, value in options if value)

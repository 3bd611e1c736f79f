"""`dataswarm result NAME`: what a run on a cluster found, from its spec and status; no bucket is read, no key.

The command line finds it by its entry point, for a run that is no folder of this machine. Limits: only what the status
holds; the summary, the data set and every other figure lie where the artefacts are, which is said.
"""

import argparse
import json
import sys
from collections.abc import Iterator

from swarm_core.errors import BadInputError
from swarm_operator import asking, places, watch
from swarm_operator.asking import plain
from swarm_operator.cluster import Cluster
from swarm_operator.plan import Object

OVER = {watch.SUCCEEDED: 0, watch.FAILED: 1}
"""The exit codes of runs that are over."""


def command(arguments: argparse.Namespace) -> int:
    """Print what the run that `arguments` name found; the exit code. Raises BadInputError before it is over."""
    run = asking.asked(arguments, itself)
    code = OVER.get(str((run.get("status") or {}).get("phase")))
    if code is None:
        raise BadInputError(f"no result yet of {watch.told(run)}; follow it with: dataswarm watch {named(run)}")
    sys.stdout.write(f"{document(run)}\n" if arguments.json else "".join(f"{line}\n" for line in lines(run)))
    return code


async def itself(_: Cluster, run: Object) -> Object:
    """The run as it was found."""
    return run


def document(run: Object) -> str:
    """The status for programs, without what is the operator's alone, and where the artefacts are."""
    status = {key: value for key, value in run["status"].items() if key != "engine"}
    return json.dumps({"name": run["metadata"]["name"], "artefacts": places.uri(run), **status}, indent=1)


def lines(run: Object) -> Iterator[str]:
    """What people are told: where the run stands, then a line per subject."""
    yield asking.headline(run)
    for subject, words in (*found(run["status"]), *left(run)):
        yield f"  {subject:<12} {words}"


def found(status: Object) -> Iterator[tuple[str, str]]:
    """What was found, by subject; nothing of what the status does not hold."""
    if best := status.get("best"):
        who = [f"{word} {plain(best[word])}" for word in ("particle", "recipe") if best.get(word)]
        yield "best", ", ".join([f"{best['value']:.4f}", *who])
    if status.get("initial") is not None:
        yield "initial", f"{status['initial']:.4f}, the best generator it began with"
    yield from ((name, f"{status[key]:.4f}") for key, name in watch.SCORES.items() if status.get(key) is not None)
    for subject in ("gain", "takers"):
        if gain := status.get(subject):
            interval = f"95 % interval {gain['low']:+.4f} to {gain['high']:+.4f}"
            yield subject, f"{gain['value']:+.4f}, {interval}, on fresh items"
    digests = {"experiment": "experimentDigest", "spec": "specDigest", "result": "result"}
    yield from ((subject, plain(status[field])) for subject, field in digests.items() if status.get(field))
    yield "accelerators", held(status)


def held(status: Object) -> str:
    """How long accelerators were held, and what for."""
    if status.get("gpuHours") is None:
        return "none held"
    seconds = status.get("gpuSeconds") or {}
    parts = ", ".join(f"{part} {seconds.get(part) or 0:.0f} s" for part in ("busy", "loading", "idle"))
    return f"{status['gpuHours']:.3f} hours ({parts})"


def left(run: Object) -> Iterator[tuple[str, str]]:
    """Where the artefacts are, and what to do next."""
    if uri := places.uri(run):
        yield "artefacts", uri
    if run["status"]["phase"] == watch.FAILED:
        yield "next", f"dataswarm why {named(run)}"
    elif uri:
        yield "next", watch.place(run)
        yield "", f"dataswarm verify {uri}{watch.reach(run)}"


def named(run: Object) -> str:
    """The run as commands take it."""
    return f"{asking.name(run)} --namespace {plain(run['metadata']['namespace'])}"

"""`dataswarm render FILE`, or `python -m swarm_operator.render FILE`: every child that a run would have, as YAML.

Nothing is asked of a cluster, so what only a cluster says stands as a word: the uid of the run, and in place of digests
what is not yet known. One iteration stands for all. In front, as a comment: how many Jobs, and the accelerators' peak.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from swarm_core.api import dialect
from swarm_core.api.execution import S3Storage
from swarm_core.api.limits import DeletionPolicy
from swarm_core.engine import search
from swarm_core.engine.plan import Outline
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_operator import orders, peak
from swarm_operator.manifests import jobs, purge, servers
from swarm_operator.orders import Order
from swarm_operator.plan import Create, Object

UID = "00000000-0000-0000-0000-000000000000"
"""Of a run that no cluster has seen."""
EXPERIMENT, COMMIT = Digest("EXPERIMENT"), Digest("COMMIT")
REFUSED = 2


@dataclass(frozen=True, slots=True)
class Defaults:
    """The images of a run that names none, as the chart does."""

    trainer_image: str = "dataswarm/trainer"
    server_image: str = "dataswarm/vllm"


class Writer(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _lines(writer: Writer, text: str) -> yaml.ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Writer.add_representer(str, _lines)


def rendered(text: str, source: str) -> str:
    """The children of the run written in `text`; `source` names it in messages. Raises BadInputError."""
    try:
        document = dialect.load(text)
    except yaml.YAMLError as error:
        raise BadInputError(f"{source}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        raise BadInputError(f"{source}: no run; it is a mapping with apiVersion, kind, metadata and spec")
    metadata = {"namespace": "default", **document["metadata"], "uid": UID}
    order = orders.read({**document, "metadata": metadata}, Defaults())
    outline = search.outline(order.resolved)
    made = {(one["kind"], one["metadata"]["name"]): one for one in children(order, outline)}
    return summary(order, outline) + yaml.dump_all(map(plain, made.values()), Dumper=Writer, sort_keys=False, width=120)


def children(order: Order, outline: Outline) -> Iterator[Object]:
    """Every child, in the order in which it is made; last what deletes the results, where that is asked for."""
    for items in work(outline):
        if items[0].kind is Kind.ITERATE and peak.served(order.cluster):
            yield from (shown(step) for step in servers.supports(order))
            yield from servers.deployments(order)
        yield from (shown(step) for step in jobs.needed(order, items))
    storage = order.resolved.storage
    if order.run.spec.deletion_policy is DeletionPolicy.PURGE and isinstance(storage, S3Storage):
        yield purge.job(order, storage)


def work(outline: Outline) -> Iterator[tuple[WorkItem, ...]]:
    """The items of each Job; of the iterations the first, of what is trained between turns the first as well."""
    yield (WorkItem(Kind.PREPARE),)
    if outline.seeds:
        yield tuple(WorkItem(Kind.SEED, name, index, EXPERIMENT) for name, index in outline.seeds)
    for side in outline.sides:
        if side.trains:
            yield (WorkItem(Kind.SEED, side.name, side.clusters, COMMIT),)
        if side.moves:
            yield (WorkItem(Kind.ITERATE, side.name, parent=EXPERIMENT),)
    yield (WorkItem(Kind.CONCLUDE, parent=COMMIT),)


def count(outline: Outline) -> int:
    """How many Jobs a run takes, at most, if nothing is tried twice."""
    sides = outline.sides
    turns = sum(side.moves for side in sides) * (outline.iterations + 1)
    trained = sum(side.trains for side in sides) * outline.iterations
    return 2 + bool(outline.seeds) + turns + trained


def shown(step: Create) -> Object:
    """The object that a step makes; what is drawn at random stands as a word."""
    return step.manifest if step.secret is None else {**step.manifest, "stringData": {step.secret: "DRAWN"}}


def summary(order: Order, outline: Outline) -> str:
    """How much it is, in a comment."""
    resolved, name = order.resolved, order.cluster.accelerator_resource
    trained = f", training with {peak.training(resolved)}" if peak.trainers(resolved) else ""
    return (
        f"# {order.name}: {count(outline)} Jobs at most, one after the other; {outline.turn} 0 stands for"
        f" {outline.iterations + 1}.\n"
        f"# Peak of {name}: {peak.peak(resolved)} of {order.cluster.max_accelerators}"
        f" (searching with {peak.searching(resolved)}{trained}).\n"
    )


def plain(value: Any) -> Any:
    """`value` in lists and dicts of its own, so that YAML repeats instead of referring."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def add(parser: argparse.ArgumentParser) -> None:
    """Print what a run would have on a cluster. Found by its entry point: the command line imports nothing of here."""
    parser.description = "Print every object that a run would have on a cluster, and its peak of accelerators."
    parser.add_argument("file", type=Path, metavar="FILE", help="SwarmRun as YAML or JSON")
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Print the children of the run in a file. Raises BadInputError, OSError."""
    file: Path = arguments.file
    sys.stdout.write(rendered(file.read_text(encoding="utf-8-sig"), str(file)))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command by itself; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m swarm_operator.render")
    add(parser)
    try:
        return command(parser.parse_args(argv))
    except BadInputError as error:
        sys.stderr.write(f"{error}\n")
    except (OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}; give a SwarmRun file\n")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())

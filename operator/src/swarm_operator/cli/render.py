"""`dataswarm render FILE`, or `python -m swarm_operator.cli.render FILE`: every child that a run would have, as YAML.

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

from swarm_core.api import kubernetes_yaml
from swarm_core.api.execution import S3Storage
from swarm_core.api.lifecycle import DeletionPolicy
from swarm_core.engine.planning import Outline
from swarm_core.engine.work import WorkItem
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_operator.common import accelerators, cluster_run
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object
from swarm_operator.manifests import jobs, purge, servers

PLACEHOLDER_UID = "00000000-0000-0000-0000-000000000000"
"""Of a run that no cluster has seen."""
PLACEHOLDER_EXPERIMENT, PLACEHOLDER_COMMIT = Digest("EXPERIMENT"), Digest("COMMIT")
REFUSED_EXIT_CODE = 2


@dataclass(frozen=True, slots=True)
class DefaultImages:
    """The images of a run that names none, as the chart does."""

    trainer_image: str = "dataswarm/trainer"
    server_image: str = "dataswarm/vllm"


class BlockTextDumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _represent_text(writer: BlockTextDumper, text: str) -> yaml.ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


BlockTextDumper.add_representer(str, _represent_text)


def render_run(text: str, source: str) -> str:
    """The children of the run written in `text`; `source` names it in messages. Raises BadInputError."""
    try:
        document = kubernetes_yaml.load(text)
    except yaml.YAMLError as error:
        raise BadInputError(f"{source}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        raise BadInputError(f"{source}: no run; it is a mapping with apiVersion, kind, metadata and spec")
    metadata = {"namespace": "default", **document["metadata"], "uid": PLACEHOLDER_UID}
    run = cluster_run.parse({**document, "metadata": metadata}, DefaultImages())
    made = {(one["kind"], one["metadata"]["name"]): one for one in list_children(run)}
    return format_summary(run) + yaml.dump_all(
        map(copy_plain, made.values()), Dumper=BlockTextDumper, sort_keys=False, width=120
    )


def list_children(run: ClusterRun) -> Iterator[Object]:
    """Every child, in the order in which it is made; last what deletes the results, where that is asked for."""
    for items in list_job_items(run.outline):
        if items[0].needs.servers and run.has_servers:
            yield from (with_placeholder(step) for step in servers.dependency_steps(run))
            yield from servers.deployments(run)
        yield from (with_placeholder(step) for step in jobs.create_steps(run, items))
    storage = run.resolved.storage
    if run.document.spec.deletion_policy is DeletionPolicy.PURGE and isinstance(storage, S3Storage):
        yield purge.job(run, storage)


def list_job_items(outline: Outline) -> Iterator[tuple[WorkItem, ...]]:
    """The items of each Job; of each turn its first one stands for all."""
    yield (outline.preparation(),)
    if outline.training:
        yield tuple(outline.training_items(PLACEHOLDER_EXPERIMENT))
    for turn in outline.turns:
        parent = PLACEHOLDER_COMMIT if turn.first_iteration else PLACEHOLDER_EXPERIMENT
        items = outline.turn_items(turn.first_iteration, parent)
        yield tuple(item for item in items if (item.kind, item.swarm) == (turn.kind, turn.swarm))
    yield (outline.conclusion(PLACEHOLDER_COMMIT if outline.turns else PLACEHOLDER_EXPERIMENT),)


def count_jobs(outline: Outline) -> int:
    """How many Jobs a run takes, at most, if nothing is tried twice."""
    turns = sum(max(0, outline.iterations + 1 - turn.first_iteration) for turn in outline.turns)
    return 2 + bool(outline.training) + turns


def with_placeholder(step: Create) -> Object:
    """The object that a step makes; what is drawn at random stands as a word."""
    return step.manifest if step.secret is None else {**step.manifest, "stringData": {step.secret: "DRAWN"}}


def format_summary(run: ClusterRun) -> str:
    """How much it is, in a comment."""
    cluster, outline, name = run.cluster, run.outline, run.cluster.accelerator_resource
    training = accelerators.count_for_training(cluster, outline)
    training_part = f", training with {training}" if accelerators.concurrent_trainers(cluster, outline) else ""
    return (
        f"# {run.name}: {count_jobs(outline)} Jobs at most, one after the other{_describe_turns(outline)}.\n"
        f"# Peak of {name}: {accelerators.peak(cluster, outline)} of {cluster.max_accelerators}"
        f" (searching with {accelerators.count_for_search(cluster, outline)}{training_part}).\n"
    )


def _describe_turns(outline: Outline) -> str:
    """How many iterations the first one stands for."""
    return f"; {outline.iteration_noun} 0 stands for {outline.iterations + 1}" if outline.turns else ""


def copy_plain(value: Any) -> Any:
    """`value` in lists and dicts of its own, so that YAML repeats instead of referring."""
    if isinstance(value, dict):
        return {key: copy_plain(part) for key, part in value.items()}
    return [copy_plain(part) for part in value] if isinstance(value, list | tuple) else value


def add(parser: argparse.ArgumentParser) -> None:
    """Print what a run would have on a cluster. Found by its entry point: the command line imports nothing of here."""
    parser.description = "Print every object that a run would have on a cluster, and its peak of accelerators."
    parser.add_argument("file", type=Path, metavar="FILE", help="SwarmRun as YAML or JSON")
    parser.set_defaults(command=print_children)


def print_children(arguments: argparse.Namespace) -> int:
    """Print the children of the run in a file. Raises BadInputError, OSError."""
    file: Path = arguments.file
    sys.stdout.write(render_run(file.read_text(encoding="utf-8-sig"), str(file)))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command by itself; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m swarm_operator.cli.render")
    add(parser)
    try:
        return print_children(parser.parse_args(argv))
    except BadInputError as error:
        sys.stderr.write(f"{error}\n")
    except (OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}; give a run's file\n")
    return REFUSED_EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())

"""`dataswarm render FILE` prints every child of a run as YAML; so does `python -m swarm_operator.cli.render FILE`.

The command asks no cluster. So placeholders stand for the uid of the run and for digests that are not known yet. The
first iteration stands for all of them. A comment at the top has the number of Jobs and the peak number of accelerators.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
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
from swarm_operator.common.cluster_run import ChartDefaults, ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object
from swarm_operator.manifests import jobs, purge, servers

PLACEHOLDER_UID = "00000000-0000-0000-0000-000000000000"
"""The uid of a run that no cluster has stored."""
PLACEHOLDER_EXPERIMENT, PLACEHOLDER_COMMIT = Digest("EXPERIMENT"), Digest("COMMIT")
REFUSED_EXIT_CODE = 2
HELP = """\
Print every Kubernetes object that a run would create, as YAML. A comment at the top has the number of Jobs and the peak
number of accelerators. The command does not connect to a cluster, so placeholders stand for the uid and for digests.

exit codes:
  0  done
  2  refused: the input is wrong (stderr names each problem and how to fix it)
"""


class BlockTextDumper(yaml.SafeDumper):
    """Writes multi-line texts as YAML block scalars."""


def _represent_text(writer: BlockTextDumper, text: str) -> yaml.ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


BlockTextDumper.add_representer(str, _represent_text)


def render_run(text: str, source: str) -> str:
    """The children of the run in `text`. Error messages call it `source`. Raises BadInputError."""
    try:
        document = kubernetes_yaml.load(text)
    except yaml.YAMLError as error:
        raise BadInputError(f"{source}: this is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        raise BadInputError(f"{source}: this is not a run; write a mapping with apiVersion, kind, metadata and spec")
    metadata = {"namespace": "default", **document["metadata"], "uid": PLACEHOLDER_UID}
    run = cluster_run.parse({**document, "metadata": metadata}, ChartDefaults())
    made = {(one["kind"], one["metadata"]["name"]): one for one in list_children(run)}
    return format_summary(run) + yaml.dump_all(
        map(copy_plain, made.values()), Dumper=BlockTextDumper, sort_keys=False, width=120
    )


def list_children(run: ClusterRun) -> Iterator[Object]:
    """Every child, in the order of creation. The purge Job comes last, if `deletionPolicy` is Purge."""
    for items in list_job_items(run.outline):
        if items[0].needs.servers and run.has_servers:
            yield from (with_placeholder(step) for step in servers.dependency_steps(run))
            yield from servers.deployments(run)
        yield from (with_placeholder(step) for step in jobs.create_steps(run, items))
    storage = run.resolved.storage
    if run.document.spec.deletion_policy is DeletionPolicy.PURGE and isinstance(storage, S3Storage):
        yield purge.job(run, storage)


def list_job_items(outline: Outline) -> Iterator[tuple[WorkItem, ...]]:
    """The items of each Job. The first item of each turn stands for all of its items."""
    yield (outline.preparation(),)
    if outline.training:
        yield tuple(outline.training_items(PLACEHOLDER_EXPERIMENT))
    for turn in outline.turns:
        parent = PLACEHOLDER_COMMIT if turn.first_iteration else PLACEHOLDER_EXPERIMENT
        items = outline.turn_items(turn.first_iteration, parent)
        yield tuple(item for item in items if (item.kind, item.swarm) == (turn.kind, turn.swarm))
    yield (outline.conclusion(PLACEHOLDER_COMMIT if outline.turns else PLACEHOLDER_EXPERIMENT),)


def count_jobs(outline: Outline) -> int:
    """The number of Jobs of a run without retries, at most."""
    turns = sum(max(0, outline.iterations + 1 - turn.first_iteration) for turn in outline.turns)
    return 2 + bool(outline.training) + turns


def with_placeholder(step: Create) -> Object:
    """The object that a step creates, with a placeholder for a random value."""
    return step.manifest if step.secret is None else {**step.manifest, "stringData": {step.secret: "GENERATED"}}


def format_summary(run: ClusterRun) -> str:
    """The number of Jobs and the peak number of accelerators, as a comment."""
    cluster, outline, name = run.cluster, run.outline, run.cluster.accelerator_resource
    training = accelerators.count_for_training(cluster, outline)
    training_part = f", training with {training}" if accelerators.concurrent_trainers(cluster, outline) else ""
    return (
        f"# {run.name}: {count_jobs(outline)} Jobs at most, one after another{_describe_turns(outline)}.\n"
        f"# Peak of {name}: {accelerators.peak(cluster, outline)} of {cluster.max_accelerators}"
        f" (searching with {accelerators.count_for_search(cluster, outline)}{training_part}).\n"
    )


def _describe_turns(outline: Outline) -> str:
    """The number of iterations that the first one stands for."""
    return f"; {outline.iteration_noun} 0 stands for {outline.iterations + 1}" if outline.turns else ""


def copy_plain(value: Any) -> Any:
    """`value` as new lists and dicts, so that YAML repeats values instead of using aliases."""
    if isinstance(value, dict):
        return {key: copy_plain(part) for key, part in value.items()}
    return [copy_plain(part) for part in value] if isinstance(value, list | tuple) else value


def add(parser: argparse.ArgumentParser) -> None:
    """Print the Kubernetes objects of a run.

    The command line finds this function by its entry point and uses its first line as the summary of the command.
    """
    parser.description, parser.formatter_class = HELP, argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="SwarmRun or AdversarialRun as YAML or JSON")
    parser.set_defaults(command=print_children)


def print_children(arguments: argparse.Namespace) -> int:
    """Print the children of the run in a file. Returns the exit code. Raises BadInputError, OSError."""
    file: Path = arguments.file
    sys.stdout.write(render_run(file.read_text(encoding="utf-8-sig"), str(file)))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command by itself. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m swarm_operator.cli.render")
    add(parser)
    try:
        return print_children(parser.parse_args(argv))
    except BadInputError as error:
        sys.stderr.write(f"{error}\n")
    except (OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}; FILE must be a readable text file with a run\n")
    return REFUSED_EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())

"""How the command line speaks: results on stdout, everything else on stderr, each problem on one line."""

import sys

from swarm_core.text import printable

DONE = 0
FAILED = 1
"""The run failed, or was stopped before its end."""
REFUSED = 2
"""The input cannot work; also argparse's code for a wrong usage."""


def print_result_line(text: str) -> None:
    """A result, on stdout."""
    print(text, file=sys.stdout, flush=True)


def print_refusals(problems: str) -> int:
    """Say what is refused, one problem per line; the exit code."""
    for problem in problems.splitlines():
        print(f"refused: {printable.to_single_line(problem)}", file=sys.stderr)
    return REFUSED


def print_failure(message: str) -> int:
    """Say on one line why the run did not come to its end; the exit code."""
    print(f"failed: {printable.to_single_line(message)}", file=sys.stderr)
    return FAILED

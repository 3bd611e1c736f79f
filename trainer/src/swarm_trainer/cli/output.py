"""The output of the command line: results on stdout, everything else on stderr, one line per problem."""

import sys

from swarm_core.text import printable

DONE = 0
FAILED = 1
"""The run failed or was stopped before its end."""
REFUSED = 2
"""The input is wrong. argparse uses the same code for wrong usage."""


def print_result_line(text: str) -> None:
    """Print a result on stdout."""
    print(text, file=sys.stdout, flush=True)


def print_refusals(problems: str) -> int:
    """Print each line of `problems` as a refusal on stderr; return the exit code."""
    for problem in problems.splitlines():
        print(f"refused: {printable.to_single_line(problem)}", file=sys.stderr)
    return REFUSED


def print_failure(message: str) -> int:
    """Print on one line of stderr why the run did not finish; return the exit code."""
    print(f"failed: {printable.to_single_line(message)}", file=sys.stderr)
    return FAILED

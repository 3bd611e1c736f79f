"""`python -m swarm_trainer`: the command line, and the worker process that a host starts.

The worker is not a command of `dataswarm`, because only the host uses it. Its output is defined in `worker.messages`.
"""

import sys
from pathlib import Path

from swarm_trainer import cli
from swarm_trainer.worker import loop, session


def main(arguments: list[str]) -> int:
    """Run a worker or the command line; return the exit code. A worker ends the process itself."""
    if arguments[:2] == ["worker", "--run"]:
        loop.main(session.load_executor(Path(arguments[2])))
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

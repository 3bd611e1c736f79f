"""`python -m swarm_trainer`: the command line, and the worker that a host starts.

The worker is no command of `dataswarm`: its only user is the host, and its only words are in `worker.messages`.
"""

import sys
from pathlib import Path

from swarm_trainer import cli
from swarm_trainer.worker import loop, session


def main(arguments: list[str]) -> int:
    if arguments[:2] == ["worker", "--run"]:
        loop.main(session.load_executor(Path(arguments[2])))
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command line with the worker of fake_worker.py: everything of a run is real but what the verbs do."""

import sys
from pathlib import Path

from swarm_trainer import cli

if __name__ == "__main__":
    worker = [sys.executable, str(Path(__file__).with_name("fake_worker.py"))]
    sys.exit(cli.main(sys.argv[1:], worker=worker))

"""`python -m swarm_trainer.pod work | serve | purge`: the command of a pod's container. Only the operator uses it."""

import sys

from swarm_trainer.pod import draining

if __name__ == "__main__":
    draining.hold_sigterm()
    from swarm_trainer.pod import command

    sys.exit(command.main())

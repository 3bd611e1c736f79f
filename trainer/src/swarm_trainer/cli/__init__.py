"""The command line: thin. It reads a file, calls the host, and says what came of it.

Exit codes: 0 done, 1 the run failed or was stopped, 2 refused. A refusal is one line per problem on stderr and has
written nothing, or nothing that matters; results are on stdout.
"""

import os
import sys
from collections.abc import Sequence

from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_trainer.cli import parser
from swarm_trainer.cli.running import WORKER
from swarm_trainer.cli.say import FAILED, refuse, say_failed
from swarm_trainer.worker import storage


def main(argv: Sequence[str] | None = None, worker: Sequence[str] = WORKER) -> int:
    """Carry out one command; its exit code. `worker` is the command that starts a worker process.

    Ends the process itself only for --help (code 0) and for a wrong usage (code 2).
    """
    arguments = parser.parse(argv)
    arguments.worker = worker
    try:
        code: int = arguments.command(arguments)
    except BadInputError as error:
        return refuse(str(error))
    except BrokenPipeError:
        # Whoever read stdout has gone. What Python would still flush at exit goes nowhere, without a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return refuse(
            storage.refusal(error) or f"{error.filename or 'the system'}: {error.strerror}; give another path"
        )
    except StoreError as error:
        refusal = storage.refusal(error)
        return refuse(refusal) if refusal else say_failed(str(error))
    except KeyboardInterrupt:
        return say_failed("stopped")
    return code


__all__ = ["main"]

"""The command line. It reads a file, calls the host and prints the outcome.

Exit codes: 0 done, 1 the run failed or was stopped, 2 refused. A refusal prints one line per problem on stderr and
leaves no data that matters. Results go to stdout.
"""

import contextlib
import os
import sys
from collections.abc import Sequence

from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_trainer.cli import parser
from swarm_trainer.cli.output import FAILED, print_failure, print_refusals
from swarm_trainer.worker import storage_errors

WORKER_COMMAND = (sys.executable, "-P", "-m", "swarm_trainer", "worker")
"""The command that starts a worker. -P: Python does not import modules from the current folder."""


def main(argv: Sequence[str] | None = None, worker: Sequence[str] = WORKER_COMMAND) -> int:
    """Run one command and return its exit code. `worker` is the command that starts a worker process.

    It ends the process itself only for --help (code 0) and for wrong usage (code 2).
    """
    arguments = parser.parse(argv)
    arguments.worker = worker
    try:
        export_authorities()
        code: int = arguments.command(arguments)
    except BadInputError as error:
        return print_refusals(str(error))
    except BrokenPipeError:
        # The reader of stdout has exited. Python flushes stdout at exit, which would print a traceback, so discard it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return print_refusals(
            storage_errors.explain_refusal(error)
            or f"{error.filename or 'the system'}: {error.strerror}; choose another path"
        )
    except StoreError as error:
        refusal = storage_errors.explain_refusal(error)
        return print_refusals(refusal) if refusal else print_failure(str(error))
    except KeyboardInterrupt:
        return print_failure("stopped")
    return code


def export_authorities() -> None:
    """Trust the authorities that the environment names. Raises BadInputError.

    An installation for cluster commands alone lacks certifi. Its libraries read the environment themselves.
    """
    with contextlib.suppress(ModuleNotFoundError):
        from swarm_trainer import network  # noqa: PLC0415 (needs certifi)

        network.export_authorities()


__all__ = ["main"]

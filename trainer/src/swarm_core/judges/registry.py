"""The judges that a spec can name, and nothing else: a new judge is one file and one line here."""

from collections.abc import Mapping

from swarm_core.errors import BadInputError
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.ports import Judge

JUDGES: Mapping[str, type[Judge]] = {"Arithmetic": ArithmeticJudge}


def get(name: str) -> Judge:
    """The judge called `name`. Raises BadInputError if there is none."""
    if name not in JUDGES:
        raise BadInputError(f"judge {name!r}: no judge has this name; choose one of {', '.join(sorted(JUDGES))}")
    return JUDGES[name]()

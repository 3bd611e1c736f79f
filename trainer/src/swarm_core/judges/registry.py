"""The judges that a spec can name, and nothing else: a new judge is one file and one line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from swarm_core.errors import BadInputError
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.ports import Judge

JUDGES: Mapping[str, Callable[[Mapping[str, object]], Judge]] = MappingProxyType(
    {"Arithmetic": ArithmeticJudge.from_config}
)


def get(name: str, config: Mapping[str, object] = MappingProxyType({})) -> Judge:
    """The judge called `name`. Raises BadInputError if there is none, or for a config that it refuses."""
    if name not in JUDGES:
        raise BadInputError(f"judge {name!r}: no judge has this name; choose one of {', '.join(sorted(JUDGES))}")
    return JUDGES[name](config)

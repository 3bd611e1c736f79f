"""What a worker says to its host: one JSON object per line, `say` naming its kind.

For one work item: any number of `Progress`, then exactly one `Receipt` or `Unfinished`. A worker that ends without
either has died, and its host says so. Messages inform; what counts stands in the store before it is said.
"""

import json
from dataclasses import asdict, dataclass
from typing import assert_never

from swarm_core.effort import Effort
from swarm_core.engine.work import Failed, FailureReason, Receipt
from swarm_trainer.verbs.context import Progress


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An attempt that ended without a receipt."""

    key: str
    failed: Failed


Message = Progress | Receipt | Unfinished


def encode(message: Message) -> str:
    """The line of `message`, without its end. Raises ValueError on a number that is not finite."""
    match message:
        case Progress():
            fields = {"say": "progress", **asdict(message)}
        case Receipt():
            fields = {"say": "receipt", **json.loads(message.to_bytes())}
        case Unfinished():
            fields = {"say": "unfinished", "key": message.key, **asdict(message.failed)}
        case _:
            assert_never(message)
    return json.dumps(fields, allow_nan=False)


def decode(line: str) -> Message:
    """The message of `line`. Raises ValueError when it is none."""
    try:
        fields = json.loads(line)
        return from_fields(fields.pop("say"), fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a worker's message: {line[:200]!r}") from error


def from_fields(kind: str, fields: dict[str, object]) -> Message:
    """The message of this kind. Raises ValueError, KeyError or TypeError when the fields do not fit it."""
    match kind:
        case "progress":
            return progress(**fields)  # type: ignore[arg-type]
        case "receipt":
            return Receipt(**fields)  # type: ignore[arg-type]
        case "unfinished":
            key, reason = str(fields.pop("key")), FailureReason(str(fields.pop("reason")))
            return Unfinished(key, Failed(reason=reason, **fields))  # type: ignore[arg-type]
        case _:
            raise ValueError(f"a worker says progress, receipt or unfinished, not {kind!r}")


def progress(fitness: list[list[str | float | None]], effort: dict[str, object], **fields: object) -> Progress:
    """Progress from its JSON fields, where tuples have become lists."""
    rows = tuple((str(name), None if value is None else float(value)) for name, value in fitness)
    return Progress(fitness=rows, effort=Effort.from_fields(effort), **fields)  # type: ignore[arg-type]

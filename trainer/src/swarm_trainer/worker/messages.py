"""What a worker says to its host: one JSON object per line, `type` naming its kind.

For one work item: any number of `Progress`, then exactly one `Receipt` or `FailedAttempt`. A worker that ends without
either has died, and its host says so. Messages inform; what counts stands in the store before it is said.
"""

import json
from dataclasses import asdict, dataclass
from typing import assert_never

from swarm_core.engine.work import Failed, FailureReason, Receipt
from swarm_core.usage import Usage
from swarm_trainer.runtime.context import Progress


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that ended without a receipt."""

    key: str
    failed: Failed


Message = Progress | Receipt | FailedAttempt


def encode(message: Message) -> str:
    """The line of `message`, without its end. Raises ValueError on a number that is not finite."""
    match message:
        case Progress():
            fields = {"type": "progress", **asdict(message)}
        case Receipt():
            fields = {"type": "receipt", **json.loads(message.to_bytes())}
        case FailedAttempt():
            fields = {"type": "failed", "key": message.key, **asdict(message.failed)}
        case _:
            assert_never(message)
    return json.dumps(fields, allow_nan=False)


def decode(line: str) -> Message:
    """The message of `line`. Raises ValueError when it is none."""
    try:
        fields = json.loads(line)
        return parse_fields(fields.pop("type"), fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a worker's message: {line[:200]!r}") from error


def parse_fields(kind: str, fields: dict[str, object]) -> Message:
    """The message of this kind. Raises ValueError, KeyError or TypeError when the fields do not fit it."""
    match kind:
        case "progress":
            return parse_progress(**fields)  # type: ignore[arg-type]
        case "receipt":
            return Receipt(**fields)  # type: ignore[arg-type]
        case "failed":
            key, reason = str(fields.pop("key")), FailureReason(str(fields.pop("reason")))
            return FailedAttempt(key, Failed(reason=reason, **fields))  # type: ignore[arg-type]
        case _:
            raise ValueError(f"a worker says progress, receipt or failed, not {kind!r}")


def parse_progress(fitness: list[list[str | float | None]], effort: dict[str, object], **fields: object) -> Progress:
    """Progress from its JSON fields, where tuples have become lists."""
    rows = tuple((str(name), None if value is None else float(value)) for name, value in fitness)
    return Progress(fitness=rows, effort=Usage.from_fields(effort), **fields)  # type: ignore[arg-type]

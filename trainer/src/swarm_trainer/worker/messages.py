"""The messages of a worker to its host: one JSON object per line, with the kind in `type`.

For each work item a worker sends any number of `Progress` messages, then exactly one `Receipt` or `FailedAttempt`. If a
worker exits without one, the host reports that it died. Messages only inform: a worker sends a receipt after the store
holds it.
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
    """Return the line for `message`, without a newline. Raises ValueError if a number is not finite."""
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
    """Parse a line. Raises ValueError if it is not a message."""
    try:
        fields = json.loads(line)
        return parse_fields(fields.pop("type"), fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a worker's message: {line[:200]!r}") from error


def parse_fields(kind: str, fields: dict[str, object]) -> Message:
    """Build the message of this kind. Raises ValueError, KeyError or TypeError if the fields do not match the kind."""
    match kind:
        case "progress":
            return parse_progress(**fields)  # type: ignore[arg-type]
        case "receipt":
            return Receipt(**fields)  # type: ignore[arg-type]
        case "failed":
            key, reason = str(fields.pop("key")), FailureReason(str(fields.pop("reason")))
            return FailedAttempt(key, Failed(reason=reason, **fields))  # type: ignore[arg-type]
        case _:
            raise ValueError(f"message type {kind!r}: a worker sends progress, receipt or failed")


def parse_progress(fitness: list[list[str | float | None]], usage: dict[str, object], **fields: object) -> Progress:
    """Build a `Progress` from its JSON fields, in which tuples are lists."""
    rows = tuple((str(name), None if value is None else float(value)) for name, value in fitness)
    return Progress(fitness=rows, usage=Usage.from_fields(usage), **fields)  # type: ignore[arg-type]

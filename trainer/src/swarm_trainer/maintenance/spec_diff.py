"""Lists the differences of two specs, by the paths that the user writes."""

import json
from collections.abc import Iterator, Mapping

MISSING = "nothing"


def list_differences(old: object, new: object, path: str = "spec") -> Iterator[tuple[str, str, str]]:
    """Yield the innermost differences of two JSON values as (path, old, new), the values as JSON."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from list_differences(old.get(key, MISSING), new.get(key, MISSING), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from list_differences(before, after, f"{path}[{index}]")
    elif old != new:
        yield path, format_value(old), format_value(new)


def format_value(value: object) -> str:
    """Format a value as JSON, or a missing one as `nothing`."""
    return MISSING if value is MISSING else json.dumps(value, ensure_ascii=False)

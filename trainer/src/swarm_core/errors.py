"""The error for invalid input of the user, and what its messages have in common."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class BadInputError(Exception):
    """The input of the user is invalid. The message names the value, the rule and the way out on one line.

    Another attempt cannot succeed, so no host retries. The command line exits with code 2.
    """


@contextmanager
def name_subject(*subject: object) -> Iterator[None]:
    """During the `with` block, put a subject, such as a field and its value, before the message of a BadInputError."""
    try:
        yield
    except BadInputError as error:
        raise BadInputError(": ".join(map(str, (*subject, error)))) from error


def list_names(names: Iterable[object], limit: int = 12) -> str:
    """Names, such as those of fields, for a message, escaped and at most `limit` of them."""
    found = [repr(str(name)[:60])[1:-1] for name in names]
    more = f" and {len(found) - limit} more" if len(found) > limit else ""
    return ", ".join(found[:limit]) + more or "nothing"

"""The type of an example of a rule of the CRD."""

from dataclasses import dataclass

from swarmrun_documents import Patch


@dataclass(frozen=True)
class Example:
    """A rule, by its message, with a document that it accepts and one that it refuses."""

    message: str
    accept: Patch
    reject: Patch

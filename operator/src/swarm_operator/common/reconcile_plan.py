"""The words that the pure half and the shell of the operator share: what was observed, and what is to be done.

Limits: values only. A step says what is wanted and carries everything its executor needs; the namespace is the run's.
Invariants: no step changes a run but for its finalizers, and doing a step twice is doing it once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
"""A Kubernetes object as JSON: the only untyped thing, and only at the edge."""


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """One run and what lives of it."""

    run: Object
    children: tuple[Object, ...] = ()
    """Jobs, Pods and Deployments that carry the uid of this run, as the cache has them."""
    others: tuple[Object, ...] = ()
    """The other runs that are known, where this one is deleted: what it would take with it may be theirs."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make an object. One that is there already, ours and alike is success."""

    manifest: Object
    """With its owner reference and labels."""
    secret: str | None = None
    """A key of a Secret's `stringData` to be filled with 32 random bytes in hexadecimal: nothing pure can draw them. A
    Secret that exists is kept as it is, whatever it holds."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object and, in the background, what it owns. Only the one of this uid; none there is success."""

    kind: str
    name: str
    uid: str
    grace_seconds: int | None = None
    """Absent, what the object says itself; 0 for a pod whose node is gone."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Change an object by JSON merge patch: scale a Deployment. Only the one of this uid; none there is success."""

    kind: str
    name: str
    uid: str
    patch: Object


@dataclass(frozen=True, slots=True)
class SetFinalizers:
    """Make these the finalizers of the run itself, in the version that was observed."""

    names: tuple[str, ...]


Step = Create | Delete | Patch | SetFinalizers


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell people, in Kubernetes' words."""

    type: str
    """Normal or Warning."""
    reason: str
    """One CamelCase word."""
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from what was observed."""

    steps: tuple[Step, ...] = ()
    """In this order."""
    status: Object | None = None
    """The whole status wanted; None leaves the status alone."""
    events: tuple[Event, ...] = ()
    """Told after the status is written."""
    wake_after: float | None = None
    """Reconcile again after so many seconds at the latest; None: only when something changes."""

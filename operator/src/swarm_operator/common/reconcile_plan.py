"""The values that the pure half and the shell of the operator exchange: an observed run and a plan.

Limits: values only. A step contains everything that the executor needs, except the namespace, which is the run's.
Invariants: no step changes a run except for its finalizers. Every step is idempotent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
"""A Kubernetes object as JSON. It is the only untyped value of the operator."""


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A run and its children, as the cache has them."""

    run: Object
    children: tuple[Object, ...] = ()
    """Jobs, Pods and Deployments with the uid of this run as a label."""
    others: tuple[Object, ...] = ()
    """All other runs, if this run is being deleted. They may keep results in the same place."""
    events: tuple[Object, ...] = ()
    """Warning events about children that do not start. They are read only if there is such a child."""
    refusal: str = ""
    """The words of the API server if it refused a step of the last plan. Empty if it did not."""


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object. The step also succeeds if the run already has this object, created from the same manifest."""

    manifest: Object
    """The object, with its owner reference and labels."""
    secret: str | None = None
    """The key of a Secret's `stringData` that the executor fills with 32 random bytes in hexadecimal.

    The pure half cannot generate random values. A Secret that exists is kept, whatever it contains.
    """


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object with this uid, and its dependents in the background.

    The step succeeds if there is no such object.
    """

    kind: str
    name: str
    uid: str
    grace_seconds: int | None = None
    """None uses the grace period of the object. A pod whose node is lost gets 0."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Apply a JSON merge patch to the object with this uid. The step succeeds if there is no such object."""

    kind: str
    name: str
    uid: str
    patch: Object


@dataclass(frozen=True, slots=True)
class SetFinalizers:
    """Set the finalizers of the run, if the run still has the version that was observed."""

    names: tuple[str, ...]


Step = Create | Delete | Patch | SetFinalizers


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes event about the run."""

    type: str
    """`Normal` or `Warning`."""
    reason: str
    """One word in CamelCase."""
    message: str
    occurrence: str = ""
    """Distinguishes two events with the same text, such as two suspensions of a run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The result of one reconcile."""

    steps: tuple[Step, ...] = ()
    """The executor performs them in this order."""
    status: Object | None = None
    """The complete new status. None leaves the status unchanged."""
    events: tuple[Event, ...] = ()
    """The executor creates them after it has written the status."""
    wake_after: float | None = None
    """Reconcile again after at most this many seconds. None waits for a change."""
    unexplained: tuple[str, ...] = ()
    """Uids of children that do not start. The next reconcile needs the events about them."""

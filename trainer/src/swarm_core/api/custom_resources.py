"""The kinds that users write, each with what its CustomResourceDefinition says beyond the model."""

from dataclasses import dataclass

from swarm_core.api import adversarial, spec
from swarm_core.api.adversarial import AdversarialRun
from swarm_core.api.run import SwarmRun

AGE_COLUMN = ("Age", "date", ".metadata.creationTimestamp")


@dataclass(frozen=True, slots=True)
class CustomResource:
    """One kind."""

    model: type[SwarmRun] | type[AdversarialRun]
    plural: str
    short: str
    fixed: tuple[str, ...]
    """Fields of the spec that may not change once a run exists."""
    columns: tuple[tuple[str, str, str], ...]
    """What `kubectl get` prints: title, type, path."""

    @property
    def kind(self) -> str:
        return self.model.__name__


SWARM_RUN = CustomResource(
    SwarmRun,
    "swarmruns",
    "swr",
    spec.IDENTITY_FIELDS + spec.FIXED_NON_IDENTITY_FIELDS,
    (
        ("Phase", "string", ".status.phase"),
        ("Iteration", "integer", ".status.iteration"),
        ("Best", "number", ".status.best.value"),
        ("Gain", "number", ".status.gain.value"),
        ("GPU-hours", "number", ".status.gpuHours"),
        AGE_COLUMN,
    ),
)
ADVERSARIAL_RUN = CustomResource(
    AdversarialRun,
    "adversarialruns",
    "avr",
    adversarial.IDENTITY_FIELDS + adversarial.FIXED_NON_IDENTITY_FIELDS,
    (
        ("Phase", "string", ".status.phase"),
        ("Round", "integer", ".status.round"),
        ("Difficulty", "number", ".status.difficulty"),
        ("Taker", "number", ".status.takerScore"),
        ("Held-Out", "number", ".status.heldOutScore"),
        AGE_COLUMN,
    ),
)
RESOURCES = {resource.kind: resource for resource in (SWARM_RUN, ADVERSARIAL_RUN)}
"""By kind."""


def find_by_name(kind: str) -> tuple[CustomResource, ...]:
    """Those that `kind` names, as kubectl takes it: SwarmRun, swarmruns, swr."""
    return tuple(one for one in RESOURCES.values() if kind.lower() in (one.kind.lower(), one.plural, one.short))

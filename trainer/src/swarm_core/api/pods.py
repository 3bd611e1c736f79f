"""The settings of pods that users may set: a part of the pod template of Kubernetes.

Limits: no field weakens the security of a pod, adds a container or mounts a path. Kubernetes checks the keys of labels,
and the operator refuses a run whose keys Kubernetes would refuse.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.scalars import Pattern, to_integer

SUBDOMAIN_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
ObjectName = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=253),
    Pattern(SUBDOMAIN_PATTERN, "use lower-case letters, digits, '-' and '.', a letter or digit first and last"),
]
"""The name of a Kubernetes object."""
Label63 = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=63),
    Pattern("[a-z0-9]([-.a-z0-9]*[a-z0-9])?", "use lower-case letters, digits, '-' and '.', no sign at the ends"),
]
"""The name of a Kubernetes object that is also the value of a label."""
LabelText = Annotated[
    str,
    Strict(),
    Field(max_length=63),
    Pattern("([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?", "use letters, digits, '-', '_' and '.'"),
]
Quantity = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=16),
    Pattern("[1-9][0-9]{0,9}([.][0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", "write a quantity such as 500m, 4 or 16Gi"),
]
"""An amount in the notation of Kubernetes."""
LabelKey = Annotated[str, Strict(), Field(max_length=317)]


def _drop_nulls(value: object) -> object:
    """Return the map without nulls, as an API server stores it."""
    if isinstance(value, dict):
        return {key: part for key, part in value.items() if part is not None}
    return value


class LocalObjectReference(Block):
    """A reference to an object in the same namespace."""

    name: ObjectName
    """Name of the object."""


class TolerationOperator(StrEnum):
    """How a toleration matches a taint."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """The effects of a taint."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Block):
    """A toleration: the pods may run on nodes with the taints that match."""

    key: Annotated[str, Strict(), Field(min_length=1, max_length=317)] | None = None
    """Key of the taint. If absent, operator must be Exists, and all taints match."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """How the taint is matched: Equal compares key and value, Exists compares only the key."""
    value: LabelText | None = None
    """Value of the taint."""
    effect: TaintEffect | None = None
    """Effect of the taint. If absent, all effects match."""
    toleration_seconds: Annotated[int, Strict(), Field(ge=0, le=2**31), BeforeValidator(to_integer)] | None = None
    """Number of seconds for which a taint with effect NoExecute is tolerated. If absent, it is tolerated indefinitely.
    """

    rules: ClassVar[tuple[Rule["Toleration"], ...]] = (
        Rule(
            "self.operator == 'Exists' || has(self.key)",
            "operator Equal needs a key; write key, or set operator to Exists",
            "key",
            lambda it: it.operator is TolerationOperator.EXISTS or it.key is not None,
        ),
        Rule(
            "self.operator == 'Equal' || !has(self.value)",
            "operator Exists compares no value; remove value, or set operator to Equal",
            "value",
            lambda it: it.operator is TolerationOperator.EQUAL or it.value is None,
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerationSeconds needs effect NoExecute; set effect to NoExecute, or remove tolerationSeconds",
            "tolerationSeconds",
            lambda it: it.toleration_seconds is None or it.effect is TaintEffect.NO_EXECUTE,
        ),
    )


class EnvVar(Block):
    """An environment variable."""

    name: Annotated[
        str,
        Strict(),
        Field(min_length=1, max_length=128),
        Pattern("[A-Za-z_][A-Za-z0-9_]*", "use letters, digits and '_', no digit first"),
    ]
    """Name of the variable."""
    value: Annotated[str, Strict(), Field(max_length=2048)]
    """Value of the variable. Everyone who can read the run can read it, so never put a key here."""

    rules: ClassVar[tuple[Rule["EnvVar"], ...]] = (
        Rule(
            "!self.name.startsWith('DATASWARM_')",
            "names that begin with DATASWARM_ are reserved for the operator; choose another name",
            "name",
            lambda it: not it.name.startswith("DATASWARM_"),
        ),
    )


class PodTemplate(Block):
    """The settings that all pods of a run share."""

    node_selector: Annotated[dict[LabelKey, LabelText], Field(max_length=16), BeforeValidator(_drop_nulls)] = Field(
        default_factory=dict
    )
    """Labels that a node must have to run the pods."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = ()
    """Tolerations of the pods."""
    priority_class_name: ObjectName | None = None
    """Name of the PriorityClass of the pods."""
    runtime_class_name: ObjectName | None = None
    """Name of the RuntimeClass of the pods."""
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=8)] = ()
    """Secrets for pulling images."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=32)] = ()
    """Environment variables of the containers. They do not override variables that the operator sets."""

"""The settings of pods that users may set: a part of the pod template of Kubernetes.

Limits: no field weakens the security of a pod, adds a container or mounts a path. Kubernetes checks the keys of labels,
and the operator refuses a run whose keys Kubernetes would refuse.
"""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.kubernetes_scalars import LabelKey, LabelText, LocalObjectReference, ObjectName, drop_nulls
from swarm_core.api.pod_scheduling import PodField, Toleration
from swarm_core.api.pod_user import PodUser
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.scalars import Pattern

OPERATOR_PREFIXES = ("dataswarm.io/", "batch.kubernetes.io/")
"""Prefixes of labels and annotations that the operator and the Job controller set."""
OPERATOR_LABELS = (
    *OPERATOR_PREFIXES, "app.kubernetes.io/name", "app.kubernetes.io/managed-by", "app.kubernetes.io/component",
    "kueue.x-k8s.io/queue-name", "job-name", "controller-uid", "pod-template-hash",
)  # fmt: skip
"""Beginnings of labels by which the operator and the controllers of Kubernetes find their pods."""
CONFINEMENT_PREFIXES = (
    "container.apparmor.security.beta.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/",
)
"""Prefixes of annotations that could run a container without its confinement."""
AnnotationText = Annotated[str, Strict(), Field(max_length=4096)]


def _exclude_prefixes(field: str, prefixes: tuple[str, ...]) -> str:
    """Return the CEL condition that no key of the map `field` begins with one of `prefixes`."""
    conditions = " && ".join(f"!key.startsWith('{prefix}')" for prefix in prefixes)
    return f"!has(self.{field}) || self.{field}.all(key, {conditions})"


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

    labels: Annotated[dict[LabelKey, LabelText], Field(max_length=32), BeforeValidator(drop_nulls)] = Field(
        default_factory=dict
    )
    """Additional labels of the pods."""
    annotations: Annotated[dict[LabelKey, AnnotationText], Field(max_length=32), BeforeValidator(drop_nulls)] = Field(
        default_factory=dict
    )
    """Additional annotations of the pods. One such as sidecar.istio.io/inject: "false" keeps a service mesh from adding
    its proxy."""
    user: PodUser | None = None
    """User and groups of the pods. If absent, those of the operator's settings."""
    node_selector: Annotated[dict[LabelKey, LabelText], Field(max_length=16), BeforeValidator(drop_nulls)] = Field(
        default_factory=dict
    )
    """Labels that a node must have to run the pods."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = ()
    """Tolerations of the pods."""
    affinity: PodField | None = None
    """Affinity of the pods to nodes and to other pods, written as in a pod of Kubernetes."""
    topology_spread_constraints: Annotated[tuple[PodField, ...], Field(max_length=8)] = ()
    """Constraints that spread the pods over the cluster, written as in a pod of Kubernetes."""
    priority_class_name: ObjectName | None = None
    """Name of the PriorityClass of the pods."""
    runtime_class_name: ObjectName | None = None
    """Name of the RuntimeClass of the pods."""
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=8)] = ()
    """Secrets for pulling images."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=32)] = ()
    """Environment variables of the containers. They do not override variables that the operator sets."""

    rules: ClassVar[tuple[Rule["PodTemplate"], ...]] = (
        Rule(
            _exclude_prefixes("labels", OPERATOR_LABELS),
            f"controllers find pods by the labels {', '.join(OPERATOR_LABELS)}; choose other labels",
            "labels",
            lambda it: not any(key.startswith(OPERATOR_LABELS) for key in it.labels),
        ),
        Rule(
            _exclude_prefixes("annotations", OPERATOR_PREFIXES),
            f"annotations with {' and '.join(OPERATOR_PREFIXES)} belong to the operator; choose other annotations",
            "annotations",
            lambda it: not any(key.startswith(OPERATOR_PREFIXES) for key in it.annotations),
        ),
        Rule(
            _exclude_prefixes("annotations", CONFINEMENT_PREFIXES),
            f"annotations with {', '.join(CONFINEMENT_PREFIXES)} could end the confinement of a container; remove them",
            "annotations",
            lambda it: not any(key.startswith(CONFINEMENT_PREFIXES) for key in it.annotations),
        ),
    )

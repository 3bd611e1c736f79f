"""Explains why a pod does not run: the words of Kubernetes, and which field or object to correct.

    reason                        the pod
    ImagePullBackOff              cannot pull its image
    SecretNotFound, SecretKeyNotFound, ConfigMapNotFound, ConfigMapKeyNotFound
                                  names an object or an entry that does not exist
    VolumeClaimPending            waits for its volume
    InsufficientAccelerators      waits for accelerators that other pods hold, or that no node has
    Unschedulable                 waits for a node for another reason
    Queued                        waits for Kueue
    CrashLoopBackOff              is a server that ends again and again

Every other reason is the one of Kubernetes. Where it has one reason for several causes, its words decide: those of
the kubelet and the scheduler of Kubernetes 1.36.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from swarm_core.api.execution import S3Storage
from swarm_operator.common import names
from swarm_operator.common.children import Pod
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.reconciler.termination_message import parse_failure

SECRET_NOT_FOUND = re.compile(r'secret "(?P<secret>[^"]+)" not found')
SECRET_KEY_NOT_FOUND = re.compile(r"couldn't find key (?P<key>\S+) in Secret [^/\s]+/(?P<secret>\S+)")
CONFIG_MAP_NOT_FOUND = re.compile('configmap "(?P<name>[^"]+)" not found')
CONFIG_MAP_KEY_NOT_FOUND = re.compile(r"configmap references non-existent config key: (?P<key>\S+)")
CLAIM_WORDS = re.compile("PersistentVolumeClaim|persistentvolumeclaim|volume node affinity|FailedMount")
MAX_WORDS = 4096
"""Number of characters of Kubernetes' words that are read."""
KUBERNETES = "spec.execution.kubernetes"
CA_ADVICE = f"correct {KUBERNETES}.caBundle"
"""The only field that names a ConfigMap."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, as the reason and message of a condition."""

    reason: str
    message: str
    has_event: bool = False
    """Whether the executor reports it as an event, so that the reconciler does not."""


def explain_start(run: ClusterRun, pod: Pod, reason: str, words: str) -> Problem:
    """The problem of a pod that has not started, from the reason and the `words` of Kubernetes."""
    reason, advice = _find_advice(run, pod, reason, words)
    return Problem(reason, f"pod {pod.name}: {words or reason}; {advice}")


def _find_advice(run: ClusterRun, pod: Pod, reason: str, words: str) -> tuple[str, str]:
    """The reason for people, and the way out."""
    image_field = f"{KUBERNETES}.image.{'server' if pod.work == names.SERVE else 'trainer'}"
    if reason in ("ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
        return reason, f"correct {image_field}, or give access with {KUBERNETES}.podTemplate.imagePullSecrets"
    if missing := _find_missing_object(run, words):
        return missing
    if reason == "SchedulingGated":
        return "Queued", f"Kueue has not admitted it; see kubectl describe workloads --namespace {run.namespace}"
    if reason == "Unschedulable":
        return _find_scheduling_advice(run, words)
    if reason == "CrashLoopBackOff":
        ended = f"its last message is: {parse_failure(pod.exit.message).message}; " if pod.exit else ""
        return reason, f"{ended}read kubectl logs --previous {pod.name} --namespace {run.namespace}"
    return reason, f"see kubectl describe pod {pod.name} --namespace {run.namespace}"


def _find_missing_object(run: ClusterRun, words: str) -> tuple[str, str] | None:
    """The reason and the way out for a Secret, a ConfigMap or an entry that a pod misses. None if it misses none."""
    if secret := find_missing_secret(words):
        return _find_secret_advice(run, secret.groupdict())
    if found := CONFIG_MAP_NOT_FOUND.search(words, 0, MAX_WORDS):
        return "ConfigMapNotFound", f"create the ConfigMap {found['name']} in namespace {run.namespace}, or {CA_ADVICE}"
    if found := CONFIG_MAP_KEY_NOT_FOUND.search(words, 0, MAX_WORDS):
        return "ConfigMapKeyNotFound", f"add the entry {found['key']} to the ConfigMap, or {CA_ADVICE}"
    return None


def find_missing_secret(words: str) -> re.Match[str] | None:
    """The match of the Secret, and perhaps of its key, that the words of Kubernetes name as missing. None if there is
    none."""
    return SECRET_KEY_NOT_FOUND.search(words, 0, MAX_WORDS) or SECRET_NOT_FOUND.search(words, 0, MAX_WORDS)


def _find_secret_advice(run: ClusterRun, missing: dict[str, str]) -> tuple[str, str]:
    """The reason and the way out for a missing `secret`, or for its missing entry `key`."""
    fields = find_secret_fields(run, missing["secret"])
    if "key" in missing:
        return "SecretKeyNotFound", f"add the entry {missing['key']} to the Secret, or correct {fields}"
    return "SecretNotFound", f"create the Secret in namespace {run.namespace}, or correct {fields}"


def _find_scheduling_advice(run: ClusterRun, words: str) -> tuple[str, str]:
    resource = run.cluster.accelerator_resource
    if CLAIM_WORDS.search(words):
        return "VolumeClaimPending", f"correct {KUBERNETES}.modelCache, or provide the volume"
    if f"Insufficient {resource}" in words:
        return (
            "InsufficientAccelerators",
            f"wait until other pods free {resource}, add nodes, or lower the accelerators per pod in"
            f" {KUBERNETES}.trainer and {KUBERNETES}.servers",
        )
    return (
        "Unschedulable",
        f"add a node with room, or change the requests, nodeSelector or tolerations in {KUBERNETES}",
    )


def find_secret_fields(run: ClusterRun, secret: str) -> str:
    """The fields of the spec that name this Secret."""
    return " and ".join(field for field, name in _list_secrets(run) if name == secret) or "the field that names it"


def _list_secrets(run: ClusterRun) -> Iterator[tuple[str, str]]:
    storage, token = run.resolved.storage, run.cluster.token_secret_ref
    if isinstance(storage, S3Storage) and storage.credentials_secret_ref is not None:
        yield "spec.storage.s3.credentialsSecretRef", storage.credentials_secret_ref.name
    if token is not None:
        yield f"{KUBERNETES}.tokenSecretRef", token.name
    for access in run.resolved.access:
        if access.secret is not None:
            yield f"{access.field}.apiKeySecretRef", access.secret.name

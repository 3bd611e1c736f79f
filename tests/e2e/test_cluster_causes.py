"""Why a run does not start, on a real cluster: `kubectl get`, `kubectl describe` and `dataswarm why` name the cause.

Each cause has a namespace of its own with one run. All runs are created together, so the causes take one wait.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import swarmruns
from command_line import ARENA, DATASWARM, ENVIRONMENT
from e2e_cluster import NAMESPACE, Cluster, Object

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]
SECONDS = 180
"""A cause is told within a minute. On a busy machine the Job controller needs some of them itself."""
RUN = "held"
HOOK = "refuse.dataswarm.io"
ADMISSION = "admissionregistration.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Cause:
    """What keeps a run from starting, and what people read."""

    reason: str
    words: str
    """What the message must contain: the object or the field to correct."""
    kubernetes: Object = field(default_factory=dict)
    """Fields of execution.kubernetes."""
    objects: tuple[Object, ...] = ()
    """Objects of the namespace, or of the cluster."""
    secret: Object | None = None
    """The entries of the Secret that holds the keys of the store. By default they are right."""


def build_object(kind: str, spec: Object, api: str = "v1", **top: object) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "e2e"}, "spec": spec, **top}


def build_quota(**hard: str) -> Object:
    return build_object("ResourceQuota", {"hard": {name.replace("_", "."): value for name, value in hard.items()}})


def build_rule(group: str, resource: str) -> Object:
    return {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}


def build_webhook(name: str, group: str, resource: str) -> Object:
    """A webhook that nobody serves, for objects of the namespace of this cause."""
    hook = {
        "name": HOOK,
        "clientConfig": {"service": {"namespace": "default", "name": "nobody"}},
        "rules": [build_rule(group, resource)],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace_of(name)}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
    }
    found = build_object("ValidatingWebhookConfiguration", {}, ADMISSION, webhooks=[hook])
    found["metadata"]["name"] = namespace_of(name)
    del found["spec"]
    return found


def build_policy(name: str) -> tuple[Object, Object]:
    """A policy that refuses every pod of the namespace of this cause, and its binding."""
    about, selector = {"name": namespace_of(name)}, {"matchLabels": {"kubernetes.io/metadata.name": namespace_of(name)}}
    rules = {"resourceRules": [build_rule("", "pods")], "namespaceSelector": selector}
    refusal = {"expression": "false", "message": "pods need the approval of team blue"}
    policy = build_object("ValidatingAdmissionPolicy", {"matchConstraints": rules, "validations": [refusal]}, ADMISSION)
    binding = build_object(
        "ValidatingAdmissionPolicyBinding",
        {"policyName": about["name"], "validationActions": ["Deny"]},
        ADMISSION,
    )
    return {**policy, "metadata": about}, {**binding, "metadata": about}


def namespace_of(name: str) -> str:
    return f"{NAMESPACE}-{name}"


LIMIT_RANGE = build_object("LimitRange", {"limits": [{"type": "Container", "max": {"memory": "16Mi"}}]})
CAUSES = {
    "image": Cause("ImagePullBackOff", "image.trainer", {"image": {"trainer": "docker.io/dataswarm/none:1"}}),
    "secret": Cause("SecretNotFound", "credentialsSecretRef", secret={}),
    "secret-entry": Cause("SecretKeyNotFound", "AWS_SECRET_ACCESS_KEY", secret={"AWS_ACCESS_KEY_ID": "a"}),
    "ca-bundle": Cause("ConfigMapNotFound", "caBundle", {"caBundle": {"configMap": "authorities"}}),
    "ca-entry": Cause(
        "ConfigMapKeyNotFound", "caBundle", {"caBundle": {"configMap": "e2e", "key": "other.crt"}},
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "e2e"}, "data": {"ca.crt": "x"}},),
    ),
    "storage-class": Cause(
        "VolumeClaimPending", "modelCache", {"modelCache": {"claim": {"size": "1Gi", "storageClass": "none"}}}
    ),
    "claim": Cause("VolumeClaimPending", "modelCache", {"modelCache": {"existingClaim": "none"}}),
    "node-selector": Cause("Unschedulable", "nodeSelector", {"podTemplate": {"nodeSelector": {"disk": "none"}}}),
    "priority": Cause("PriorityClassNotFound", "none", {"podTemplate": {"priorityClassName": "none"}}),
    "runtime": Cause("RuntimeClassNotFound", "none", {"podTemplate": {"runtimeClassName": "none"}}),
    "account": Cause("ServiceAccountNotFound", "none", {"serviceAccountName": "none"}),
    "affinity": Cause("ChildRefused", "affinity", {"podTemplate": {"affinity": {"nodeAffinity": {"required": []}}}}),
    "quota-limits": Cause("QuotaExceeded", "cpuLimit", objects=(build_quota(limits_cpu="8"),)),
    "quota-pods": Cause("QuotaExceeded", "e2e", objects=(build_quota(pods="0"),)),
    "quota-jobs": Cause("QuotaExceeded", "e2e", objects=(build_quota(**{"count/jobs_batch": "0"}),)),
    "limit-range": Cause("LimitRangeViolated", "16Mi", objects=(LIMIT_RANGE,)),
    "webhook-jobs": Cause("WebhookDenied", HOOK, objects=(build_webhook("webhook-jobs", "batch", "jobs"),)),
    "webhook-pods": Cause("WebhookDenied", HOOK, objects=(build_webhook("webhook-pods", "", "pods"),)),
    "policy": Cause("WebhookDenied", "team blue", objects=build_policy("policy")),
}  # fmt: skip
NAMESPACED = ("ResourceQuota", "LimitRange", "ConfigMap")


def place(name: str, found: Object) -> Object:
    """The object in the namespace of the cause, if it belongs to one."""
    space = {"namespace": namespace_of(name)} if found["kind"] in NAMESPACED else {}
    return {**found, "metadata": {**found["metadata"], **space}}


def build_run(cluster: Cluster, name: str, cause: Cause) -> Object:
    run = swarmruns.document(
        ARENA / "short.yaml", RUN, cluster.endpoint, inference="Local", maxAccelerators=0,
        worker={"cpu": "10m", "memory": "64Mi"}, **cause.kubernetes,
    )  # fmt: skip
    run["metadata"]["namespace"] = namespace_of(name)
    run["spec"]["storage"]["s3"]["prefix"] = f"{swarmruns.PREFIX}/{name}"
    return run


@pytest.fixture(scope="module")
def held(prepared: Cluster) -> Iterator[Cluster]:
    """The cluster with all runs. The rules of a namespace are there before its run."""
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace_of(name)}} for name in CAUSES]
    prepared.apply(*spaces)
    rules = [place(name, found) for name, cause in CAUSES.items() for found in cause.objects]
    for name, cause in CAUSES.items():
        if keys := prepared.keys if cause.secret is None else cause.secret:
            about = {"name": swarmruns.SECRET, "namespace": namespace_of(name)}
            rules.append({"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": keys})
    prepared.apply(*rules)
    prepared.apply(*(build_run(prepared, name, cause) for name, cause in CAUSES.items()))
    yield prepared
    for found in rules:
        if "namespace" not in found["metadata"]:
            prepared.attempt("delete", found["kind"], found["metadata"]["name"], "--ignore-not-found")
    prepared.attempt("delete", "namespace", *map(namespace_of, CAUSES), "--wait=false")


def tell(cluster: Cluster, name: str) -> str:
    """What `dataswarm why` prints."""
    command = [*DATASWARM, "why", RUN, "--namespace", namespace_of(name)]
    environment = {**ENVIRONMENT, "KUBECONFIG": str(cluster.kubeconfig)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_told_with_what_to_correct(held: Cluster, name: str) -> None:
    cause = CAUSES[name]
    space = ("--namespace", namespace_of(name))
    reached = held.attempt(
        "wait", f"swarmrun/{RUN}", *space, f"--for=jsonpath={{.status.reason}}={cause.reason}", f"--timeout={SECONDS}s",
        timeout=SECONDS + 30,
    )  # fmt: skip
    described = held.run("describe", "swarmrun", RUN, *space)
    assert reached.returncode == 0, described
    run = held.get("swarmrun", RUN, *space)
    (ready,) = [one for one in run["status"]["conditions"] if one["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", cause.reason)
    assert cause.words in ready["message"], json.dumps(ready)
    assert cause.reason in described
    told = tell(held, name)
    assert f"{cause.reason}: " in told.partition("cause")[2].splitlines()[0], told

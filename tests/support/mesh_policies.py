"""Admission policies that add a proxy to pods, as the webhook of a service mesh does, by the pod's label `mesh`.

They need Kubernetes 1.36, which serves MutatingAdmissionPolicy.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import e2e_cluster
from e2e_cluster import Cluster, Object

POLICY, PROXY, MESH = "dataswarm-e2e-mesh", "istio-proxy", "mesh"
IMAGE = "docker.io/dataswarm/trainer:0.1.0"
"""An image that the nodes have."""
CONTAINER = f"""{{
  name: "{PROXY}", image: "{IMAGE}", imagePullPolicy: "IfNotPresent",
  command: ["python", "-c", "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit()); time.sleep(86400)"],
  resources: Object.spec.%(field)s.resources{{requests: {{"cpu": "10m", "memory": "32Mi"}}}},
  securityContext: Object.spec.%(field)s.securityContext{{
    allowPrivilegeEscalation: false,
    capabilities: Object.spec.%(field)s.securityContext.capabilities{{drop: ["ALL"]}}
  }}%(more)s
}}"""
PLAIN = "Object.spec.containers" + CONTAINER % {"field": "containers", "more": ""}
NATIVE = "Object.spec.initContainers" + CONTAINER % {"field": "initContainers", "more": ', restartPolicy: "Always"'}
PATCHES = {
    "plain": f'[JSONPatch{{op: "add", path: "/spec/containers/0", value: {PLAIN}}}]',
    "native": f"""[
  JSONPatch{{op: "add", path: "/spec/initContainers", value: []}},
  JSONPatch{{op: "add", path: "/spec/initContainers/0", value: {NATIVE}}}
]""",
    "unconfined": f"""[
  JSONPatch{{op: "add", path: "/spec/containers/0", value: Object.spec.containers{{name: "{PROXY}", image: "{IMAGE}"}}}}
]""",
}
"""The proxy stands before main, or it is a native sidecar, or it asks for what PodSecurity `restricted` refuses."""


@contextmanager
def install(cluster: Cluster) -> Iterator[None]:
    """Add the policies, one for each value of the label, and remove them in the end."""
    if "mutatingadmissionpolicies" not in cluster.run("api-resources", "--output", "name"):
        e2e_cluster.skip_or_fail("the cluster does not serve MutatingAdmissionPolicy")
    cluster.apply(*(part for form in PATCHES for part in build_policy(form)))
    for form in PATCHES:
        await_policy(cluster, form)
    yield
    names = [f"{POLICY}-{form}" for form in PATCHES]
    for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
        cluster.run("delete", kind, *names, "--ignore-not-found")


def await_policy(cluster: Cluster, form: str) -> None:
    """Wait until the API server adds the proxy: it reads a new policy after some seconds."""
    container = {"name": "main", "image": IMAGE}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "labels": {MESH: form}},
           "spec": {"containers": [container]}}  # fmt: skip
    command = ("create", "--dry-run=server", "--namespace", "default", "--output", "json", "--filename", "-")
    for _ in range(60):
        if PROXY in cluster.run(*command, stdin=json.dumps(pod)):
            return
        time.sleep(1.0)
    raise AssertionError("the API server does not apply the policy within a minute")


def build_policy(form: str) -> tuple[Object, Object]:
    """The policy that adds this form of the proxy to a pod with the label, and its binding."""
    name, version = f"{POLICY}-{form}", "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [rule], "objectSelector": {"matchLabels": {MESH: form}}},
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": PATCHES[form]}}],
    }
    return (
        {"apiVersion": version, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {
            "apiVersion": version, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name},
        },
    )  # fmt: skip

"""What a run says about its pods reaches their manifests."""

from decimal import Decimal

import pod_world
import pytest
import swarmrun_documents as documents

from swarm_core.engine.work import Kind, WorkItem
from swarm_operator.common import cluster_run
from swarm_operator.manifests import jobs, servers

CLUSTER = "spec.execution.kubernetes"


@pytest.mark.parametrize(
    ("text", "number"), [("500m", "0.5"), ("4", "4"), ("1.5Gi", str(3 * 2**29)), ("2k", "2000"), ("1Ti", str(2**40))]
)
def test_a_quantity_is_a_number(text: str, number: str) -> None:
    assert cluster_run.parse_quantity(text) == Decimal(number)


def pods_of(patch: documents.Patch) -> list[dict]:
    """The pod templates of the first Job and of the servers."""
    run = cluster_run.parse(pod_world.run({**pod_world.SERVED, **patch}), pod_world.Defaults())
    made = [jobs.job(run, (WorkItem(Kind.PREPARE),)), *servers.deployments(run)]
    return [one["spec"]["template"] for one in made]


TEMPLATE = f"{CLUSTER}.podTemplate"
AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}


def test_a_run_may_say_what_its_cluster_demands_of_pods() -> None:
    patch = {
        f"{CLUSTER}.worker": {"cpu": "500m", "cpuLimit": "2", "ephemeralStorage": "1Gi"},
        f"{CLUSTER}.servers": {"cpuLimit": "4", "ephemeralStorage": "20Gi"},
        f"{TEMPLATE}.labels": {"team": "a"},
        f"{TEMPLATE}.annotations": {"sidecar.istio.io/inject": "false"},
        f"{TEMPLATE}.affinity": AFFINITY,
        f"{TEMPLATE}.topologySpreadConstraints": [SPREAD],
    }
    for pod, cpu, disk in zip(pods_of(patch), ("2", "4", "4"), ("1Gi", "20Gi", "20Gi"), strict=True):
        assert pod["metadata"]["labels"]["team"] == "a"
        assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "dataswarm"
        assert pod["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
        assert (pod["spec"]["affinity"], pod["spec"]["topologySpreadConstraints"]) == (AFFINITY, [SPREAD])
        resources = pod["spec"]["containers"][0]["resources"]
        assert (resources["limits"]["cpu"], resources["limits"]["ephemeral-storage"]) == (cpu, disk)
        assert resources["requests"]["ephemeral-storage"] == disk


@pytest.mark.parametrize(
    ("user", "default", "ids"),
    [
        (documents.GONE, 65532, (65532, 65532, 65532)),
        (documents.GONE, 0, (None, None, None)),
        ({"type": "Cluster"}, 65532, (None, None, None)),
        ({"type": "Fixed", "fixed": {"runAsUser": 1000, "fsGroup": 7}}, 0, (1000, 65532, 7)),
    ],
)
def test_a_run_or_the_operator_or_the_cluster_chooses_the_user_of_the_pods(
    user: object, default: int, ids: tuple[int | None, ...]
) -> None:
    document = pod_world.run({**pod_world.LOCAL, f"{TEMPLATE}.user": user})
    run = cluster_run.parse(document, pod_world.Defaults(pod_user_id=default))
    spec = jobs.job(run, (WorkItem(Kind.PREPARE),))["spec"]["template"]["spec"]
    assert tuple(spec["securityContext"].get(name) for name in ("runAsUser", "runAsGroup", "fsGroup")) == ids
    assert spec["securityContext"]["runAsNonRoot"] is True
    variables = {one["name"]: one.get("value") for one in spec["containers"][0]["env"]}
    assert (variables["HOME"], variables["USER"]) == ("/tmp", "dataswarm")


def test_pods_trust_a_private_authority_and_use_a_proxy_except_for_the_servers_of_the_run() -> None:
    patch = {
        f"{CLUSTER}.caBundle": {"configMap": "authorities", "key": "all.pem"},
        f"{CLUSTER}.proxy": {"httpsProxy": "http://proxy:3128", "noProxy": [".example"]},
    }
    job, *rest = pods_of(patch)
    names = [server["spec"]["containers"][0]["name"] for server in rest]
    assert names == ["main", "main"]
    for pod in (job, *rest):
        container = pod["spec"]["containers"][0]
        variables = {one["name"]: one.get("value") for one in container["env"]}
        (mount,) = [one for one in container["volumeMounts"] if one["name"] == "ca"]
        (volume,) = [one for one in pod["spec"]["volumes"] if one["name"] == "ca"]
        assert volume["configMap"] == {"name": "authorities", "items": [{"key": "all.pem", "path": "ca.crt"}]}
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
            assert variables[name] == f"{mount['mountPath']}/ca.crt"
        assert variables["HTTPS_PROXY"] == variables["https_proxy"] == "http://proxy:3128"
        assert "HTTP_PROXY" not in variables
        hosts = variables["NO_PROXY"].split(",")
        assert {".example", "localhost", "127.0.0.1"} < set(hosts)
        assert sum("-serve-" in host for host in hosts) == 2

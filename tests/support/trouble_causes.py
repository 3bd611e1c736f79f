"""Every cause of trouble that docs/troubleshooting.md lists, and how it comes about in a simulated cluster."""

from collections.abc import Callable
from typing import Any

import pod_world
import pytest
from botocore.exceptions import ClientError
from pod_cluster import KubernetesObject
from pod_world import World

from swarm_core import plugins
from swarm_core.errors import BadInputError
from swarm_core.ports import InferenceError, StoreError
from swarm_operator.cli import why
from swarm_operator.cli.why import RunDetails
from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import ObservedRun
from swarm_operator.reconciler import diagnosis
from swarm_trainer.evaluation import final_evaluation
from swarm_trainer.inference import endpoint_budget, openai_protocol, reply_parser, request_router
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.http_session import HttpResponse
from swarm_trainer.inference.provider_failures import Unavailable
from swarm_trainer.pod import termination_message
from swarm_trainer.stores import s3_errors, store_checks
from swarm_trainer.worker import loop
from swarm_trainer.worker.messages import FailedAttempt

Found = tuple[str, str]
"""The reason of a run and the message of its condition Ready."""
FORBIDDEN = 'pods "a" is forbidden: '


def report(world: World) -> Found:
    """The reason that people see, which must be the same everywhere."""
    status = world.run["status"]
    ready = next(one for one in status["conditions"] if one["type"] == "Ready")
    assert status["reason"] == ready["reason"]
    assert ready["message"] in status["message"]
    return status["reason"], ready["message"]


def waiting_pod(reason: str, message: str, patch: Any = pod_world.LOCAL) -> Found:
    """A container that waits for this reason."""
    world = World(pod_world.run(patch))
    world.turn("terminate")
    world.control()
    (pod,) = world.living()
    world.bind(pod)
    world.set_state(pod, {"waiting": {"reason": reason, "message": message}})
    world.operate()
    return report(world)


def unscheduled_pod(message: str, reason: str = "Unschedulable") -> Found:
    """A pod without a node."""
    world = World(pod_world.run(pod_world.LOCAL))
    world.turn("terminate")
    world.control()
    (pod,) = world.living()
    pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "reason": reason, "message": message}]
    world.operate()
    return report(world)


class Refusing(World):
    """A cluster whose API server creates no pod and tells why in events about the Jobs."""

    words = ""

    def make_pod(self, owner: KubernetesObject, index: int) -> KubernetesObject:
        return {"status": {"phase": "none"}, "index": index}

    def observed(self) -> ObservedRun:
        seen = super().observed()
        events = [
            {"type": "Warning", "involvedObject": {"uid": job["metadata"]["uid"]}, "message": self.words}
            for job in self.all("Job")
            if self.words
        ]
        return ObservedRun(seen.run, seen.children, events=tuple(events))


def refused_pods(words: str) -> Found:
    """A Job whose pods the API server refuses."""
    world = Refusing(pod_world.run(pod_world.LOCAL))
    world.words = words
    world.turn()
    world.turn()
    assert world.plan.unexplained == tuple(job["metadata"]["uid"] for job in world.all("Job"))
    world.now += diagnosis.POD_CREATION_SECONDS
    world.operate()
    return report(world)


def refused_servers(words: str) -> Found:
    """A Deployment whose pods the API server refuses."""
    world = World(pod_world.run(pod_world.SERVED))
    world.until(names.SERVE)
    for server in world.all("Deployment"):
        server["status"]["conditions"] = [{"type": "ReplicaFailure", "status": "True", "message": words}]
    world.operate()
    return report(world)


def refused_step(words: str) -> Found:
    """An object that the API server refuses to create."""
    world = World(pod_world.run(pod_world.LOCAL))
    world.operate()
    seen = world.observed()
    world.operate(seen=ObservedRun(seen.run, seen.children, refusal=words))
    return report(world)


def evicted_by_limit() -> Found:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    (pod,) = world.living("iterate")
    world.end(pod, 137)
    pod["status"] |= {"reason": "Evicted", "message": "Usage of EmptyDir volume exceeds the limit"}
    world.turn("terminate")
    return report(world)


def ended_pod(error: Exception, *, times: int = 1, work: str = "iterate") -> Found:
    """A pod that this error ended; its run, after so many attempts."""
    world = World(pod_world.run(pod_world.LOCAL))
    world.until(work)
    outcome = FailedAttempt("k", loop.describe_failure(error, 1))
    code, message = termination_message.exit_code(outcome), termination_message.encode(outcome).decode()
    for _ in range(times):
        world.until(work)
        world.end(world.living(work)[0], code, message)
        world.turn("terminate")
        world.now += 400.0
    return report(world)


def suspended() -> Found:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    world.edit({"spec.suspend": True})
    world.turn()
    return report(world)


def invalid() -> Found:
    world = World(pod_world.run({**pod_world.LOCAL, "spec.storage": {"type": "Local", "local": {"path": "runs"}}}))
    world.operate()
    return report(world)


def servers_not_ready() -> Found:
    world = World(pod_world.run(pod_world.SERVED))
    world.until(names.SERVE)
    for pod in world.living(names.SERVE):
        pod["status"]["conditions"] = [one for one in pod["status"]["conditions"] if one["type"] != "Ready"]
    world.operate()
    world.now += 301.0
    world.operate()
    return report(world)


def crashing_server() -> Found:
    world = World(pod_world.run(pod_world.SERVED))
    world.until(names.SERVE)
    (pod, *_) = world.living(names.SERVE)
    world.set_state(pod, {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}})
    world.operate()
    return report(world)


def lost_node() -> Found:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    (pod,) = world.living("iterate")
    pod["dead"] = True
    world.delete("Pod", pod["metadata"]["name"])
    world.now += 1000.0
    world.operate()
    return report(world)


def evicted_twice() -> Found:
    world = World(pod_world.run(pod_world.LOCAL))
    for _ in range(2):
        world.until("iterate")
        world.end(world.living("iterate")[0], 137, disrupted=True)
        # The Job would replace the pod; without it, the loss is seen.
        (job,) = [job for job in world.all("Job") if "iterate" in job["metadata"]["name"]]
        job["status"]["conditions"] = [{"type": "Failed", "status": "True"}]
        world.operate()
        world.now += 400.0
    return report(world)


def queued_job() -> Found:
    world = Refusing(pod_world.run({**pod_world.LOCAL, "spec.execution.kubernetes.queue": "team-queue"}))
    world.turn()
    for job in world.all("Job"):
        job["spec"]["suspend"] = True
    world.operate()
    return report(world)


def unmounted_pod(words: str = 'MountVolume.SetUp failed for volume "order"') -> Found:
    world = World(pod_world.run(pod_world.LOCAL))
    world.turn("terminate")
    world.control()
    (pod,) = world.living()
    world.bind(pod)
    seen = world.observed()
    about = {"uid": pod["metadata"]["uid"]}
    event = {"type": "Warning", "involvedObject": about, "message": words}
    world.operate(seen=ObservedRun(seen.run, seen.children, events=(event,)))
    return report(world)


def overdue_run() -> Found:
    world = World(pod_world.run({"spec.deadlineSeconds": 60, **pod_world.LOCAL}))
    world.until("iterate")
    world.now += 61.0
    world.turn()
    return report(world)


def costly_run() -> Found:
    world = World(pod_world.run({"spec.budget": {"gpuHours": 0.1}, **pod_world.LOCAL}))
    world.until("train")
    world.now += 4000.0
    world.turn()
    world.turn()
    return report(world)


def dead_operator() -> Found:
    """Only the command can say it: a Job ended, and no operator has read its receipt."""
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("prepare")
    for pod in world.pods():
        world.finish(pod)
    world.control()
    jobs, pods = world.all("Job"), world.all("Pod")
    for manifest in (*jobs, *pods):
        manifest["metadata"].setdefault("namespace", "team")
    details = RunDetails(world.run, jobs, pods, [], [], now=world.now + 120)
    (line,) = [line for line in why.format_details(details) if line.startswith("  operator")]
    reason, _, words = line.removeprefix("  operator").strip().partition(": ")
    quick = RunDetails(world.run, jobs, pods, [], [], now=world.now + 5)
    assert not [line for line in why.format_details(quick) if line.startswith("  operator")]
    return reason, words


def out_of_memory() -> Found:
    world = World(pod_world.run(pod_world.LOCAL))
    world.until("iterate")
    world.end(world.living("iterate")[0], 137, "", reason="OOMKilled")
    world.turn("terminate")
    return report(world)


def refused_model() -> Found:
    """A server that ends because it cannot serve its model."""
    world = World(pod_world.run(pod_world.SERVED))
    world.until(names.SERVE)
    outcome = FailedAttempt("serve", loop.describe_failure(BadInputError("models/other: no such base"), 1))
    message = termination_message.encode(outcome).decode()
    world.end(world.living(names.SERVE)[0], termination_message.exit_code(outcome), message)
    world.operate()
    return report(world)


def store_error(code: str, *, writing: bool = True) -> Exception:
    error = ClientError({"Error": {"Code": code}}, "PutObject")
    return s3_errors.build_refused_error("s3://swarms/team", error, writing=writing)


def wrap(error: Exception) -> Exception:
    """An error that was raised from `error`, in other words."""
    with pytest.raises(BadInputError) as refused:
        raise BadInputError("spec.field: cannot be used") from error
    return refused.value


def missing_plugin() -> Exception:
    with pytest.raises(BadInputError) as refused:
        plugins.load_factory("verifiers", "exact-match")
    return refused.value


def endpoint_error(status: int, words: str = "{}") -> Exception:
    """What a run says about a request to an endpoint that answers with this status; 0 if it does not answer."""
    address = RemoteModel("https://h/v1", "m")
    response = HttpResponse(status, words.encode(), None)
    found = reply_parser.parse_response(address, openai_protocol.CHAT, response) if status else Unavailable("no answer")
    assert isinstance(found, Unavailable)
    with pytest.raises((BadInputError, InferenceError)) as refused:
        request_router.resolve_outcomes([found])
    return refused.value


UNMEASURED = final_evaluation.build_unmeasured_error(
    "generator", "final", {"p00": "0 of 40 items accepted: 40 duplicate"}
)
CAUSES: list[tuple[str, Callable[[], Found], str]] = [
    ("InvalidSpec", invalid, "spec.storage"),
    ("Suspended", suspended, "set spec.suspend to false"),
    ("ImagePullBackOff", lambda: waiting_pod("ErrImagePull", "docker.io/x: not found"), "image.trainer"),
    ("InvalidImageName", lambda: waiting_pod("InvalidImageName", "x y"), "image.trainer"),
    ("ErrImageNeverPull", lambda: waiting_pod("ErrImageNeverPull", "x is not present"), "image.trainer"),
    ("SecretNotFound", lambda: waiting_pod("CreateContainerConfigError", 'secret "s3" not found'),
     "spec.storage.s3.credentialsSecretRef"),
    ("SecretKeyNotFound",
     lambda: waiting_pod("CreateContainerConfigError", "couldn't find key AWS_ACCESS_KEY_ID in Secret team/s3"),
     "add the entry AWS_ACCESS_KEY_ID"),
    ("CreateContainerConfigError", lambda: waiting_pod("CreateContainerConfigError", "no command specified"),
     "kubectl describe pod"),
    ("ConfigMapNotFound", lambda: unmounted_pod('MountVolume.SetUp failed for volume "ca" : configmap "c" not found'),
     "create the ConfigMap c in namespace team"),
    ("ConfigMapKeyNotFound",
     lambda: unmounted_pod('SetUp failed for volume "ca" : configmap references non-existent config key: k'),
     "add the entry k"),
    ("CreateContainerError", lambda: waiting_pod("CreateContainerError", "no such command"), "no such command"),
    ("RunContainerError", lambda: waiting_pod("RunContainerError", "no such command"), "no such command"),
    ("CrashLoopBackOff", crashing_server, "kubectl logs --previous"),
    ("PodNotStarted", unmounted_pod, "MountVolume.SetUp failed"),
    ("VolumeClaimPending", lambda: unscheduled_pod("pod has unbound immediate PersistentVolumeClaims"), "modelCache"),
    ("InsufficientAccelerators",
     lambda: unscheduled_pod("0/4 nodes are available: 4 Insufficient nvidia.com/gpu."), "4 Insufficient"),
    ("Unschedulable", lambda: unscheduled_pod("0/4 nodes are available: 4 Insufficient memory."), "nodeSelector"),
    ("Queued", queued_job, "team-queue"),
    ("Queued", lambda: unscheduled_pod("waits for gates", "SchedulingGated"), "kubectl describe workloads"),
    ("QuotaExceeded", lambda: refused_pods(f"{FORBIDDEN}exceeded quota: gpus, requested: pods=1"), "quota: gpus"),
    ("QuotaExceeded", lambda: refused_servers(f"{FORBIDDEN}exceeded quota: gpus, requested: pods=1"), "ResourceQuota"),
    ("QuotaExceeded", lambda: refused_step("jobs.batch is forbidden: exceeded quota: count"), "the API server refuses"),
    ("LimitRangeViolated", lambda: refused_pods(f"{FORBIDDEN}maximum memory usage per Pod is 1Gi, but limit is 2Gi"),
     "1Gi, but limit is 2Gi"),
    ("PodSecurityViolated", lambda: refused_pods(f'{FORBIDDEN}violates PodSecurity "restricted:v1"'), "pod-security"),
    ("WebhookDenied", lambda: refused_step('admission webhook "policy.example" denied it: no'), "policy.example"),
    ("ServiceAccountNotFound", lambda: refused_pods(f"{FORBIDDEN}error looking up service account team/x: not found"),
     "serviceAccountName"),
    ("PriorityClassNotFound", lambda: refused_pods(f"{FORBIDDEN}no PriorityClass with name high was found"),
     "priorityClassName"),
    ("RuntimeClassNotFound", lambda: refused_pods(f'{FORBIDDEN}RuntimeClass "gvisor" not found'), "runtimeClassName"),
    ("QuotaExceeded", lambda: refused_pods(f"{FORBIDDEN}failed quota: team: must specify limits.cpu for: main"),
     "set cpuLimit"),
    ("PodSecurityViolated",
     lambda: refused_pods(f"{FORBIDDEN}unable to validate against any security context constraint: [no]"),
     "spec.execution.kubernetes.podTemplate.user"),
    ("OperatorForbidden", lambda: refused_step('User "operator" cannot create resource "jobs" in API group "batch"'),
     "rbac.create"),
    ("NamespaceTerminating",
     lambda: refused_step("forbidden: unable to create in namespace team because it is being terminated"), "namespace"),
    ("ChildRefused", lambda: refused_step("Job is invalid: spec"), "Job is invalid"),
    ("PodMissing", lambda: refused_pods(""), "kubectl describe job"),
    ("ServersNotReady", servers_not_ready, "within 300 s, once"),
    ("NodeLost", lost_node, "node does not respond"),
    ("PodsLost", evicted_twice, "2 times in a row"),
    ("OperatorNotResponding", dead_operator, "create Job"),
    ("AttemptFailed", lambda: ended_pod(ValueError("odd")), "attempt 2 of 4 starts after"),
    ("OOMKilled", out_of_memory, "spec.execution.kubernetes.trainer.memory"),
    ("Evicted", evicted_by_limit, "raise ephemeralStorage"),
    ("BadInput", lambda: ended_pod(BadInputError("spec.base.model: no such folder")), "spec.base.model"),
    ("ModelRefused", refused_model, "models/other"),
    ("PluginNotFound", lambda: ended_pod(missing_plugin(), work="prepare"), "exact-match"),
    ("StoreUnreachable", lambda: ended_pod(s3_errors.build_timeout_error("s3://swarms", 60.0, OSError())),
     "s3://swarms"),
    ("BucketNotFound", lambda: ended_pod(store_error("NoSuchBucket")), "spec.storage.s3.bucket"),
    ("StoreAccessDenied", lambda: ended_pod(store_error("InvalidAccessKeyId")), "AWS_ACCESS_KEY_ID"),
    ("StoreAccessDenied", lambda: ended_pod(store_error("AccessDenied")), "s3:PutObject"),
    ("StoreAccessDenied", lambda: ended_pod(store_error("AccessDenied", writing=False)), "s3:GetObject"),
    ("StoreAccessDenied", lambda: ended_pod(wrap(store_error("AccessDenied"))), "spec.field"),
    ("ConditionalWritesIgnored", lambda: ended_pod(store_checks.build_ignored_error("s3://swarms", "If-Match")),
     "spec.storage.s3.singleWriter"),
    ("StoreError", lambda: ended_pod(StoreError("names/HEAD: missing; restore it")), "names/HEAD"),
    ("EndpointKeyRefused", lambda: ended_pod(endpoint_error(401)), "answered 401"),
    ("EndpointKeyRefused", lambda: ended_pod(endpoint_error(403)), "answered 403"),
    ("EndpointPaymentRequired", lambda: ended_pod(endpoint_error(402)), "answered 402"),
    ("EndpointPaymentRequired", lambda: ended_pod(endpoint_error(429, '{"error": "insufficient_quota"}')),
     "answered 429"),
    ("EndpointOverloaded", lambda: ended_pod(endpoint_error(529)), "answered 529"),
    ("EndpointUnreachable", lambda: ended_pod(endpoint_error(0)), "no answer"),
    ("InferenceError", lambda: ended_pod(InferenceError("out of device memory; BudgetExceeded, StoreError")),
     "out of device memory"),
    ("NothingAccepted", lambda: ended_pod(UNMEASURED, work="conclude"), "40 duplicate"),
    ("BudgetExceeded", costly_run, "accelerator-hours"),
    ("BudgetExceeded", lambda: ended_pod(endpoint_budget.build_budget_error("spec.budget.calls", 10)), "budget.calls"),
    ("DeadlineExceeded", overdue_run, "60 s"),
    ("Error", lambda: ended_pod(ValueError("odd"), times=4), "failed 4 times"),
]  # fmt: skip

"""Derives the engine's observations from the children: one per item, from all Jobs and pods that it ever had.

    an item has                                      its observation
    a pod with its receipt                           done
    a Job that still starts pods for it, or a pod    running; the highest attempt counts
    whose container main runs
    a Job whose pods were evicted EVICTION_LIMIT     failed
    times, or whose container main has failed
    only Jobs and pods that have ended               failed: the highest attempt, then the highest failure count, then
                                                     the latest end
    a Job that has ended, and no pod                 lost; the next attempt finds the finished work in the store
    nothing                                          none

An attempt is the number in a label. Only its uid tells a pod from its replacement, never its name or host. A pod that
waits for a node or an image does not run yet: its `since` is now, so the wait counts toward no deadline.

A pod that still exists STUCK_SECONDS after it should be gone has lost its node. It no longer counts as alive. If it
does run, on a node that is cut off, it does no harm: results are written once, so it and its replacement agree on them.
"""

from collections.abc import Iterable
from dataclasses import replace

from swarm_core.engine.work import Done, Failed, FailureReason, Observation, Observations, Running, WorkItem
from swarm_core.errors import ErrorCode
from swarm_operator.common.children import Children, Job, Pod
from swarm_operator.reconciler import termination_message

EVICTION_LIMIT = 10
"""Evictions by nodes under pressure that an attempt survives. Its Job replaces the pod after each of them."""
STUCK_SECONDS = 120.0
"""Seconds after a pod should be gone, in which a slow kubelet may still end it."""


def build_world(children: Children, now: float) -> Observations:
    """The observation of every item."""
    keys = {key for job in children.jobs for key in job.keys} | {pod.key for pod in children.work_pods()}
    observations = {key: observe_item(children, key, now) for key in sorted(keys)}
    return Observations({key: children for key, children in observations.items() if children is not None})


def fail_items_using_servers(children: Observations, items: Iterable[WorkItem], why: str) -> Observations:
    """The observations if the servers refuse their model: every unfinished item that needs servers has failed."""
    failed = {
        item.key: Failed(item.attempt, FailureReason.BAD_INPUT, why, code=ErrorCode.MODEL_REFUSED)
        for item in items
        if item.needs.servers
    }
    return Observations(
        {**failed, **{key: one for key, one in children.items.items() if isinstance(one, Done) or key not in failed}}
    )


def observe_item(children: Children, key: str, now: float) -> Observation | None:
    """The observation of one item."""
    jobs = [job for job in children.jobs if key in job.keys]
    pods = [pod for pod in children.work_pods() if pod.key == key]
    over = [termination_message.read_outcome(pod, WorkItem.from_key(key)) for pod in pods if pod.ended is not None]
    done = [one for one in over if isinstance(one, Done)]
    if done:
        return done[0]
    given_up = {job.name for job in jobs if _gave_up(job, pods, over)}
    alive = [pod for pod in pods if pod.ended is None and not is_stuck(pod, now) and pod.job not in given_up]
    waiting = [job for job in jobs if job.alive and key not in job.settled and job.name not in given_up]
    running = [job.attempt for job in waiting] + [pod.attempt for pod in alive]
    if running:
        return _running_observation(max(running), alive, now)
    return _failed_observation(jobs, pods, key)


def _gave_up(job: Job, pods: list[Pod], over: list[Done | Failed]) -> bool:
    """Whether no pod of this Job will complete the item, although the Job itself would go on."""
    mine = [pod for pod in pods if pod.job == job.name]
    failed = {one.attempt for one in over if isinstance(one, Failed) and one.reason is not FailureReason.LOST}
    return any(pod.lingering and pod.attempt in failed for pod in mine) or count_evictions(mine) >= EVICTION_LIMIT


def count_evictions(pods: Iterable[Pod]) -> int:
    """How many of these pods a node under pressure has evicted."""
    return sum(pod.ended is not None and pod.disrupted and pod.disruption != "" for pod in pods)


def is_living(pod: Pod, now: float) -> bool:
    """Whether a pod may still be running, so that it holds its accelerators."""
    return (pod.ended is None or pod.lingering) and not is_stuck(pod, now)


def is_stuck(pod: Pod, now: float) -> bool:
    """Whether a pod should be gone by now, so that its node must be lost."""
    has_ended = pod.ended is not None and not pod.lingering
    return not has_ended and pod.deleted is not None and now > pod.deleted + STUCK_SECONDS


def _running_observation(attempt: int, alive: list[Pod], now: float) -> Running:
    starts = [pod.started for pod in alive if pod.attempt == attempt and pod.started is not None]
    return Running(attempt, min([*starts, now]))


def _failed_observation(jobs: list[Job], pods: list[Pod], key: str) -> Failed | None:
    ended = [(pod.attempt, pod.failures, pod.ended, pod) for pod in pods if pod.ended is not None]
    gone = [job for job in jobs if job.attempt not in {attempt for attempt, *_ in ended} and not job.deleting]
    if gone and max(job.attempt for job in gone) >= max([attempt for attempt, *_ in ended], default=0):
        last = max(gone, key=lambda job: (job.attempt, job.created))
        return Failed(last.attempt, FailureReason.LOST, f"Job {last.name} has ended and its pod is gone", last.created)
    if not ended:
        return None
    *_, last_pod = max(ended, key=lambda entry: entry[:3])
    found = termination_message.read_outcome(last_pod, WorkItem.from_key(key))
    assert isinstance(found, Failed)  # observe_item has already looked for a receipt
    evictions = count_evictions(pod for pod in pods if pod.attempt == last_pod.attempt)
    if found.reason is FailureReason.LOST and evictions >= EVICTION_LIMIT:
        message = termination_message.fit_into_status(f"evicted {evictions} times; {found.message}")
        return replace(found, reason=FailureReason.ERROR, message=message, code=ErrorCode.EVICTED)
    return found

"""From children to the engine's world: one observation per item, from all Jobs and pods that were ever for it.

    seen of an item                                              is
    a pod that left its receipt                                  done
    a Job that still starts pods for it, or a pod that lives     running; the highest attempt counts
    nothing alive, but pods or Jobs that are over                failed: the highest attempt, of it the highest failure
                                                                 count, of those the latest
    a Job that is over and of which no pod is left               lost: the next attempt finds in the store what it did
    nothing                                                      nothing

An attempt is a number in a label; a pod is told from its replacement by its uid, never by its name or host. Whoever
waits for a node or an image does not run yet: `since` is then now, so waiting costs no deadline.

A pod that should be gone for `STUCK_SECONDS` and is not has lost its node. It is no longer taken to be alive. Should it
live, on a node that nobody reaches, it harms nothing: results are written once, so it and its successor agree on them.
"""

from collections.abc import Iterable

from swarm_core.engine.work import Done, Failed, FailureReason, Observation, Observations, Running, WorkItem
from swarm_operator.common.children import Children, Job, Pod
from swarm_operator.reconciler import termination_message

STUCK_SECONDS = 120.0
"""After the moment it must be gone, on a kubelet that only has been slow."""


def build_world(children: Children, now: float) -> Observations:
    """What is seen of every item."""
    keys = {key for job in children.jobs for key in job.keys} | {pod.key for pod in children.work_pods()}
    observations = {key: observe_item(children, key, now) for key in sorted(keys)}
    return Observations({key: children for key, children in observations.items() if children is not None})


def fail_items_using_servers(children: Observations, items: Iterable[WorkItem], why: str) -> Observations:
    """`seen`, where servers refuse their model: none of `items`, which would ask them, can be done."""
    failed = {item.key: Failed(item.attempt, FailureReason.BAD_INPUT, why) for item in items if item.needs.servers}
    return Observations(
        {**failed, **{key: one for key, one in children.items.items() if isinstance(one, Done) or key not in failed}}
    )


def observe_item(children: Children, key: str, now: float) -> Observation | None:
    """What is seen of one item."""
    jobs = [job for job in children.jobs if key in job.keys]
    pods = [pod for pod in children.work_pods() if pod.key == key]
    over = [termination_message.read_outcome(pod, WorkItem.from_key(key)) for pod in pods if pod.ended is not None]
    done = [one for one in over if isinstance(one, Done)]
    if done:
        return done[0]
    alive = [pod for pod in pods if is_living(pod, now)]
    running = [job.attempt for job in jobs if job.alive and key not in job.settled] + [pod.attempt for pod in alive]
    if running:
        return _running_observation(max(running), alive, now)
    return _failed_observation(jobs, pods, key)


def is_living(pod: Pod, now: float) -> bool:
    """Whether a pod may still be doing something."""
    return pod.ended is None and not is_stuck(pod, now)


def is_stuck(pod: Pod, now: float) -> bool:
    """Whether a pod should long be gone, so that its node must be lost."""
    return pod.ended is None and pod.deleted is not None and now > pod.deleted + STUCK_SECONDS


def _running_observation(attempt: int, alive: list[Pod], now: float) -> Running:
    starts = [pod.started for pod in alive if pod.attempt == attempt and pod.started is not None]
    return Running(attempt, min([*starts, now]))


def _failed_observation(jobs: list[Job], pods: list[Pod], key: str) -> Failed | None:
    ended = [(pod.attempt, pod.failures, pod.ended, pod) for pod in pods if pod.ended is not None]
    gone = [job for job in jobs if job.attempt not in {attempt for attempt, *_ in ended} and not job.deleting]
    if gone and max(job.attempt for job in gone) >= max([attempt for attempt, *_ in ended], default=0):
        last = max(gone, key=lambda job: (job.attempt, job.created))
        return Failed(last.attempt, FailureReason.LOST, f"{last.name} is over and its pod is gone", last.created)
    if not ended:
        return None
    *_, last_pod = max(ended, key=lambda entry: entry[:3])
    found = termination_message.read_outcome(last_pod, WorkItem.from_key(key))
    assert isinstance(found, Failed)  # a receipt would have been found before
    return found

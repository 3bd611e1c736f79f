"""Counts the accelerator-seconds of a run: how long its pods held accelerators, and whether they used them.

    pod of a Job    from its assignment to a node to the start of its container: loading; from there to its end: busy
    server          from its assignment to a node to ready: loading; from there to its end: busy while work that needs
                    servers runs, else idle

The times are those of the pods, in windows without gaps: each window reaches from the end of the last one
(`counted_until`) to now. So nothing counts twice, whichever process counts, and no value ever decreases. A pod that is
created and deleted between two counts, while no operator runs, is not counted. Code that deletes a Job first checks
that its pods are counted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from swarm_core.api.run_status import GpuSeconds
from swarm_operator.common import names, timestamps
from swarm_operator.common.children import Children, Pod
from swarm_operator.reconciler import observations

COUNT_INTERVAL_SECONDS = 60.0
"""The status gets new values at least this often while the run holds accelerators."""
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class AcceleratorUsage:
    """Accelerator-seconds of a run so far, and the accelerators that it holds now."""

    seconds: GpuSeconds
    held: int
    """Accelerators that the run holds now."""

    @property
    def total(self) -> float:
        """All accelerator-seconds so far."""
        return self.seconds.busy + self.seconds.loading + self.seconds.idle

    @property
    def hours(self) -> float:
        """All accelerator-hours so far, in thousandths."""
        return round(self.total / 3600, 3)


def count(
    previous: GpuSeconds | None, children: Children, kinds_asking: Collection[str], now: float
) -> AcceleratorUsage:
    """Return the usage at `now`. Work items of the kinds `kinds_asking` send requests to servers."""
    before = previous or GpuSeconds()
    until = float(int(now))
    window = (timestamps.parse(before.counted_until) or 0.0, until)
    holding = [pod for pod in children.pods if pod.accelerators and pod.scheduled is not None]
    running = [pod for pod in children.work_pods() if pod.started is not None and pod.work in kinds_asking]
    asking_spans = [_running_span(pod, until) for pod in running]
    spent = [_split_seconds(pod, asking_spans, window) for pod in holding]
    held = sum(pod.accelerators for pod in holding if observations.is_living(pod, now))
    busy, loading, idle = (
        sum(pod.accelerators * seconds[use] for pod, seconds in zip(holding, spent, strict=True)) for use in range(3)
    )
    return AcceleratorUsage(_add_seconds(before, busy, loading, idle, until), held)


def _add_seconds(before: GpuSeconds, busy: float, loading: float, idle: float, until: float) -> GpuSeconds:
    """Return `before` plus the accelerator-seconds since then; `before` itself if there are none."""
    if busy + loading + idle <= 0:
        return before
    return GpuSeconds(
        busy=before.busy + busy,
        loading=before.loading + loading,
        idle=before.idle + idle,
        counted_until=timestamps.format_time(until),
    )


def is_fully_counted(pods: Sequence[Pod], usage: GpuSeconds | None) -> bool:
    """Whether `usage` covers all of `pods`, which have ended."""
    until = (timestamps.parse(usage.counted_until) if usage else None) or 0.0
    spans = [
        (pod.scheduled, pod.ended)
        for pod in pods
        if pod.accelerators and pod.scheduled is not None and pod.ended is not None
    ]
    return all(_duration(_clip(span, (until, span[1]))) == 0 for span in spans)


def _split_seconds(pod: Pod, asking: Sequence[Span], window: Span) -> tuple[float, float, float]:
    """Seconds of `pod` in `window`: busy, loading and idle."""
    assert pod.scheduled is not None
    is_server = pod.work == names.SERVE
    end = pod.ended if pod.ended is not None else window[1]
    started = pod.ready if is_server else pod.started
    ready_at = min(end if started is None else max(started, pod.scheduled), end)
    loading = _duration(_clip((pod.scheduled, ready_at), window))
    live = _clip((ready_at, end), window)
    if not is_server:
        return _duration(live), loading, 0.0
    busy = _covered_seconds(live, asking)
    return busy, loading, _duration(live) - busy


def _running_span(pod: Pod, until: float) -> Span:
    assert pod.started is not None
    return pod.started, pod.ended if pod.ended is not None else until


def _covered_seconds(span: Span, others: Sequence[Span]) -> float:
    """Seconds of `span` that lie in at least one of `others`."""
    total, reached = 0.0, span[0]
    for other in sorted(others):
        start, end = _clip(other, (reached, span[1]))
        total, reached = total + _duration((start, end)), max(reached, end)
    return total


def _clip(span: Span, window: Span) -> Span:
    return max(span[0], window[0]), min(span[1], window[1])


def _duration(span: Span) -> float:
    return max(0.0, span[1] - span[0])

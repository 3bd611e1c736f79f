"""How many processor cores a pod may use: its limit, where it has one, else those of the machine.

Libraries count the machine's cores and start a thread for each; held to a fraction of them by the kernel's quota, the
threads wait for each other most of the time.
"""

import math
import os
from pathlib import Path

CPU_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")
"""Two numbers, microseconds of work per microseconds of time; `max` for the first is no limit (cgroup v2)."""


def count_cores(quota: Path = CPU_QUOTA_FILE) -> int:
    """Whole cores, at least one."""
    there = len(os.sched_getaffinity(0))
    try:
        work, time = quota.read_text().split()
        return there if work == "max" else max(1, min(there, math.floor(int(work) / int(time))))
    except (OSError, ValueError):
        return there

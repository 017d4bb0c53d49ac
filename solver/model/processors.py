"""How many processors there are for this process; without torch."""

import os


def available_cpus() -> int:
    """Processors that this process may use: its affinity, cut by the cgroup's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
    except OSError:
        return count
    if quota != "max":
        count = min(count, max(1, round(int(quota) / int(period))))
    return count

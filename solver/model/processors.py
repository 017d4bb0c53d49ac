"""How many processors this process may use; nothing here needs torch."""

import os
from collections.abc import Iterator
from pathlib import Path


def available_cpus() -> int:
    """Processors that this process may use: its affinity, cut by the quota of its cgroup (v1 or v2)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for quota in cgroup_quotas(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")):
        count = min(count, max(1, round(quota)))
    return count


def cgroup_quotas(root: Path, own: Path) -> Iterator[float]:
    """Processors' worth of time that each cgroup above this process allows, where one sets a limit.

    ``root``: where cgroups are mounted; ``own``: the list of this process's groups, lines of
    hierarchy:controllers:path. A container may see its own group as the root, so that is read too.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    paths = {("cpu", "/"), ("", "/")}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            paths.add(("" if controllers == "" else "cpu", path))
    for kind, path in paths:
        group = (root / kind / path.lstrip("/")).resolve()
        top = (root / kind).resolve()
        while group.is_relative_to(top):
            yield from _quota(group, kind)
            group = group.parent


def _quota(group: Path, kind: str) -> list[float]:
    try:
        if kind:
            limit = (group / "cpu.cfs_quota_us").read_text().strip()
            period = (group / "cpu.cfs_period_us").read_text().strip()
        else:
            limit, period = (group / "cpu.max").read_text().split()
    except OSError:
        return []
    return [] if limit in ("max", "-1") else [int(limit) / int(period)]

"""How many processors, how much memory and which devices there are; nothing here needs torch."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from solver.words import counted

_GPU_FILES = ("dev/nvidia[0-9]*", "dev/dxg", "dev/kfd")  # NVIDIA, Windows' own Linux, AMD
_GPU_BUILD = re.compile(r"^(cuda|hip)\b[^=\n]*=\s*['\"]", re.MULTILINE)
WORKER_BYTES = 3 * 2**29  # a worker on a CPU: torch, weights and a batch take about half of it


def cpu_workers(tasks: int) -> int:
    """Workers that share the processors, each with as few threads as that leaves: two of one thread do more
    than one of two (docs/PERFORMANCE.md). As many as there is memory and work for; at least one."""
    room = available_memory()
    most = available_cpus() if room is None else min(available_cpus(), room // WORKER_BYTES)
    return max(1, min(most, tasks))


def available_memory() -> int | None:
    """Bytes that may still be taken: of the machine's, cut by the limits of this process's cgroup. None
    where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    if not found:
        return None
    free = found[0]
    for limit in cgroup_rooms(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")):
        free = min(free, limit)
    return max(0, free)


def available_cpus() -> int:
    """Processors that this process may use: its affinity, cut by the quota of its cgroup (v1 or v2)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for quota in cgroup_quotas(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")):
        count = min(count, max(1, round(quota)))
    return count


def multiplies_bfloat16(info: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether every processor has instructions that multiply bfloat16 (AVX512-BF16 or AMX). False where the
    system does not say: without them torch computes the same more slowly than in float32."""
    try:
        text = info.read_text()
    except OSError:
        return False
    flags = [line.partition(":")[2].split() for line in text.splitlines() if line.startswith("flags")]
    return bool(flags) and all("avx512_bf16" in found or "amx_bf16" in found for found in flags)


def counted_threads(count: int | None = None) -> str:
    """So many threads in words, one for each processor where no number is given."""
    return counted(available_cpus() if count is None else count, "thread")


def cgroup_quotas(root: Path, own: Path) -> Iterator[float]:
    """Processors' worth of time that each cgroup above this process allows, where one sets a limit.

    ``root``: where cgroups are mounted; ``own``: the list of this process's groups, lines of
    hierarchy:controllers:path. A container may see its own group as the root, so that is read too.
    """
    for group, unified in _groups(root, own, "cpu"):
        yield from _quota(group, "" if unified else "cpu")


def cgroup_rooms(root: Path, own: Path) -> Iterator[int]:
    """Bytes that each cgroup above this process still has under its limit; arguments as above."""
    for group, unified in _groups(root, own, "memory"):
        names = ("memory.max", "memory.current", "inactive_file")
        limit, used, stale = (
            names if unified else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        try:
            most, taken = (group / limit).read_text().strip(), int((group / used).read_text())
            counts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except OSError:
            continue
        if most != "max":
            # Files that were read long ago give way: they are no reason to start fewer workers.
            yield int(most) - taken + int(counts.get(stale, 0))


def _groups(root: Path, own: Path, controller: str) -> Iterator[tuple[Path, bool]]:
    """Folders of this process's cgroups up to the root, and whether each is of the unified kind (v2)."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    paths = {(controller, "/"), ("", "/")}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or controller in controllers.split(","):
            paths.add(("" if controllers == "" else controller, path))
    for kind, path in sorted(paths):
        group = (root / kind / path.lstrip("/")).resolve()
        top = (root / kind).resolve()
        while group.is_relative_to(top):
            yield group, kind == ""
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


def expected_gpus() -> int:
    """How many GPUs there most likely are, at least 1, without torch."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return len(chosen.split(",")) if chosen else max(1, len(list(Path("/dev").glob("nvidia[0-9]*"))))


def expected_kind(device: str, root: Path = Path("/"), torch_folder: Path | None = None) -> str:
    """cpu, cuda or mps: what ``solver.model.device.place`` will most likely take for ``device``.

    A GPU that is there but cannot run a kernel is not found out here: its machine then runs the weights
    meant for GPUs on its CPU, and the run says so.
    """
    if device != "auto":
        return device.partition(":")[0]
    if sys.platform == "darwin":
        return "mps" if platform.machine() == "arm64" else "cpu"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    there = any(next(root.glob(pattern), None) for pattern in _GPU_FILES)
    return "cuda" if there and not hidden and _torch_knows_gpus(torch_folder) else "cpu"


def _torch_knows_gpus(folder: Path | None) -> bool:
    """From the text of torch/version.py, since loading torch takes seconds; True where it cannot be read."""
    if folder is None:
        spec = find_spec("torch")
        if spec is None or not spec.origin:
            return False
        folder = Path(spec.origin).parent
    try:
        return _GPU_BUILD.search((folder / "version.py").read_text("utf-8")) is not None
    except OSError:
        return True

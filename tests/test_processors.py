"""Processors and memory: what a process may use, how workers share it, and that they keep to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from solver import processors
from solver.processors import (
    WORKER_BYTES,
    available_cpus,
    cgroup_quotas,
    cgroup_rooms,
    cpu_workers,
    multiplies_bfloat16,
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_quotas_of_both_kinds_of_cgroups(tmp_path: Path) -> None:
    own = tmp_path / "own"
    write(own, "0::/pod/box\n")
    write(tmp_path / "v2/cpu.max", "max 100000\n")
    write(tmp_path / "v2/pod/cpu.max", "350000 100000\n")
    write(tmp_path / "v2/pod/box/cpu.max", "150000 100000\n")
    assert sorted(cgroup_quotas(tmp_path / "v2", own)) == [1.5, 3.5]
    write(own, "4:memory:/box\n3:cpu,cpuacct:/box\n")
    write(tmp_path / "v1/cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "v1/cpu/cpu.cfs_period_us", "100000\n")
    write(tmp_path / "v1/cpu/box/cpu.cfs_quota_us", "200000\n")
    write(tmp_path / "v1/cpu/box/cpu.cfs_period_us", "100000\n")
    assert list(cgroup_quotas(tmp_path / "v1", own)) == [2.0]
    assert list(cgroup_quotas(tmp_path / "none", tmp_path / "missing")) == []
    assert available_cpus() >= 1


def test_room_that_both_kinds_of_cgroups_leave(tmp_path: Path) -> None:
    own = tmp_path / "own"
    write(own, "0::/pod/box\n")
    for folder, limit in (("v2", "max"), ("v2/pod", "9000"), ("v2/pod/box", "5000")):
        write(tmp_path / folder / "memory.max", f"{limit}\n")
        write(tmp_path / folder / "memory.current", "3000\n")
        write(tmp_path / folder / "memory.stat", "anon 2500\ninactive_file 400\n")
    assert sorted(cgroup_rooms(tmp_path / "v2", own)) == [2400, 6400]
    write(own, "4:cpu,memory:/box\n")
    write(tmp_path / "v1/memory/box/memory.limit_in_bytes", "5000\n")
    write(tmp_path / "v1/memory/box/memory.usage_in_bytes", "4500\n")
    write(tmp_path / "v1/memory/box/memory.stat", "total_inactive_file 100\n")
    assert list(cgroup_rooms(tmp_path / "v1", own)) == [600]
    assert list(cgroup_rooms(tmp_path / "none", tmp_path / "missing")) == []


def test_workers_share_processors_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "available_cpus", lambda: 8)
    for room, tasks, wanted in ((None, 100, 8), (10**12, 3, 3), (2 * WORKER_BYTES, 9, 2), (1, 9, 1)):
        monkeypatch.setattr(processors, "available_memory", lambda room=room: room)
        assert cpu_workers(tasks) == wanted


def test_bfloat16_is_for_processors_that_multiply_it(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    assert not multiplies_bfloat16(info)
    for flags, wanted in (
        ("fpu avx512_bf16", True),
        ("fpu amx_bf16 amx_tile", True),
        ("fpu avx512bw", False),
    ):
        write(info, f"processor : 0\nflags : {flags}\n\nprocessor : 1\nflags : {flags}\n")
        assert multiplies_bfloat16(info) is wanted
    write(info, "processor : 0\nflags : avx512_bf16\n\nprocessor : 1\nflags : fpu\n")
    assert not multiplies_bfloat16(info)
    write(info, "processor : 0\nmodel name : none with flags\n")
    assert not multiplies_bfloat16(info)


@pytest.mark.parametrize(("limit", "threads"), [("use_threads(1)", "1"), ("torch.set_num_threads(1)", "2")])
def test_compiled_kernels_do_not_give_torch_its_threads_back(limit: str, threads: str) -> None:
    """With torch's own call they do, which is why there is another: the second case says that the first
    still means something."""
    code = (
        "import torch\n"
        "from solver.arc.task import load_tasks\n"
        "from solver.model.checkpoint import load_weights\n"
        "from solver.model.device import place, use_threads\n"
        "from solver.tune.adapt import Tuning\n"
        "from solver.budget import Budget\n"
        "from solver.tune.settings import TuneSettings\n"
        f"{limit}\n"
        "task = load_tasks('examples/one_task')[0]\n"
        "weights, settings = load_weights('urm-nano'), TuneSettings(augmentations=2)\n"
        "Tuning(weights, [task], settings=settings, budget=Budget(steps=1), placement=place('cpu'), seed=0)\n"
        "print(torch.get_num_threads())\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment |= {"NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    environment.pop("NUMBA_DISABLE_JIT", None)
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, text=True, capture_output=True, cwd=ROOT
    )
    assert said.stdout.split() == [threads], said.stderr

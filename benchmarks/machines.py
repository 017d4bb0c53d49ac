"""The machines that a run may be on, with the rates that are assumed for them."""

from dataclasses import dataclass

from solver.run.schedule import Shares, shares_for
from solver.run.settings import SolveOptions

TASKS = 240


@dataclass(frozen=True)
class Machine:
    """``kind``, ``devices``; ``hours`` for solving, Kaggle's limit less its reserve; ``peak``: FLOP/s of
    one device at the matrix products that the solver makes there, by the maker's data sheet, or measured."""

    name: str
    kind: str
    devices: int
    hours: float
    peak: float

    def shares(self, tasks: int = TASKS) -> Shares:
        """The division of its time among so many tasks."""
        options = SolveOptions(budget_seconds=self.hours * 3600)
        joint = options.tunes_jointly(self.kind, self.devices, tasks)
        return shares_for(self.kind, self.hours, tasks / self.devices, joint=joint)


L4, T4 = 121e12, 65e12  # dense bfloat16, dense float16
CORE = 60e9  # float32, of one thread, as docs/LOG.md has it

MACHINES = (
    Machine("4 x L4, 11.25 h", "cuda", 4, 11.25, L4),
    Machine("2 x T4, 12 h less 45 min", "cuda", 2, 11.25, T4),
    Machine("2 x T4, 9 h less 45 min", "cuda", 2, 8.25, T4),
    Machine("1 GPU (L4), 2 h", "cuda", 1, 2.0, L4),
    Machine("4 CPU cores, 9 h less 45 min", "cpu", 4, 8.25, CORE),
)


def shares_table() -> list[str]:
    """Lines of Markdown: how each machine's time is divided among TASKS tasks."""
    lines = [
        "| machine | s a task | quick | joint | of it replay | tune | refine | views |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for machine in MACHINES:
        made = machine.shares()
        parts = (made.quick, made.joint, made.replay, made.tune, made.refine)
        cells = " | ".join(f"{part:.0%}" if part else "-" for part in parts)
        lines.append(f"| {machine.name} | {made.seconds:.0f} | {cells} | {made.augmentations} |")
    return lines

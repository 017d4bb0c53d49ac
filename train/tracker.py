"""Numbers of a run to TensorBoard or Weights & Biases, offline unless told otherwise (extra ``track``)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Tracker(Protocol):
    """Where the numbers of the log go too."""

    def write(self, event: str, step: int, values: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files in ``tensorboard`` below the run's folder."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder / "tensorboard"))

    def write(self, event: str, step: int, values: Mapping[str, float]) -> None:
        for key, value in values.items():
            self.writer.add_scalar(f"{event}/{key}", value, step)

    def close(self) -> None:
        self.writer.close()


class WeightsAndBiases:
    """A run in ``wandb`` below the run's folder; WANDB_MODE=online in the environment sends it."""

    def __init__(self, folder: Path, project: str, name: str) -> None:
        import wandb

        mode = os.environ.get("WANDB_MODE", "offline")
        self.run = wandb.init(project=project, name=name, dir=str(folder), mode=mode)

    def write(self, event: str, step: int, values: Mapping[str, float]) -> None:
        self.run.log({f"{event}/{key}": value for key, value in values.items()}, step=step)

    def close(self) -> None:
        self.run.finish()


def open_tracker(name: str, folder: Path, project: str) -> Tracker | None:
    """``tensorboard``, ``wandb`` or ``none``; ValueError where the package is missing."""
    if name == "none":
        return None
    try:
        return (
            TensorBoard(folder) if name == "tensorboard" else WeightsAndBiases(folder, project, folder.name)
        )
    except ImportError as error:
        raise ValueError(f'tracker {name}: not installed: pip install "arc-urm-solver[track]"') from error

"""A tiny recipe by cells on the example tasks, and runs of it that end early."""

from pathlib import Path

from solver.model.device import place
from train.config import resolve
from train.data import CellData
from train.distributed import World
from train.loop import Call
from train.settings import TrainConfig
from train.trainer import Trainer

EXAMPLES = Path(__file__).parents[1] / "examples"
FILE = "arc1_eval_20.json"
CPU = place("cpu")
RECIPE = f"""
run_name: tiny
arch:
  name: urm
  hidden_size: 16
  num_heads: 2
  num_layers: 1
  H_cycles: 2
  L_cycles: 1
  loops: 2
  pos_encodings: rope2d
  canvas: cropped
  memory: cose
data_path: {EXAMPLES}
sources: [{{file: {FILE}, tests: false}}]
flop: 1.0e+9
max_cells: 100
stages: [[0.0, 1, 1, 1], [0.5, 2]]
mixture: {{tokens: 1200}}
lr: 1.0e-3
warm_up: 0.02
decay_from: 0.5
ema: true
ema_rate: 0.998
ema_warm: true
log_interval: 100
load_checkpoint: latest
device: cpu
"""


def write_recipe(folder: Path, text: str = RECIPE) -> str:
    """The recipe as a file; its name for the command."""
    path = folder / "tiny.yaml"
    path.write_text(text)
    return str(path)


def config_of(recipe: str, folder: Path | str, *words: str) -> TrainConfig:
    """The recipe with other settings, leaving what it leaves in a folder."""
    return resolve([recipe, f"checkpoint_path={folder}", *words])


class Steps(Call):
    """A call that ends after so many looks at its clock."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def left(self) -> float:
        self.looks -= 1
        return 0.0 if self.looks < 0 else float("inf")


def trainer_of(recipe: str, *words: str) -> Trainer:
    """A trainer of the recipe before its first step."""
    config = resolve([recipe, "checkpoint_path=none", *words])
    return Trainer(config, CellData(config, CPU).feed, World(), CPU)

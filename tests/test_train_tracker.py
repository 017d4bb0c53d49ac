"""The trackers, run for real: what they wrote is read back with their own readers. Extra ``track``."""

import json
import struct
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from training import small, sudoku_data

from train.distributed import World
from train.log import FILE, read_log
from train.loop import train

# Neither package is ours: what they warn of on import is theirs to mend.
BLOCK = 32768
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def tracked(name: str, folder: Path) -> list[dict]:
    """The records of a run of 20 steps and two evaluations with a tracker."""
    data = sudoku_data(folder, train=60, test=12)
    words = (f"tracker={name}", "epochs=4", "eval_interval=2", "project_name=toys")
    train(small(data, folder / "run", *words), World(), quiet=True)
    return read_log(folder / "run" / FILE)


def numbers(records: list[dict], event: str, key: str) -> list[tuple[int, float]]:
    return [(r["step"], r[key]) for r in records if r["event"] == event]


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="needs the extra track")
def test_tensorboard_holds_the_log(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    records = tracked("tensorboard", tmp_path)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    for event, key, count in (("train", "loss", 20), ("train", "lr", 20), ("eval", "exact_accuracy", 2)):
        found = [(e.step, e.value) for e in events.Scalars(f"{event}/{key}")]
        wanted = numbers(records, event, key)
        assert len(wanted) == count
        assert [step for step, _ in found] == [step for step, _ in wanted]
        assert [value for _, value in found] == pytest.approx([value for _, value in wanted], rel=1e-6)


def frames(data: bytes) -> Iterator[bytes]:
    """The records of a ``.wandb`` file: LevelDB's log format behind a header of seven bytes."""
    place, held = 7, b""
    while place < len(data):
        if BLOCK - place % BLOCK < 7:  # too little for a record's head: filled up
            place += BLOCK - place % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)
        held += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield held
            held = b""


@pytest.mark.skipif(find_spec("wandb") is None, reason="needs the extra track")
def test_weights_and_biases_holds_the_log_and_stays_offline(tmp_path: Path, monkeypatch) -> None:
    from wandb.proto import wandb_internal_pb2

    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_SILENT", "true")
    records = tracked("wandb", tmp_path)
    (folder,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    (file,) = folder.glob("run-*.wandb")
    history = []
    for data in frames(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            history.append({i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items})
    for event, key in (("train", "loss"), ("eval", "exact_accuracy")):
        name = f"{event}/{key}"
        found = [(int(row["_step"]), row[name]) for row in history if name in row]
        assert found == numbers(records, event, key) and len(found) > 1

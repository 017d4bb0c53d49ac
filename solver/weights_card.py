"""Where sets of weights lie, and what their config.json says of devices and tasks; without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from solver.file import read_object
from solver.words import closest

WEIGHTS_FOLDER = Path(__file__).resolve().parents[1] / "weights"
DEFAULT_WEIGHTS = "urm-nano"  # where no shipped set is meant for the device
VECTORS_FILE = "tasks.safetensors"
KAGGLE = "kaggle"  # the bundle
DEVICES = ("cpu", "cuda", "mps", KAGGLE)  # what a set can be the default for


@dataclass(frozen=True)
class Card:
    """What a set says of itself. ``devices``: kinds that it is the default for. ``seen``: checksums of
    the tasks it was trained on; ``seen_tests``: of those whose test outputs it has seen as well.
    ``known``: checksums of the tasks whose trained vectors it carries, row by row of VECTORS_FILE."""

    devices: tuple[str, ...]
    seen: tuple[str, ...]
    seen_tests: tuple[str, ...]
    known: tuple[str, ...]


def available_weights() -> list[str]:
    """Names of the sets of weights that are shipped."""
    return sorted(path.parent.name for path in WEIGHTS_FOLDER.glob("*/config.json"))


def find_weights(name: str) -> Path:
    """The folder of a shipped set by its name, or of any other by its path; ValueError if neither."""
    for folder in (Path(name), WEIGHTS_FOLDER / name):
        if (folder / "config.json").is_file():
            return folder
    names = available_weights()
    raise ValueError(
        f"weights {name}: neither a folder with a config.json nor one of the shipped sets "
        f"({', '.join(names) or 'none here'}){closest(name, names)}"
    )


def shown_name(folder: Path) -> str:
    """A set's name for people: its folder's, and of one that is called "weights", as a training run writes
    it, also that of the folder it is in."""
    whole = folder.absolute()
    return f"{whole.parent.name}/{whole.name}" if whole.name == "weights" else whole.name


def default_weights(*kinds: str) -> str:
    """The shipped set that is meant for the first of ``kinds`` for which there is one; of several the
    first by name, and DEFAULT_WEIGHTS where no set is meant for any."""
    cards = {name: read_card(WEIGHTS_FOLDER / name) for name in available_weights()}
    for kind in kinds:
        for name, card in cards.items():
            if kind in card.devices:
                return name
    return DEFAULT_WEIGHTS


def read_card(folder: Path) -> Card:
    """What the set in ``folder`` says of itself; ValueError for no readable config.json."""
    path = folder / "config.json"
    value = read_object(path)
    provenance = value.get("provenance") or {}
    seen = _names(provenance.get("tasks"), path, "provenance, tasks")
    tests = provenance.get("test_pairs_seen")  # true for all of them, or the checksums of some
    seen_tests = seen if tests is True else _names(tests or None, path, "provenance, test_pairs_seen")
    devices = _names(value.get("devices"), path, "devices")
    return Card(devices, seen, seen_tests, _names(value.get("known"), path, "known"))


def _names(value: object, path: Path, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{path}, {where}: wanted a list of names, found {str(value)[:40]}")
    return tuple(value)


def check_devices(devices: Sequence[str]) -> None:
    """ValueError for a kind of device that no run asks for."""
    for device in devices:
        if device not in DEVICES:
            wanted = f"wanted one of {', '.join(DEVICES)}"
            raise ValueError(f"default for {device!r}: {wanted}{closest(device, list(DEVICES))}")

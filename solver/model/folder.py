"""Where sets of weights lie, and what their config.json says of the tasks they have seen; without torch."""

import json
from pathlib import Path

from solver.model.config import closest

WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "weights"


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


def seen_tasks(folder: Path) -> tuple[str, ...]:
    """Checksums of the tasks that the weights were trained on; ValueError for no readable config.json."""
    path = folder / "config.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from error
    tasks = (value.get("provenance") or {}).get("tasks") if isinstance(value, dict) else None
    return tuple(str(task) for task in tasks or ())

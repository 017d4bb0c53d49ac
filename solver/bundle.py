"""The Kaggle bundle: the solver as one kernel file, the weights as a data set, and Kaggle's metadata.

``dist/kernel/`` goes to ``kaggle kernels push``, ``dist/weights/`` to ``kaggle datasets create``. The
kernel file holds the package as a zip archive in base 85 text; it unpacks it to a scratch folder.
"""

import base64
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from solver.file import read_object, refuse_inputs, replace_file
from solver.weights_card import KAGGLE, VECTORS_FILE, default_weights, find_weights, read_card

COMPETITION = "arc-prize-2026-arc-agi-2"
LICENCE = "apache-2.0"
KERNEL_TITLE, WEIGHTS_TITLE = "ARC URM Solver", "ARC URM Solver Weights"
_EMBEDDED = {".py", ".j2", ".css", ".js"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the archive: the same sources, the same bytes
_USER = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")  # as the kaggle package wants the owner of a model
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_KERNEL = '''"""An offline ARC-AGI solver for the ARC Prize, in one file: written by ``solve bundle``.

It unpacks the solver's own source, which is the text below, into a scratch folder and runs it. The weights
are an attached data set. Nothing is downloaded or installed.
"""

import base64
import io
import sys
import tempfile
import zipfile
from pathlib import Path

SOURCE = """
{payload}
"""


def unpack() -> str:
    """The folder that now holds the package ``solver``."""
    roomy = Path("/kaggle/temp")
    folder = tempfile.mkdtemp(prefix="arc-urm-source-", dir=roomy if roomy.is_dir() else None)
    data = base64.b85decode("".join(SOURCE.split()))
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
    return folder


if __name__ == "__main__":
    sys.path.insert(0, unpack())
    from solver.kaggle.kernel import main

    status = main()
    if status or "ipykernel" not in sys.modules:  # a notebook takes any exit for a failure
        sys.exit(status)
'''


@dataclass(frozen=True)
class Bundle:
    """What was written. ``kernel``, ``weights``: folders. ``sizes``: bytes of each file by its path."""

    kernel: Path
    weights: Path
    sizes: dict[Path, int]


def write_bundle(
    folder: Path, *, user: str, competition: str = COMPETITION, weights: str | None = None, plan: str = ""
) -> Bundle:
    """Write both folders. ValueError for a name that Kaggle would refuse or weights that are not there.

    ``weights``: None takes the shipped set that is meant for Kaggle, or else for a GPU. ``plan``: how the
    kernel divides its time, in a sentence for the data set's description."""
    source = find_weights(weights or default_weights(KAGGLE, "cuda"))
    kernel_id = resource_id(user, KERNEL_TITLE)
    weights_id = resource_id(user, WEIGHTS_TITLE)
    if not _SLUG.fullmatch(competition):
        raise ValueError(f"competition {competition!r}: wanted a name such as {COMPETITION}")
    code = kernel_source()
    files = {
        "kernel/kaggle_kernel.py": code.encode(),
        "kernel/kaggle_kernel.ipynb": _json(notebook(code)),
        "kernel/kernel-metadata.json": _json(kernel_metadata(kernel_id, weights_id, competition)),
        "weights/dataset-metadata.json": _json(dataset_metadata(weights_id, describe(source, plan))),
        "weights/config.json": _read(source / "config.json"),
        "weights/model.safetensors": _read(source / "model.safetensors"),
    }
    if (source / VECTORS_FILE).is_file():
        files[f"weights/{VECTORS_FILE}"] = _read(source / VECTORS_FILE)
    refuse_inputs([folder / name for name in files], [path for path in source.iterdir() if path.is_file()])
    sizes = {}
    for name, data in files.items():
        replace_file(folder / name, data)
        sizes[folder / name] = len(data)
    return Bundle(folder / "kernel", folder / "weights", sizes)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


# The kernel's text


def kernel_source() -> str:
    """The self-contained kernel: this package's own sources inside a few lines that unpack them."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, data in _sources():
            file.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED, 9)
    text = base64.b85encode(archive.getvalue()).decode()
    return _KERNEL.format(payload="\n".join(text[n : n + 110] for n in range(0, len(text), 110)))


def _sources() -> Iterator[tuple[str, bytes]]:
    package = Path(__file__).resolve().parent
    for path in sorted(package.rglob("*")):
        if path.suffix in _EMBEDDED and "__pycache__" not in path.parts:
            yield f"solver/{path.relative_to(package).as_posix()}", path.read_bytes()


def notebook(code: str) -> dict[str, object]:
    """The same source as the one cell of a notebook."""
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "kernel",
        "metadata": {},
        "outputs": [],
        "source": code.splitlines(keepends=True),
    }
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": spec, "language_info": {"name": "python"}}
    return {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


# Kaggle's metadata


def slug_of(title: str) -> str:
    """The title as Kaggle puts it into an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def resource_id(user: str, title: str) -> str:
    """``user/slug``. ValueError where Kaggle's rules for users, titles or slugs are broken."""
    if not _USER.fullmatch(user):
        raise ValueError(f"user {user!r}: wanted a Kaggle user name as in its address (a-z, 0-9, - and _)")
    if not 6 <= len(title) <= 50:
        raise ValueError(f"title {title!r}: wanted 6 to 50 letters, found {len(title)}")
    slug = slug_of(title)
    if not 6 <= len(slug) <= 50:
        raise ValueError(f"title {title!r}: wanted 6 to 50 letters and digits, found {slug!r}")
    return f"{user}/{slug}"


def kernel_metadata(kernel_id: str, weights_id: str, competition: str) -> dict[str, object]:
    """``kernel-metadata.json`` for ``kaggle kernels push``: a private script on four L4, offline."""
    return {
        "id": kernel_id,
        "title": KERNEL_TITLE,
        "code_file": "kaggle_kernel.py",
        "language": "python",
        "kernel_type": "script",
        "is_private": True,
        "enable_gpu": True,
        "enable_tpu": False,
        "enable_internet": False,
        "machine_shape": "NvidiaL4",
        "dataset_sources": [weights_id],
        "competition_sources": [competition],
        "kernel_sources": [],
        "model_sources": [],
    }


def dataset_metadata(weights_id: str, description: str) -> dict[str, object]:
    """``dataset-metadata.json`` for ``kaggle datasets create``."""
    licence = {"name": LICENCE}
    return {"title": WEIGHTS_TITLE, "id": weights_id, "licenses": [licence], "description": description}


def describe(weights: Path, plan: str = "") -> str:
    """What the weights in this folder are, for people; with ``weights_sum`` as the kernel's log says it."""
    config, card = read_object(weights / "config.json"), read_card(weights)
    provenance = config.get("provenance") or {}
    sources = ", ".join(map(str, provenance.get("data") or [])) or "nothing that is recorded"
    parts = [
        f"{provenance.get('name') or weights.resolve().name}: a network of the family {config.get('arch')}",
        f"trained on {len(card.seen)} public tasks ({sources})",
        f"{len(card.seen_tests)} of them with their test outputs",
        weights_sum(_read(weights / "model.safetensors")),
    ]
    return ", ".join(parts) + "." + (plan and f" {plan}")


def weights_sum(data: bytes) -> str:
    """The checksum of a weights file in words."""
    return f"CRC-32 of model.safetensors {zlib.crc32(data):08x}"

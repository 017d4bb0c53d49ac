"""Sets of weights on disk: strict, whole, found by name, read with and without the library."""

import errno
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from model_inputs import ARCHES, make_batch, small_config

from solver import file
from solver import weights_card as weights_folder
from solver.file import replace_file
from solver.model import checkpoint
from solver.model.checkpoint import (
    load_weights,
    parse_safetensors,
    read_tensors,
    save_weights,
)
from solver.model.embedding import build_memory
from solver.model.registry import build_network
from solver.weights_card import available_weights, find_weights, shown_name

FOUND = {"tasks": ["abc"], "commit": "0123"}


def save_small(folder: Path, arch: str = "urm", dtype: torch.dtype = torch.float32, **changes: object):
    generator = torch.Generator().manual_seed(3)
    config = small_config(arch, **changes)
    network = build_network(config, generator)
    memory = build_memory(config, tasks=4, rows=5, generator=generator)
    shared = {k: v + torch.randn(v.shape, generator=generator) for k, v in memory.shared_state().items()}
    save_weights(folder, network, shared, FOUND, dtype)
    return network, shared


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("memory", ["table", "cose"])
def test_what_is_saved_is_loaded(arch: str, memory: str, tmp_path: Path) -> None:
    network, shared = save_small(tmp_path / "w", arch, memory=memory, memory_rank=4)
    found = load_weights(str(tmp_path / "w"))
    assert (found.name, found.config, found.provenance) == ("w", network.config, FOUND)
    for key, value in network.state_dict().items():
        assert torch.equal(found.network.state_dict()[key], value)
    assert found.memory.keys() == shared.keys()
    assert all(torch.equal(found.memory[key], value) for key, value in shared.items())
    fresh = found.new_memory(tasks=2, rows=3)
    batch = make_batch(network.config, [(2, 2), (2, 2)])
    wanted = shared["mean"] if memory == "table" else None
    vectors = fresh(batch.keys).vectors
    assert vectors.shape == (2, 32) and bool((vectors != 0).any())
    if wanted is not None:
        torch.testing.assert_close(vectors, wanted.expand(2, -1))


def test_mlp_t_is_saved_too(tmp_path: Path) -> None:
    network, _ = save_small(tmp_path / "w", "trm", mlp_t=True)
    assert load_weights(str(tmp_path / "w")).config == network.config


def test_half_precision_on_disk_is_float32_in_memory(tmp_path: Path) -> None:
    network, _ = save_small(tmp_path / "w", dtype=torch.bfloat16)
    raw = read_tensors(tmp_path / "w" / "model.safetensors")
    assert {tensor.dtype for tensor in raw.values()} == {torch.bfloat16}
    loaded = load_weights(str(tmp_path / "w")).network.state_dict()
    for key, value in network.state_dict().items():
        assert loaded[key].dtype == torch.float32
        assert torch.equal(loaded[key], value.bfloat16().float())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_the_fallback_reads_what_the_library_reads(dtype: torch.dtype, tmp_path: Path) -> None:
    values = {"a": torch.randn(3, 4), "b.c": torch.randn(2), "empty": torch.zeros(0, 2), "d": torch.ones(())}
    tensors = {name: value.to(dtype) for name, value in values.items()}
    data = safetensors.torch.save(tensors, {"note": "kept aside"})
    found = parse_safetensors(data, tmp_path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], value) for key, value in tensors.items())


def test_the_fallback_refuses_a_wrong_size(tmp_path: Path) -> None:
    data = safetensors.torch.save({"a": torch.zeros(3, 4)})
    with pytest.raises(ValueError, match=r"shape \[4, 4\] of F32 in 48 bytes"):
        parse_safetensors(data.replace(b"[3,4]", b"[4,4]"), tmp_path)


def test_weights_load_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = save_small(tmp_path / "w")
    monkeypatch.setattr(checkpoint, "find_spec", lambda name: None)
    loaded = load_weights(str(tmp_path / "w")).network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("library", [True, False])
@pytest.mark.parametrize("keep", [0, 5, 8, 300, -1])
def test_a_file_cut_short(library: bool, keep: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_small(tmp_path / "w")
    path = tmp_path / "w" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    if not library:
        monkeypatch.setattr(checkpoint, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_weights(str(tmp_path / "w"))


def test_a_missing_file(tmp_path: Path) -> None:
    save_small(tmp_path / "w")
    (tmp_path / "w" / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"model\.safetensors: cannot be read"):
        load_weights(str(tmp_path / "w"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda c: {**c, "arch": "ulm"},
            "arch ulm: unknown .did you mean urm.., wanted module@Class or one of hrm, trm, urm",
        ),
        (lambda c: {**c, "arch": "trm"}, "unknown key num_layers"),
        (lambda c: {**c, "format": 9}, "wanted format 1"),
        (lambda c: {**c, "model": []}, 'wanted an object under "model"'),
        (lambda c: {**c, "model": {**c["model"], "hiden_size": 3}}, r"did you mean hidden_size\?"),
        (lambda c: {**c, "model": {**c["model"], "loops": "4"}}, "loops is '4', wanted int"),
        (lambda c: {**c, "model": {**c["model"], "memory": "tables"}}, "wanted one of table, cose"),
        (lambda c: {**c, "model": {**c["model"], "num_layers": 2}}, "unexpected network.layers.2"),
        (lambda c: {**c, "model": {**c["model"], "num_layers": 5}}, "missing network.layers.4"),
        (lambda c: {**c, "model": {**c["model"], "vocab_size": 11}}, r"shape \[12, 32\], wanted \[11, 32\]"),
        (lambda c: [], "wanted an object, found list"),
        (lambda c: {**c, "devices": "cpu"}, "devices: wanted a list of names, found cpu"),
    ],
)
def test_one_sentence_for_what_does_not_fit(change, said: str, tmp_path: Path) -> None:
    save_small(tmp_path / "w")
    path = tmp_path / "w" / "config.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(ValueError, match=said):
        load_weights(str(tmp_path / "w"))


def test_shipped_sets_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_folder, "WEIGHTS_FOLDER", tmp_path)
    save_small(tmp_path / "urm-small")
    save_small(tmp_path / "other", "trm")
    (tmp_path / "empty").mkdir()
    assert available_weights() == ["other", "urm-small"]
    assert find_weights("urm-small") == tmp_path / "urm-small"
    assert find_weights(str(tmp_path / "other")) == tmp_path / "other"
    assert load_weights("other").config.arch == "trm"
    with pytest.raises(ValueError, match=r"\(other, urm-small\) \(did you mean urm-small\?\)"):
        find_weights("urm-smal")


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    replace_file(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(file.os, "fsync", _full_disk)
        with pytest.raises(ValueError, match=r"f: cannot be written \(No space left"):
            replace_file(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def _full_disk(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_weights_in_a_folder_of_that_name_are_called_after_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_small(tmp_path / "first" / "weights")
    monkeypatch.chdir(tmp_path / "first")
    assert load_weights("weights").name == load_weights(str(tmp_path / "first" / "weights")).name
    assert [shown_name(Path(name)) for name in ("weights", "a/b")] == ["first/weights", "b"]

"""What a run by cells is shown: pools without leaks, samples in their shares, packed batches, evaluations."""

import json
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import torch
from cell_runs import EXAMPLES, FILE, write_recipe

from solver.arc.seed import derive_generator
from solver.arc.task import load_tasks
from solver.model.batch import IGNORE
from solver.model.config import URMConfig
from solver.model.embedding import build_memory
from solver.model.loss import act_loss
from solver.model.urm import URM
from solver.tune.views import build_batch
from train.cells import Deck, Frame, fill_parcel, frame_of
from train.config import resolve
from train.distributed import World
from train.feed import Maker, arrive, blocks, full_side
from train.log import read_log
from train.loop import train
from train.pool import PooledTask, build_pool, pair_key, pool_of, unseen
from train.settings import Mixture, Source, TrainConfig

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pool():
    return build_pool(EXAMPLES, [Source(FILE, tests=False)], max_cells=60)


def test_the_pool_leaves_out_what_is_too_large_and_test_pairs(pool) -> None:
    tasks = {task.id: task for task in load_tasks(EXAMPLES / FILE)}
    assert 0 < len(pool) < len(tasks)
    for entry in pool:
        known = {pair_key(pair) for pair in tasks[entry.task.id].train}
        assert {pair_key(pair) for pair in entry.pairs} <= known
        assert all(max(p.input.size, p.output.size) <= 60 for p in entry.pairs)
    with_tests = build_pool(EXAMPLES, [Source(FILE)])
    full = build_pool(EXAMPLES, [Source(FILE, tests=False)], max_cells=60, side=30)
    assert [(e.task.id, len(e.pairs)) for e in full] == [(e.task.id, len(e.pairs)) for e in pool]
    pairs = sum(len(task.train) + len(task.test) for task in tasks.values())
    assert sum(len(entry.pairs) for entry in with_tests) == pairs


def test_generated_pairs_join_their_task(tmp_path: Path) -> None:
    pair = {"input": [[1, 2]], "output": [[2, 1]]}
    lines = [json.dumps({"id": "be03b35f", "pairs": [pair, pair]}), json.dumps({"id": "no", "pairs": [pair]})]
    (tmp_path / "extra.jsonl").write_text("\n".join(lines))
    (tmp_path / FILE).write_bytes((EXAMPLES / FILE).read_bytes())
    pool = build_pool(tmp_path, [Source(FILE, tests=False)], extra="extra.jsonl")
    assert {entry.task.id: len(entry.extra) for entry in pool if entry.extra} == {"be03b35f": 2}


def as_json(pairs) -> list[dict]:
    return [{"input": p.input.tolist(), "output": p.output.tolist()} for p in pairs]


def test_test_pairs_of_held_out_tasks_are_left_out_wherever_they_stand(tmp_path: Path) -> None:
    source = EXAMPLES / FILE
    first, second = load_tasks(source)[:2]
    leaky = {"train": as_json([*first.train, second.test[0]]), "test": as_json(first.test)}
    (tmp_path / "leaky.json").write_text(json.dumps({"leaky": leaky}))
    sizes = [
        len(build_pool(tmp_path, [Source("leaky.json")], never=unseen(held, []))[0].pairs)
        for held in ([], [source])
    ]
    assert sizes == [len(first.train) + 1 + len(first.test), len(first.train)]
    assert build_pool(tmp_path, [Source("leaky.json")], never=unseen([], [source])) == []


def test_turned_and_recoloured_pairs_are_held_out_and_excluded_too(tmp_path: Path) -> None:
    source = EXAMPLES / FILE
    task = load_tasks(source)[0]
    palette = np.array([0, 2, 3, 4, 5, 6, 7, 8, 9, 1])
    moved = [{k: np.rot90(palette[np.array(v)]).tolist() for k, v in p.items()} for p in as_json(task.test)]
    strange = {"input": [[1, 2, 3], [4, 5, 6]], "output": [[9]]}
    (tmp_path / "leaky.json").write_text(
        json.dumps({"leaky": {"train": [*moved, strange], "test": [strange]}})
    )
    (entry,) = build_pool(tmp_path, [Source("leaky.json")], never=unseen([source], []))
    assert [pair.output.tolist() for pair in entry.pairs] == [[[9]]]
    assert build_pool(tmp_path, [Source("leaky.json")], never=unseen([], [source])) == []
    (entry,) = build_pool(EXAMPLES, [Source(FILE, tests=False)], never=unseen([source], []))[:1]
    assert len(entry.pairs) == len(task.train), "a task's own demonstrations stay"


def test_versions_of_a_task_become_one(tmp_path: Path) -> None:
    task = load_tasks(EXAMPLES / FILE)[0]
    for name, pairs in (("one", task.train), ("two", task.train[:2])):
        value = {task.id: {"train": as_json(pairs), "test": as_json(task.test)}}
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    (entry,) = build_pool(tmp_path, [Source("one.json"), Source("two.json", weight=2.0)])
    assert len(entry.pairs) == len(task.train) + len(task.test)
    assert len(entry.checksums) == 2 and entry.weight == 2.0 and entry.tested == entry.checksums
    (entry,) = build_pool(tmp_path, [Source("one.json", tests=False), Source("two.json", tests=False)])
    assert len(entry.pairs) == len(task.train) and entry.tested == ()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public sets' files with a few example tasks each, laid out with every kind of overlap: shared
    is in all but concept, twin has another id in training2, leak shows an evaluation test pair."""
    tasks = load_tasks(EXAMPLES / FILE)
    folder = tmp_path_factory.mktemp("data")
    (folder / "arc").mkdir()
    sets = {
        "training": tasks[:3],
        "evaluation": tasks[3:8],
        "concept": tasks[8:10],
        "training2": [*tasks[:2], *tasks[3:6], tasks[10]],
        "evaluation2": [tasks[7], tasks[11], tasks[12]],
    }
    for name, members in sets.items():
        value = {t.id: {"train": as_json(t.train), "test": as_json(t.test)} for t in members}
        if name == "training2":
            value["twin"] = {"train": as_json(tasks[11].train), "test": as_json(tasks[11].test)}
        if name == "training":
            value["leak"] = {
                "train": as_json([tasks[3].test[0], *tasks[13].train]),
                "test": [as_json([tasks[13].test[0]])[0]],
            }
        (folder / f"arc/arc-agi_{name}_challenges.json").write_text(json.dumps(value))
    line = {"id": tasks[0].id, "pairs": as_json(tasks[7].test[:1] + tasks[0].train[:1])}
    (folder / "re_arc_120.jsonl").write_text(json.dumps(line))
    return folder


def pool_for(config: TrainConfig) -> list[PooledTask]:
    return pool_of(config.run, full_side(config))


def shown(name: str, data: Path) -> tuple[set[str], set[bytes]]:
    """Ids of the tasks and every pair that a shipped recipe trains on, the evaluations' sample empty."""
    pool = pool_for(resolve([name, f"data_path={data}", "extra=re_arc_120.jsonl", "watch={}"]))
    return {e.task.id for e in pool}, {pair_key(p) for e in pool for p in (*e.pairs, *e.extra)}


def keys_of(data: Path, name: str, part: str) -> set[bytes]:
    tasks = load_tasks(data / f"arc/arc-agi_{name}_challenges.json")
    return {pair_key(pair) for task in tasks for pair in getattr(task, part)}


@pytest.mark.parametrize("name", ["urm_nano", "urm_nano_deep", "urm_arc_short", "urm_arc_small", "urm_small"])
def test_the_default_recipes_see_no_evaluation_task(name: str, data: Path) -> None:
    ids, pairs = shown(name, data)
    # The task "leak" shows a pair of an evaluation task: it stays without that pair, or goes as a whole.
    assert ("leak" in ids) == (not resolve([name]).run.exclude) and ids.isdisjoint(
        t.id for t in load_tasks(data / "arc/arc-agi_evaluation_challenges.json")
    )
    assert pairs.isdisjoint(keys_of(data, "evaluation", "train") | keys_of(data, "evaluation", "test"))
    small = resolve([name]).run.max_cells < 900
    assert small or keys_of(data, "concept", "test") <= pairs, "other test pairs are trained on"


def test_tasks_that_evaluations_tune_on_may_be_kept_out_whole(data: Path) -> None:
    name = "arc/arc-agi_training_challenges.json"
    watch = f"watch={{tuned_file: {name}, tuned_modulus: 1, tuned_unseen: %s}}"
    tuned = {task.id for task in load_tasks(data / name)}
    for unseen_too in (True, False):
        words = [f"data_path={data}", "extra=re_arc_120.jsonl", watch % str(unseen_too).lower()]
        pool = pool_for(resolve(["urm_arc_short", *words]))
        assert tuned.isdisjoint(e.task.id for e in pool) == unseen_too and pool


@pytest.mark.parametrize("name", ["urm_nano_public", "urm_arc_public"])
def test_public_recipes_see_evaluation_demonstrations_and_none_of_their_test_pairs(
    name: str, data: Path
) -> None:
    _, pairs = shown(name, data)
    assert keys_of(data, "evaluation", "train") & pairs
    assert keys_of(data, "evaluation", "train") <= pairs or "nano" in name, "all but large ones"
    assert pairs.isdisjoint(keys_of(data, "evaluation", "test"))
    with pytest.raises(ValueError, match="held out, so its test pairs cannot be trained on"):
        resolve([name, "sources.2.tests=true"])


@pytest.mark.parametrize("name", ["urm_nano_kaggle", "urm_kaggle"])
def test_the_honest_recipes_see_nothing_of_the_newer_evaluation(name: str, data: Path) -> None:
    hidden = keys_of(data, "evaluation2", "train") | keys_of(data, "evaluation2", "test")
    ids, pairs = shown(f"{name}_honest", data)
    assert pairs.isdisjoint(hidden) and "twin" not in ids
    _, everything = shown(name, data)
    if "nano" in name:  # large pairs are in neither
        assert hidden & everything
    else:
        assert hidden <= everything and (keys_of(data, "evaluation", "test") - hidden) <= pairs


def test_mixture_shares_are_kept(pool) -> None:
    heavy = [*pool[:-1], replace(pool[-1], weight=float(len(pool) - 1))]
    deck = Deck(heavy, Mixture(plain_share=0.5, larger_share=0.0), seed=1)
    views = [view for batch in deck.padded(0) for view in batch]
    assert len(views) == 1024
    plain = np.mean([view.augmentation.palette == tuple(range(10)) for view in views])
    assert 0.4 < plain < 0.6
    assert np.bincount([view.augmentation.symmetry for view in views], minlength=8).min() > 80
    assert 0.4 < np.mean([view.task == len(pool) for view in views]) < 0.6, "half of all weight"


def test_padded_batches_are_set_by_tokens(pool) -> None:
    for batch in Deck(pool, Mixture(tokens=800), seed=1).padded(0):
        largest = max(view.canvas[0] * view.canvas[1] for view in batch)
        assert len(batch) * largest <= 800 or len(batch) == 1


def test_any_number_of_processes_gives_the_same_blocks(pool) -> None:
    deck = Deck(pool[:3], Mixture(tokens=1000), seed=3)
    maker = Maker(deck, frame_of(deck, 1))
    feeds = [blocks(maker, start=5, workers=n) for n in (0, 1)]
    for _ in range(2):
        for one, other in zip(*(next(feed) for feed in feeds), strict=True):
            a, b = (arrive(item, maker.frame, CPU).batch for item in (one, other))
            assert torch.equal(a.tokens, b.tokens) and torch.equal(a.keys.palettes, b.keys.palettes)
    for feed in feeds:
        feed.close()


@pytest.mark.parametrize("slots", [3, 8, 60])
def test_every_packed_batch_fills_its_frame(pool, slots: int) -> None:
    deck = Deck(pool, Mixture(tokens=1700), seed=2)
    frame = Frame(tokens=1700, slots=slots, cells=900, prefix=1)
    for number in range(6):
        parcel = fill_parcel(deck, frame, number)
        lengths = parcel.sides.astype(int).prod(1) + 1
        assert len(lengths) == slots and lengths.sum() == 1700 and lengths.max() <= 901
        assert (parcel.tasks[: parcel.samples] > 0).all() and not parcel.cells[:, parcel.samples :].any()
    assert slots < 60 or parcel.samples > 20


def test_too_few_tokens_for_packed_batches_are_refused(pool) -> None:
    with pytest.raises(ValueError, match="tokens is 150, wanted"):
        frame_of(Deck(pool, Mixture(tokens=150), seed=0), 1)


def test_blank_sequences_change_no_loss(pool) -> None:
    """A packed batch gives each sample the loss that it has in a padded batch of its own."""
    config = URMConfig(
        hidden_size=16, num_heads=2, num_layers=1, H_cycles=1, L_cycles=2, puzzle_emb_ndim=16,
        canvas="cropped", memory="cose", pos_encodings="rope2d",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    network = URM(config, generator)
    memory = build_memory(config, tasks=len(pool) + 1, rows=1, generator=generator)
    deck = Deck(pool, Mixture(tokens=1000), seed=4)
    frame = frame_of(deck, config.prefix_len)
    packed = arrive(fill_parcel(deck, frame, 0), frame, CPU)
    size = packed.samples
    assert size < frame.slots and (packed.batch.labels[size:] == IGNORE).all()

    def loss(batch):
        vectors = memory(batch.keys).vectors
        states = network.initial_states(batch, torch.float32)
        output = network(states, batch, vectors, torch.float32)
        return act_loss(output.logits, output.q_halt, output.q_continue, batch.labels)

    alone = loss(packed.batch.select(torch.arange(size)))
    together = loss(packed.batch)
    for name in ("lm", "q_halt"):
        torch.testing.assert_close(getattr(together, name), getattr(alone, name), rtol=1e-5, atol=1e-5)
    assert torch.equal(together.correct[:size], alone.correct) and not together.labelled[size:].any()


def test_packed_samples_are_drawn_as_padded_ones_are(pool) -> None:
    deck = Deck(pool, Mixture(tokens=1000), seed=4)
    frame = frame_of(deck, 1)
    parcel = fill_parcel(deck, frame, 0)
    views = deck.draw(derive_generator(4, "packed", 0), parcel.samples)
    batch = build_batch(views)
    cells = batch.tokens.shape[1]
    opened = arrive(parcel, frame, CPU).batch
    for name in ("tokens", "labels"):
        assert torch.equal(getattr(opened, name)[: parcel.samples, :cells], getattr(batch, name))
    assert torch.equal(opened.keys.symmetries[: parcel.samples], batch.keys.symmetries)


WATCHED = f"""
base: tiny
data_path: {EXAMPLES}
sources: [{{file: {FILE}}}]
flop: 2.0e+9
max_cells: 130
stages: [[0.0, 1]]
watch: {{file: {FILE}, modulus: 4, votes: 2, at: [0.2, 1.0]}}
watch.tuned_file: {FILE}
watch.tuned_modulus: 19
watch.tuned_steps: 2
"""


def test_evaluations_ask_pairs_that_were_kept_back(tmp_path: Path) -> None:
    write_recipe(tmp_path)
    (tmp_path / "watched.yaml").write_text(WATCHED)
    config = resolve([str(tmp_path / "watched.yaml"), f"checkpoint_path={tmp_path / 'run'}"])
    trained = {pair_key(p) for entry in pool_for(config) for p in entry.pairs}
    for task in load_tasks(EXAMPLES / FILE):
        for pair in task.test:
            small = max(pair.input.size, pair.output.size) < 70
            if crc32(task.id.encode()) % 4 == 0:
                assert pair_key(pair) not in trained
            elif small:
                assert pair_key(pair) in trained
    assert train(config, World(), quiet=True)["mark"] == 1.0
    found = [r for r in read_log(tmp_path / "run" / "log.jsonl") if r["event"] == "eval"]
    assert [record["mark"] for record in found] == [0.2, 1.0]
    assert found[0]["flop"] < found[1]["flop"] and 0 < found[0]["spent"] < found[1]["spent"]
    for record in found:
        assert 0 <= record["pass@1"] <= record["pass@2"] <= 1 and record["loss"] > 0
    assert "tuned pass@2" in found[1] and "tuned pass@2" not in found[0]

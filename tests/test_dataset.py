"""The loader: both layouts, every rank, any step, and what a sample must be."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import twins
from solver.arc.task import Pair, Task, as_grid
from tests.made_tasks import make_task, write_subset
from train.dataset import CROPPED, Dataset, Samples, predicted_canvases
from train.dataset.build import Options, build_arc_dataset
from train.dataset.inspection import find_leaks

# Uncompiled (NUMBA_DISABLE_JIT=1), numpy warns of the wrap-around that random bits are made of.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

TRAINED = [make_task(f"train{n}", n, colours=3 + n % 3, train=2 + n % 3) for n in range(5)]
TESTED = [make_task(f"eval{n}", 50 + n, test=1 + n % 2, largest=30) for n in range(3)]
FIELDS = [name for name in Samples.__dataclass_fields__ if name != "valid"]


def no_bar(samples: int, size: int):
    return lambda count: None


def build(
    folder, layout: str, tested: list[Task] = TESTED, num_aug: int = 20, names=("training", "evaluation")
):
    """A data set of the made-up tasks, open."""
    write_subset(folder / "in", "training", TRAINED)
    write_subset(folder / "in", "evaluation", tested, solved=all(task.solved_publicly for task in tested))
    options = Options(folder / layout, layout, num_aug, 42, True)
    build_arc_dataset(options, str(folder / "in"), names, ["evaluation"], [], None, False, no_bar)
    return Dataset.open(folder / layout)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both")
    return build(folder, "compact"), build(folder, "rows")


def same(a: Samples, b: Samples) -> bool:
    return a.valid == b.valid and all(np.array_equal(getattr(a, f), getattr(b, f)) for f in FIELDS)


def batches(dataset: Dataset, **options) -> list[Samples]:
    return list(dataset.train_batches(**{"seed": 1, "epoch": 0, "batch_size": 8} | options))


OPTIONS = [{}, {"canvas": CROPPED}, {"canvas": CROPPED, "larger_share": 0.5}, {"epochs": 3, "epoch": 2}]


@pytest.mark.parametrize("options", OPTIONS)
def test_both_layouts_give_the_same_batches(both, options):
    compact, rows = both
    first, second = batches(compact, **options), batches(rows, **options)
    assert len(first) == len(second) > 1
    assert all(same(a, b) for a, b in zip(first, second, strict=True))
    assert compact.metadata == rows.metadata
    assert compact.identifiers.ids == rows.identifiers.ids
    assert np.array_equal(compact.identifiers.palettes, rows.identifiers.palettes)


@pytest.mark.parametrize("options", OPTIONS)
def test_ranks_share_each_batch_and_any_step_can_be_the_first(both, options):
    whole = batches(both[0], **options)
    shares = [batches(both[0], rank=rank, world_size=4, **options) for rank in range(4)]
    for step, batch in enumerate(whole):
        parts = [share[step] for share in shares]
        assert sum(part.valid for part in parts) == batch.valid
        identifiers = np.concatenate([part.identifiers[: part.valid] for part in parts])
        assert np.array_equal(identifiers, batch.identifiers[: batch.valid])
        row = 0
        for part in parts:
            for n in range(part.valid):
                area = int(part.heights[n]) * int(part.widths[n])
                assert np.array_equal(part.inputs[n, :area], batch.inputs[row, :area])
                row += 1
    resumed = batches(both[0], start_step=2, **options)
    assert len(resumed) == len(whole) - 2
    assert all(same(a, b) for a, b in zip(resumed, whole[2:], strict=True))


def test_an_epoch_visits_every_group_once_and_cuts_where_the_batch_is_full(both):
    split = both[0].splits["train"]
    seen: list[int] = []
    for batch in batches(both[0], batch_size=7):
        tasks = batch.tasks[: batch.valid]
        runs = [t for n, t in enumerate(tasks) if n == 0 or tasks[n - 1] != t]
        for place, task in enumerate(runs):
            mine = np.flatnonzero(tasks == task)
            assert len(set(batch.identifiers[mine])) == 1
            whole = int(split.pairs[task - 1])
            assert len(mine) == whole or (place == len(runs) - 1 and batch.valid == 7)
            assert len({batch.inputs[n].tobytes() for n in mine}) == len(mine)
        seen += runs
    assert sorted(seen) == list(range(1, 9))
    assert [b.identifiers.tolist() for b in batches(both[0], epoch=1)] != [
        b.identifiers.tolist() for b in batches(both[0])
    ]


def test_the_last_batch_is_padded_or_dropped(both):
    last = batches(both[0])[-1]
    assert 0 < last.valid < 8
    assert not last.inputs[last.valid :].any() and not last.identifiers[last.valid :].any()
    assert all(batch.valid == 8 for batch in batches(both[0], drop_last=True))


def test_samples_are_the_augmented_pairs_at_a_place_that_both_grids_share(both):
    tasks = [*TRAINED, *TESTED]
    for batch in batches(both[0], batch_size=64, epochs=4):
        for n in range(batch.valid):
            task = tasks[batch.tasks[n] - 1]
            pairs = task.train if task in TESTED else (*task.train, *task.test)
            canvases = [tokens[n].reshape(30, 30) for tokens in (batch.inputs, batch.labels)]
            assert any(drawn_as(canvases, pair, batch.symmetries[n], batch.palettes[n]) for pair in pairs)


def drawn_as(canvases: list[np.ndarray], pair: Pair, symmetry: int, palette: np.ndarray) -> bool:
    """Whether the canvases hold the augmented pair, both grids with one top-left corner."""
    row, column = np.argwhere(canvases[0] >= 2)[0]
    for canvas, grid in zip(canvases, (pair.input, pair.output), strict=True):
        moved = twins.turn(palette[grid], symmetry)
        if row + moved.shape[0] > 30 or column + moved.shape[1] > 30:
            return False
        if not np.array_equal(twins.canvas_tokens(moved, 30, 30, row, column), canvas):
            return False
    return True


def test_one_pair_of_each_augmented_task_is_at_the_origin(both):
    split = both[1].splits["train"]
    corners = [np.argwhere(row.reshape(30, 30) >= 2)[0] for row in split.inputs]
    still = np.array([not corner.any() for corner in corners])
    assert all(np.add.reduceat(still, split.puzzle_indices[:-1]) >= 1)
    assert not still.all() and len({tuple(corner) for corner in corners}) > 50


def test_cropped_canvases_are_the_box_and_its_border(both):
    full, cropped = batches(both[0]), batches(both[0], canvas=CROPPED)
    for a, b in zip(full, cropped, strict=True):
        assert b.inputs.shape[1] == max(int(h) * int(w) for h, w in zip(b.heights, b.widths, strict=True))
        for n in range(b.valid):
            boxes = [np.argwhere(t[n].reshape(30, 30) >= 2) for t in (a.inputs, a.labels)]
            sides = np.max([box.max(0) - box.min(0) + 1 for box in boxes], 0)
            assert (b.heights[n], b.widths[n]) == tuple(np.minimum(sides + 1, 30))
            area = int(b.heights[n]) * int(b.widths[n])
            assert not b.inputs[n, area:].any()
            for tokens, whole, box in zip((b.inputs, b.labels), (a.inputs, a.labels), boxes, strict=True):
                canvas = tokens[n, :area].reshape(b.heights[n], b.widths[n])
                (top, left), (bottom, right) = box.min(0), box.max(0) + 1
                grid = whole[n].reshape(30, 30)[top:bottom, left:right] - 2
                assert np.array_equal(canvas, twins.canvas_tokens(grid, *canvas.shape, 0, 0))


def asked(dataset: Dataset, cropped: bool, **options) -> list[Samples]:
    """The questions on full canvases, or on those that the demonstrations suggest."""
    canvases = predicted_canvases(dataset.questions(), dataset.demonstrations()) if cropped else None
    return list(dataset.test_batches(**{"batch_size": 8, "canvases": canvases} | options))


@pytest.mark.parametrize("cropped", [False, True])
@pytest.mark.parametrize("layout", [0, 1])
def test_every_question_is_asked_under_every_augmentation(both, layout, cropped):
    dataset = both[layout]
    questions = dataset.questions()
    wanted = [(task.id, n) for task in TESTED for n in range(len(task.test))]
    assert [(q.task_id, q.number) for q in questions] == wanted
    seen, blank = set(), 0
    for batch in (b for rank in range(2) for b in asked(dataset, cropped, rank=rank, world_size=2)):
        assert (batch.questions[batch.valid :] == -1).all()
        for n in range(batch.valid):
            question = questions[batch.questions[n]]
            assert dataset.identifiers.ids[batch.tasks[n] - 1] == question.task_id
            shape = int(batch.heights[n]), int(batch.widths[n])
            for tokens, grid in ((batch.inputs, question.input), (batch.labels, question.output)):
                moved = twins.turn(batch.palettes[n][grid], batch.symmetries[n])
                if grid is question.output and (np.array(moved.shape) > shape).any():
                    blank += 1
                    assert not tokens[n].any()
                    continue
                drawn = twins.canvas_tokens(moved, *shape, 0, 0).ravel()
                assert np.array_equal(tokens[n, : drawn.size], drawn)
            seen.add((int(batch.questions[n]), int(batch.identifiers[n])))
    assert len(seen) == 4 * 21 and (blank > 0) == cropped
    first = [b.questions[: b.valid].tolist() for b in asked(dataset, cropped, batch_size=99, augmentations=1)]
    assert first == [[0, 1, 2, 3]]


@pytest.mark.parametrize("layout", ["compact", "rows"])
@pytest.mark.parametrize("cropped", [False, True])
def test_what_the_network_sees_of_a_question_does_not_depend_on_the_answer(both, tmp_path, layout, cropped):
    other = as_grid([[0, 1, 2], [3, 4, 0]])  # the same colours: these decide which palettes are drawn
    others = [replace(t, test=tuple(Pair(pair.input, other) for pair in t.test)) for t in TESTED]
    first = asked(both[layout == "rows"], cropped)
    second = asked(build(tmp_path, layout, others), cropped)
    assert len(first) == len(second) > 1
    for a, b in zip(first, second, strict=True):
        assert all(np.array_equal(getattr(a, f), getattr(b, f)) for f in FIELDS if f != "labels")
        assert not np.array_equal(a.labels, b.labels)


@pytest.mark.parametrize("canvas", ["full", CROPPED])
def test_shown_pairs_come_once_each(both, canvas):
    for dataset in both:
        seen = set()
        for rank in range(2):
            shares = {"batch_size": 6, "rank": rank, "world_size": 2, "augmentations": 2}
            for batch in dataset.shown_batches(**shares, canvas=canvas):
                for n in range(batch.valid):
                    assert batch.labels[n].any()
                    seen.add(
                        (int(batch.identifiers[n]), batch.inputs[n].tobytes(), batch.labels[n].tobytes())
                    )
        assert len(seen) == 2 * int(dataset.splits["train"].pairs.sum())


def test_unknown_outputs_have_no_labels(tmp_path):
    tested = [TESTED[1].without_test_outputs()]
    for layout in ("compact", "rows"):
        dataset = build(tmp_path, layout, tested)
        assert [question.output for question in dataset.questions()] == [None, None]
        assert not any(batch.labels.any() for batch in dataset.test_batches(batch_size=8))


def test_test_pairs_stay_out_of_training(both):
    for dataset in both:
        assert find_leaks(dataset.splits["train"], dataset.splits["test"]) == []


def test_bad_arguments_are_refused(both, tmp_path):
    for options in ({"world_size": 3}, {"rank": 1}, {"canvas": "round"}, {"larger_share": 1.5}):
        with pytest.raises(ValueError, match="wanted"):
            batches(both[0], **options)
    with pytest.raises(ValueError, match="no data set"):
        Dataset.open(tmp_path)

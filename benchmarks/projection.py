"""What a run can afford: tuning steps and views of each task, from FLOP counts and a stated rate.

The plan is simulated (``benchmarks.simulate``), which gives the seconds of each phase. A step's FLOP are
those of batches that the solver's own sampler draws from the tasks (``solver.model.flops``; padding and
optimiser not counted), divided by peak x share; both are assumptions until a card is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.machines import Machine
from benchmarks.simulate import Simulated
from solver.arc.augment import sample_augmentations
from solver.arc.canvas import test_canvas
from solver.arc.seed import derive_generator
from solver.arc.task import Task
from solver.choices import JOINT, TUNE
from solver.file import read_object
from solver.model.config import NetworkConfig, URMConfig
from solver.model.flops import inference_flop, training_flop
from solver.run.schedule import (
    ANSWER_SHARE,
    BATCH_TOKENS,
    CHECKPOINT_SHARE,
    CHECKPOINT_VIEWS,
    LAST_LEAST,
    LAST_MOST,
    TUNING_SHARE,
)
from solver.tune.joint import read_replay
from solver.tune.sampler import DemonstrationSampler
from solver.tune.settings import TuneSettings
from solver.weights_card import find_weights
from train.arch import network_config
from train.config import resolve

RECIPE = "urm_kaggle"
SAMPLED_TASKS, ALONE_BATCHES, JOINT_BATCHES = 40, 2, 16


@dataclass(frozen=True)
class Step:
    """The mean step: ``flop`` and ``sequences`` of it."""

    flop: float
    sequences: float


@dataclass(frozen=True)
class Affordable:
    """Of each task: ``joint_steps`` of its group, in which it is shown ``joint_sequences`` times (a sequence
    is one loop on one view of one demonstration); ``steps`` and ``sequences`` when it is alone; ``views``
    of each test input in the tenth of that time which answers."""

    joint_steps: float
    joint_sequences: float
    steps: float
    sequences: float
    views: float


def networks() -> dict[str, NetworkConfig]:
    """The network of the recipe for Kaggle, and urm-nano's."""
    nano = read_object(find_weights("urm-nano") / "config.json")["model"]
    return {
        "hidden 512 (urm_kaggle)": network_config(resolve([RECIPE]).arch),
        "urm-nano": URMConfig.from_dict(nano),
    }


def afford(
    machine: Machine,
    config: NetworkConfig,
    tasks: Sequence[Task],
    made: Simulated,
    *,
    share: float,
    replay: str = "",
) -> Affordable:
    """What ``made``, the run of ``tasks`` on this machine, has room for at ``share`` of its peak."""
    rate = machine.peak * share
    some = tasks[:: max(1, len(tasks) // SAMPLED_TASKS)]
    alone = [mean_step(machine.kind, config, [task], ALONE_BATCHES) for task in some]
    step = Step(float(np.mean([s.flop for s in alone])), float(np.mean([s.sequences for s in alone])))
    seconds = made.given[TUNE] / len(tasks)
    steps = seconds * TUNING_SHARE * rate / step.flop
    asking = float(np.mean([asking_flop(config, task) for task in some])) / rate
    views = seconds * (1 - TUNING_SHARE) / asking
    joint_steps = joint_sequences = 0.0
    if made.jobs[JOINT]:
        group = tasks[:: made.jobs[JOINT]]
        public = read_replay(replay, group)
        together = mean_step(machine.kind, config, group, JOINT_BATCHES, public)
        whole = made.given[JOINT] / made.jobs[JOINT]
        answers = len(group) * CHECKPOINT_VIEWS * asking / whole  # of every task once, as a share
        last = min(LAST_MOST, max(LAST_LEAST, answers))
        tuned = whole * (1 - last - min(answers / CHECKPOINT_SHARE, ANSWER_SHARE))
        joint_steps = tuned * rate / together.flop
        hidden = 1 - (TuneSettings().replay_share if public else 0.0)
        joint_sequences = joint_steps * together.sequences * hidden / len(group)
    return Affordable(joint_steps, joint_sequences, steps, steps * step.sequences, views)


def mean_step(
    kind: str, config: NetworkConfig, group: Sequence[Task], batches: int, replayed: Sequence[Task] = ()
) -> Step:
    """Over batches that tuning would draw."""
    settings = TuneSettings(augmentations=8, tokens=BATCH_TOKENS[kind])
    views = [
        sample_augmentations(task, settings.augmentations, derive_generator(0, task.id))
        for task in (*group, *replayed)
    ]
    sampler = DemonstrationSampler(config, group, views, settings, 0, replayed)
    drawn = [sampler.draw() for _ in range(batches)]
    flop = [training_flop(config, (batch.heights * batch.widths).numpy()).sum() for batch in drawn]
    return Step(float(np.mean(flop)), float(np.mean([len(batch.heights) for batch in drawn])))


def asking_flop(config: NetworkConfig, task: Task) -> float:
    """One view of all of a task's test inputs, on their first canvases."""
    canvases = [test_canvas(task.train, pair.input) for pair in task.test]
    return sum(float(inference_flop(config, h * w, config.loops)) for h, w in canvases)

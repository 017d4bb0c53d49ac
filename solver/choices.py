"""What options may say, in one place; nothing here imports more than typing, so help stays quick."""

from typing import Literal, get_args

# What moves at test time; auto: by device and time.
Arm = Literal["none", "embedding", "full", "joint"]
Tune = Literal["auto", "none", "embedding", "full", "joint"]
# Whose answers vote beside those of the last loop of the last state.
Across = Literal["none", "loops", "checkpoints", "both"]
# What ranks candidates (solver.arc.vote).
VoteRule = Literal["consensus", "count", "confidence", "probability"]

TUNES: tuple[Tune, ...] = get_args(Tune)
ACROSS: tuple[Across, ...] = get_args(Across)
VOTE_RULES: tuple[VoteRule, ...] = get_args(VoteRule)
DEFAULT_RULE: VoteRule = "consensus"  # of a run that was told nothing else
PLAIN_RULE: VoteRule = "confidence"  # what every file can be ranked by, attempts without views too

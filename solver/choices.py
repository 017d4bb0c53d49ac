"""What options may say, in one place; nothing here imports more than typing, so help stays quick."""

from typing import Literal, get_args

# What moves at test time; auto: by device and time.
Arm = Literal["none", "embedding", "full", "joint"]
Tune = Literal["auto", "none", "embedding", "full", "joint"]
# What ranks candidates (solver.arc.policy).
VoteRule = Literal["consensus", "confidence", "probability"]

# Phases of a run in their order (solver.arc.policy says whose answers count). START: before any network ran.
START, QUICK, JOINT, TUNE, REFINE = PHASES = ("start", "quick", "joint", "tune", "refine")

NOT_REACHED = "not reached"  # the note of a task that no source but the quick ones came to

# Who proposes answers where nothing is said, in this order (solver.run.sources).
SEARCH, NETWORK = "search", "network"
DEFAULT_SOURCES = (SEARCH, NETWORK)

TUNES: tuple[Tune, ...] = get_args(Tune)
VOTE_RULES: tuple[VoteRule, ...] = get_args(VoteRule)
DEFAULT_RULE: VoteRule = "consensus"  # of a run that was told nothing else
PLAIN_RULE: VoteRule = "confidence"  # what every file can be ranked by, attempts without views too

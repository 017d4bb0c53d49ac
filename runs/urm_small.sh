#!/usr/bin/env bash
# From the data to weights/urm-small: bash runs/urm_small.sh [DATA [RUN [SETTINGS of train ...]]]
#
# DATA holds the files that docs/WEIGHTS.md names. Checkpoints are under RUN, one every two minutes: the same
# command goes on after an interruption. When the budget is used it packs the weights into weights/NAME, NAME
# the last part of RUN. "python" and "solve" are those of the environment that the project is installed in.
set -euo pipefail
data=${1:-data}
run=${2:-runs/urm-small}
python -m train urm_small data_path="$data" checkpoint_path="$run" threads=1 "${@:3}"
if [ -d "$run/weights" ]; then
    solve pack "$run/weights" -o "weights/$(basename "$run")" --dtype float32
fi

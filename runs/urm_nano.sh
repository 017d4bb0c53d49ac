#!/usr/bin/env bash
# The three shipped sets, from DATA (docs/WEIGHTS.md says what it holds). One core; each command goes on where it was.
set -euo pipefail
data=${1:-data}

by_cells() { # RECIPE RUN [SETTINGS ...]
    python -m train "$1" data_path="$data" checkpoint_path="runs/$2" threads=1 "${@:3}"
}
by_cells urm_nano urm-nano
by_cells urm_nano_deep urm-nano-deep
solve pack runs/urm-nano-deep/weights -o weights/urm-nano --dtype float32

by_cells urm_nano_public urm-nano-public flop=1.5e14
solve pack runs/urm-nano-public/weights -o weights/urm-nano-public --dtype float32

by_cells urm_nano_kaggle_honest urm-nano-kaggle-honest
by_cells urm_nano_kaggle urm-nano-kaggle
solve pack runs/urm-nano-kaggle/weights -o weights/urm-nano-kaggle --dtype float32 --device kaggle

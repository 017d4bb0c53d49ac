#!/usr/bin/env bash
# The three shipped sets, from DATA (docs/WEIGHTS.md says what it holds). One core; each command goes on where it was.
set -euo pipefail
data=${1:-data}

python -m train.short urm_nano --data "$data" --output runs/urm-nano --threads 1
python -m train.short urm_nano_deep --data "$data" --output runs/urm-nano-deep --threads 1
solve pack runs/urm-nano-deep/weights -o weights/urm-nano --dtype float32

python -m train.short urm_nano_public --data "$data" --output runs/urm-nano-public --threads 1 --flop 1.5e14
solve pack runs/urm-nano-public/weights -o weights/urm-nano-public --dtype float32

python -m train.short urm_nano_kaggle_honest --data "$data" --output runs/urm-nano-kaggle-honest --threads 1
python -m train.short urm_nano_kaggle --data "$data" --output runs/urm-nano-kaggle --threads 1
solve pack runs/urm-nano-kaggle/weights -o weights/urm-nano-kaggle --dtype float32 --device kaggle

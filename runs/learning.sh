#!/usr/bin/env bash
# The curves of docs/TRAINING.md: 4x4 and 9x9 Sudoku, 10x10 mazes, the demonstrations of 20 tasks by heart. One core each.
set -euo pipefail
out=${1:-checkpoints/learning}

python -m train.puzzles --side 4 --train-size 5000 --output-dir data/sudoku4
python -m train.puzzles --side 9 --blanks 20 --train-size 2000 --test-size 300 --output-dir data/sudoku9-csv
python build_dataset.py sudoku --input data/sudoku9-csv --num-aug 100 --output-dir data/sudoku9
python -m train.puzzles --kind maze --side 10 --train-size 3000 --test-size 300 --output-dir data/maze10-csv
python build_dataset.py maze --input data/maze10-csv --aug --output-dir data/maze10
python build_dataset.py arc --input examples/arc1_eval_20.json --test-set arc1_eval_20 --num-aug 0 \
    --output-dir data/demos20

for set in sudoku4 maze10 demos20; do
    for arch in urm trm hrm; do
        python -m train "${arch}_$set" data_path="data/$set" checkpoint_path="$out/${set}_$arch" load_checkpoint=latest
        python -m train.plot "$out/${set}_$arch" -o "docs/${set}_$arch.png"
    done
done
python -m train urm_sudoku9_small data_path=data/sudoku9 checkpoint_path="$out/sudoku9_urm" load_checkpoint=latest
python -m train.plot "$out/sudoku9_urm" -o docs/sudoku9_urm.png

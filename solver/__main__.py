"""``python -m solver``: the command ``solve``."""

from solver.cli import main

if __name__ == "__main__":
    main(prog_name="solve")

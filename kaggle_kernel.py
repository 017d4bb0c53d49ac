"""The Kaggle kernel from the repository; ``solve bundle`` writes the same as one file for Kaggle."""

import sys

from solver.kaggle.kernel import main

if __name__ == "__main__":
    sys.exit(main())

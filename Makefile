# make solve   install what solving needs into .venv and solve the example tasks
# make test    install what the tests need too, and run the whole suite
# make help    these lines
# make lint    ruff: lint and format       make bench   speed of the hot paths
# make clean   remove .venv and what was built
#
# PYTHON chooses the interpreter (3.11 or later): make solve PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TESTED := $(VENV)/.installed-for-tests
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: solve test lint bench clean help
.DELETE_ON_ERROR:

solve: $(INSTALLED)
	$(BIN)/solve examples/arc1_eval_20.json -o submission.json --overwrite

# The first pass runs the kernels as plain Python, where a wrong index is an error instead of a wrong number.
test: $(TESTED)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -m kernel -n 2 --dist loadfile
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(TESTED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(TESTED)
	$(BIN)/python -m benchmarks

# The stamp is written last, so an install that was cut off starts again. Nothing is built in isolation:
# the build tool is pinned like everything else.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	    "Python 3.11 or later is needed; found %d.%d (choose one: make PYTHON=...)" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt setuptools
	$(PIP) install --constraint constraints.txt --no-build-isolation --editable ".[data,report]"
	$(BIN)/python -m solver.search.prepare
	@touch $@

$(TESTED): $(INSTALLED)
	$(PIP) install --constraint constraints.txt --no-build-isolation --editable ".[test,dev]"
	@touch $@

help:
	@sed -n 's/^# //p' Makefile

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

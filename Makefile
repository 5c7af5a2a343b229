# Every target makes .venv first if it is missing or if the pinned versions have changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test test-slow test-all coverage check bench docs lock code-lock clean

setup: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: setup            # train a small study (about a minute), say what it found, draw it
	$(BIN)/dasbench demo

test: setup            # the fast tests
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

test-slow: setup       # the others
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow

coverage: setup        # the fast tests, and which branches they reach: the least covered files first
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow" --cov

test-all: setup        # all of them
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

check: setup           # style, types, layers, spelling, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/deptry .

bench: setup           # ratios, side by side, medians of several runs
	for script in benchmarks/*.py; do $(BIN)/python $$script; done

docs: setup            # the code blocks of README and docs/ are run as tests
	$(BIN)/python -m pytest -q tests/docs

code-lock: setup       # after a change of what computes results: refuses if they moved and no file of BUMP explains it
	PYTHONPATH=tests $(BIN)/python tests/code_lock.py $(BUMP)

lock:                  # write requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-header --no-annotate -o requirements.lock

clean:
	rm -rf $(VENV) results.db* .dasbench figures .coverage*

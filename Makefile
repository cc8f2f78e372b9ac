PYTHON ?= $(shell python3.11 --version >/dev/null 2>&1 && echo python3.11 || echo python3)
BIN := .venv/bin
INSTALLED := .venv/.installed

# The stages' commands start `python`: DVC must find the one with irislib.
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(INSTALLED) ## install irislib and its tools into .venv, unless up to date

$(INSTALLED): pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[dev]'
	touch $@

repro: setup ## run the stages whose code, data or parameters changed
	$(BIN)/python -m stages.check
	$(BIN)/dvc repro

lint: setup ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint ## check everything, as CI does
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile

deps: setup ## bring the code deps of dvc.yaml up to date with the imports
	$(BIN)/python -m stages.deps

lock: ## take up the versions in pyproject.toml and pin what they bring
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	$(BIN)/pip freeze --exclude-editable | sed -E 's/\+[a-z0-9]+$$//' | grep -viE '^(cuda|nvidia|triton)' > requirements.lock

.PHONY: help setup repro lint test deps lock

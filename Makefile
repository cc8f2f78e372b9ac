PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do type $$p >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed

# The stages' commands start `python`: DVC must find the one with irislib.
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

# The remote is checked every time: it takes a fraction of a second, and a clone may have been moved.
setup: venv $(INSTALLED) ## install irislib and its tools into .venv, unless up to date
	@$(BIN)/python -m stages.bundled

# A .venv of another Python, or a broken one, is made anew.
venv:
	@version='import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))'; \
	wanted=$$($(or $(PYTHON),python3) -c "$$version" 2>/dev/null) || \
	{ echo "error: $(or $(PYTHON),python3): Python 3.11 or newer is needed$${wanted:+, not $$wanted}; install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	if [ -d .venv ] && [ "$$($(BIN)/python -c "$$version" 2>/dev/null)" != "$$wanted" ]; then \
		echo ".venv: made anew with Python $$wanted"; rm -rf .venv; \
	fi

$(INSTALLED): pyproject.toml requirements.lock | venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[dev]'
	@touch $@

repro: setup ## run the stages whose code, data or parameters changed
	@$(BIN)/python -m stages.harmless
	$(BIN)/dvc repro

study: setup ## run the arms of the study that changed, and make its table
	cd studies && ../$(BIN)/dvc repro --glob '*_code'
	@# Only the cells that are not up to date: a fresh clone lacks their play and tokenizers, and does not miss them.
	cells=$$($(BIN)/python -m stages.study.cells) && test -z "$$cells" || (cd studies && ../$(BIN)/dvc repro $$cells)
	cd studies && ../$(BIN)/dvc repro agent world_agent
	$(BIN)/python -m stages.study.table

lint: setup ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint ## check everything, as CI does
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile

deps: setup ## bring the code deps of dvc.yaml and studies/dvc.yaml up to date
	$(BIN)/python -m stages.deps

lock: venv ## take up the versions in pyproject.toml and pin what they bring
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	$(BIN)/pip freeze --exclude-editable | sed -E 's/\+[a-z0-9]+$$//' | grep -viE '^(cuda|nvidia|triton)' > requirements.lock

.PHONY: help setup venv repro study lint test deps lock

# Every target sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A worker for each processor; the tests of a file stay together, as they share servers.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile
pip = $(PYTHON) -m pip --python $(1)/bin/python --disable-pip-version-check

.PHONY: help setup system demo test e2e again mutated check format docs bench constraints clean

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## Make the virtual environment with the pinned dependencies

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) .ci/virtual_environment.py $(VENV)
	@touch $@

system:  ## Install the system packages that builds need (as root), or print the command
	@.ci/system-packages

demo: system setup  ## Run the main job: from create_workflow to a finished image
	$(BIN)/python -m imagewright demo

test: system setup  ## Run the linters and the whole test suite
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

e2e: system setup  ## Run the end-to-end tests alone
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/e2e

again: setup  ## Run the tests that failed last time, one after another
	$(BIN)/python -m pytest -v --last-failed --last-failed-no-failures none --maxfail 1

mutated: setup  ## Check 10,000 new documents of each kind that went wrong at random
	IMAGEWRIGHT_TEST_EXAMPLES=10000 $(BIN)/python -m pytest -v --durations=0 tests/documents/component/test_mutated_components.py tests/documents/dockerfile/test_mutated_templates.py tests/documents/workflow/test_mutated_workflows.py

check: setup  ## Lint, check types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: setup  ## Write the generated pages: settings, commands, rules
	$(BIN)/python docs/generate.py

bench: system setup  ## Measure, beside peers, and write BENCHMARKS.md
	$(BIN)/python -m benchmarks

constraints:  ## Pin the newest dependencies, by name and version
	@$(PYTHON) -m venv --clear --without-pip $(VENV).fresh
	@$(call pip,$(VENV).fresh) install --quiet --editable '.[dev,postgresql]'
	@$(call pip,$(VENV).fresh) freeze --exclude-editable > constraints.txt
	@rm -rf $(VENV).fresh

clean:  ## Remove what the targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

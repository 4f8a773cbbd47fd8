# Every target sets up what it needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
pip = $(PYTHON) -m pip --python $(1)/bin/python --disable-pip-version-check

.PHONY: help setup system demo test e2e check format docs bench constraints clean

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## Make the virtual environment with the pinned dependencies

# Without ensurepip, which Debian keeps in a package of its own: pip installs into it from outside.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("imagewright needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m pip --version >/dev/null || { echo "error: pip is missing; as root: apt-get install -y python3-pip" >&2; exit 1; }
	@echo "installing the pinned dependencies into $(VENV)"
	@$(PYTHON) -m venv --clear --without-pip $(VENV)
	@$(call pip,$(VENV)) install --quiet --constraint constraints.txt --editable '.[dev,postgresql]'
	@touch $@

system:  ## Install the system packages that builds need (as root), or print the command
	@.ci/system-packages

demo: setup system  ## Run the main job: from create_workflow to a finished image
	$(BIN)/python -m imagewright demo

test: setup system  ## Run the linters and the whole test suite
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest

e2e: setup system  ## Run the end-to-end tests alone
	$(BIN)/python -m pytest tests/e2e

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

bench: setup system  ## Measure, beside peers, and write BENCHMARKS.md
	$(BIN)/python -m benchmarks

constraints:  ## Pin the newest dependencies, by name and version
	@$(PYTHON) -m venv --clear --without-pip $(VENV).fresh
	@$(call pip,$(VENV).fresh) install --quiet --editable '.[dev,postgresql]'
	@$(call pip,$(VENV).fresh) freeze --exclude-editable > constraints.txt
	@rm -rf $(VENV).fresh

clean:  ## Remove what the targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

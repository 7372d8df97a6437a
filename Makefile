# `make` alone lists the targets. Everything is set up on first use: it needs git, make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
SERVERS := .cache/servers-ready
# xdist: how many test processes
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Start a local S3 server, fill it with a synthetic study, export it, show the result
	$(BIN)/python -m demo

test: $(READY) $(SERVERS) ## Run all tests against real servers on this machine
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(READY) ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Put the code into the common style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## Measure speed side by side with what would be run instead
	$(BIN)/python -m benchmarks

docs: $(READY) ## Rebuild the reference pages and the output that the documentation shows
	$(BIN)/python docs/build.py
	$(BIN)/python -m docs.transcripts

clean: ## Remove everything that make has built
	rm -rf .venv .cache .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
	@touch $@

$(SERVERS): $(READY) tests/servers/install.py
	$(BIN)/python tests/servers/install.py
	@mkdir -p $(@D)
	@touch $@

# Everything sets itself up: `make demo` and `make test` work on a fresh machine with Python 3.11 or newer and make.
# the first of these that runs and is new enough
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do $$p $(NEW_ENOUGH) 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
CODE := src tests benchmarks examples docs/generate
GENERATORS := $(wildcard docs/generate/*.py)

.DEFAULT_GOAL := help
.PHONY: help install demo peers test test-all format check docs clean

help: ## Show what there is to make
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Make .venv with everything, from pinned constraints

# torch comes first and by its exact version, so that nothing else chooses another build of it
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) $(NEW_ENOUGH) || { echo "Expected Python 3.11 or newer, found none: make PYTHON=/path/to/python3.12 …"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[learn,dev]'
	@touch $(STAMP)

demo: $(STAMP) ## The whole loop on real bank customers' questions, in a few minutes
	$(BIN)/python examples/demo.py

peers: ## Make the environments of the peers that benchmarks compare with
	$(PYTHON) -m venv benchmarks/peers/setfit/.venv
	benchmarks/peers/setfit/.venv/bin/pip install --quiet -r benchmarks/peers/setfit/requirements.txt
	$(PYTHON) -m venv benchmarks/peers/recommenders/.venv
	benchmarks/peers/recommenders/.venv/bin/pip install --quiet -r benchmarks/peers/recommenders/requirements.txt

# `make test T=src/autogen/versions` runs the tests of one folder alone; one thread in each worker, or they would wait
# for each other
WORKERS ?= 2
TESTS := $(if $(T),$(patsubst src/autogen%,tests%,$(T)))
PYTEST = OMP_NUM_THREADS=1 $(BIN)/pytest -n $(if $(T),0,$(WORKERS)) --dist loadfile --no-loadscope-reorder --durations=30

test: $(STAMP) $(if $(T),,check) ## All that CI runs: what `check` checks, and the tests; of one folder: T=src/autogen/…
	$(PYTEST) -m "not slow" $(TESTS)

test-all: $(STAMP) check ## The slow, exhaustive tests too
	$(PYTEST) $(TESTS)

check: $(STAMP) ## Format, lint, spelling, types, import contract, pages that are made from code
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports
	@for script in $(GENERATORS); do $(BIN)/python $$script --check || exit 1; done

format: $(STAMP) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: $(STAMP) ## The documentation's site, in site/
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@for script in $(GENERATORS); do $(BIN)/python $$script || exit 1; done
	$(BIN)/zensical build --clean --strict

clean: ## Remove what was made
	rm -rf .venv demo build dist site

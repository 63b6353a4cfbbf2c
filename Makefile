# Every target makes its own environment in .venv first, from any Python 3.11 or newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz twins clean

CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
PYTHON ?= $(shell for name in $(CANDIDATES); do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
BENCH := .cache/benchmarks
SERVERS := $(BIN)/python tools/servers.py run
PARALLEL := --numprocesses=auto --maxprocesses=8 --dist=loadfile

help:  ## show what can be made
	@echo 'make TARGET, each from a bare Python 3.11 or newer:'
	@sed -n 's/^\([a-z]*\): *[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '  %-8s %s\n' "$$target" "$$text"; done

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo 'No Python 3.11 or newer found: install one, or say make PYTHON=/path/to/python' >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version): a minute or two, once."
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo 'This Python cannot make environments: on Debian, apt install python3-venv' >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,testing,dev]'
	@touch $@

demo: $(READY)  ## run the example shop on embedded stores (STORES=servers: on real servers)
ifeq ($(STORES),servers)
	@$(SERVERS) -- $(BIN)/python -m examples.music_shop --stores servers
else
	@$(BIN)/python -m examples.music_shop
endif

test: $(READY)  ## run the tests, on real servers found or started here (ARGS='tests/tools -x')
	@$(SERVERS) -- $(BIN)/python -m pytest $(or $(ARGS),$(PARALLEL))
	@test -n '$(ARGS)' || $(BIN)/python tools/capability_table.py

check: $(READY)  ## run every gate: style, types, floors, generated files, examples in the docs
	@echo '- style' && $(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo 'not formatted: run $(BIN)/ruff format .' >&2; exit 1; }
	@echo '- types (mypy)' && $(BIN)/mypy --no-error-summary
	@echo '- types (pyright)' && $(BIN)/pyright --warnings --pythonpath $(BIN)/python
	@echo '- floors' && report=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$report" >&2; exit 1; }
	@echo '- generated twins' && $(BIN)/python tools/twins.py --check
	@echo '- examples in the docs' && $(BIN)/python -m pytest --quiet tests/docs
	@echo 'All gates passed.'

# The peers bring type stubs that would disturb `make check`, so they live in an environment of their own.
$(BENCH)/.ready: $(READY) benchmarks/requirements.txt
	@$(BIN)/python -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' -r benchmarks/requirements.txt
	@touch $@

bench: $(BENCH)/.ready  ## measure the layer beside bare drivers and other libraries (ARGS='--only sqlite --quick')
	@$(SERVERS) --need postgresql,mongodb,redis -- $(BENCH)/bin/python -m benchmarks $(ARGS)

fuzz: $(READY)  ## run the property tests with many more examples (POLYSTORE_FUZZ_EXAMPLES=2000)
	@$(SERVERS) -- $(BIN)/python -m pytest -m hypothesis --hypothesis-profile=fuzz $(PARALLEL) $(ARGS)

twins: $(READY)  ## write the sync twins of the async files
	@$(BIN)/python tools/twins.py

clean:  ## remove the environment, caches and results
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

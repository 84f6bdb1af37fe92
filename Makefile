# Everything runs from .venv, made from the committed locks; `make help` lists what there is.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
T ?= tests
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo serve test soak bench lint format openapi lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/runtime ## Sample season, sales, statements, then serve until Ctrl-C (ARGS=--exit stops there)
	@exec $(BIN)/hub demo $(ARGS)

serve: .venv/runtime ## Serve the API with a worker; embedded stores under var/ unless HUB_DATABASE_URL is set
	@exec $(BIN)/hub serve $(ARGS)

test: .venv/dev .venv/tester ## Every test, against a real PostgreSQL and Valkey of its own (T=path for some)
	$(BIN)/python -m pytest -n $(WORKERS) $(T) $(ARGS)

soak: .venv/dev .venv/tester ## The long proofs at full length
	HUB_SOAK=1 $(BIN)/python -m pytest -n $(WORKERS) tests/faults tests/races tests/sales/test_rush.py \
		tests/allocation/test_machine.py tests/contract/test_schemathesis.py $(ARGS)

bench: .venv/dev ## Speed as ratios in one run; writes docs/benchmarks.md
	$(BIN)/python -m tests.bench $(ARGS)

lint: .venv/dev ## Style, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: .venv/dev ## Write the API document and the JSON Schemas under openapi/
	$(BIN)/hub problems openapi/problems
	$(BIN)/python -m tests.contract.examples > hub/examples.json.new
	mv hub/examples.json.new hub/examples.json
	$(BIN)/hub openapi > openapi/hub.v1.json.new
	mv openapi/hub.v1.json.new openapi/hub.v1.json
	$(BIN)/hub openapi --octo > openapi/octo.v1.json
	$(BIN)/hub feed schema > openapi/feed.v1.schema.json
	for name in events lines quotes terms; do $(BIN)/hub settlement schema $$name > openapi/$$name.v1.schema.json; done

lock: ## Resolve requirements*.in anew into the locks (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements.in -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-dev.in -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-tester.in -o requirements-tester.lock

clean: ## Remove what was made: .venv and var
	rm -rf .venv var

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "Making .venv" >&2
	@$(PYTHON) -m venv .venv

.venv/runtime: requirements.lock setup.cfg pyproject.toml | .venv/bin/python
	@echo "Installing what the hub needs (about half a minute, once)" >&2
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/tester: requirements-tester.lock
	@echo "Installing the tester of Tiqets, which pins its own versions" >&2
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

.venv/dev: requirements-dev.lock .venv/runtime
	@echo "Installing what the tests need" >&2
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

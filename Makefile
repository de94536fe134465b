# Every target sets up what it needs. `make run` first; `make test` is what CI runs.
PYTHON ?= python3
BIN := .venv/bin
MADE := .venv/.made-from-lock

# The lock is complete: --no-deps, since older pips mistake `sqlalchemy[asyncio]==...` for another requirement.
.PHONY: env run test check bench deploy-check lock

env: $(MADE)

$(MADE): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Octavo needs Python 3.11 or newer: make PYTHON=python3.12 env"; exit 1; }
	@echo "Making .venv (some minutes the first time)"
	@$(PYTHON) -m venv .venv || { echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(MADE)

run: $(MADE)
	@$(BIN)/python -m flows.cli.first_run

test: check
	$(BIN)/pytest -n 2 --dist loadfile

check: $(MADE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(MADE)
	$(BIN)/python tests/benchmarks/accuracy.py
	$(BIN)/python tests/benchmarks/bench_saturation.py
	$(BIN)/python tests/benchmarks/bench_store.py
	$(BIN)/python tests/benchmarks/kills.py

# The deployment for real, on loopback: server, worker, S3, built-in model (about three minutes).
deploy-check: $(MADE)
	PYTHONPATH=.:tests/support $(BIN)/python tests/support/deploy_check.py

# Names, versions and hashes only; uv comes from the registry, into an environment of its own.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --no-strip-extras --all-extras --group test --upgrade pyproject.toml -o requirements.lock
	rm -r .venv-lock

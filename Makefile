# Two commands on a fresh machine: `make demo` and `make test`.
# They need python3 >= 3.11 with pip and venv; everything else is put into .venv.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: venv demo test check lint types imports format bench chaos fuzz soak audit screenshots lock clean

venv: .venv/.done

.venv/.done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ytsb-tui needs Python 3.11 or newer; name it with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing; on Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch .venv/.done

demo: venv
	$(BIN)/ytsb-tui demo

test: venv
	$(BIN)/pytest

check: venv lint types imports test

lint: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: venv
	$(BIN)/mypy

imports: venv
	$(BIN)/lint-imports

format: venv
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv
	$(BIN)/python -m tests.bench

chaos: venv
	$(BIN)/python -m tests.chaos

fuzz: venv
	$(BIN)/python -m tests.fuzz

soak: venv
	$(BIN)/python -m tests.soak

audit: venv
	$(BIN)/pytest -q -n 0 tests/unit/test_lock.py
	@if command -v pip-audit >/dev/null; then pip-audit --require-hashes --disable-pip -r requirements.lock; \
	else echo "pip-audit is not here, so known holes were not looked up: pipx install pip-audit"; fi

screenshots: venv
	$(BIN)/python -m screenshots.draw

lock:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --group dev --python-version 3.11 --output-file requirements.lock pyproject.toml requirements-build.in

clean:
	rm -rf .venv build dist

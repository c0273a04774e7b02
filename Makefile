# `make demo` and `make test` work on a fresh machine with git, make and Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
INSTALLER ?= # a requirement file with the pip that installs; the one that Python brings where it is not given

.PHONY: demo test lint types contracts deps dockerfile check torture bench lock clean

demo: $(VENV)/.runtime
	$(BIN)/reconciler plan
	$(BIN)/reconciler apply
	$(BIN)/reconciler apply
	$(BIN)/reconciler status
	$(BIN)/reconciler history
	@echo "The state lies in .reconciler/state.db, the registry in .reconciler/registry-local.db."

test: $(VENV)/.development
	$(BIN)/python -m pytest -n 4

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development
	$(BIN)/mypy

contracts: $(VENV)/.development
	$(BIN)/lint-imports

deps: $(VENV)/.development
	$(BIN)/deptry .

dockerfile: $(VENV)/.development
	$(BIN)/hadolint Dockerfile

torture: $(VENV)/.development
	$(BIN)/python -m tests.torture --kills 2000
	$(BIN)/python -m tests.torture.fuzz --cases 100000
	$(BIN)/python -m tests.torture.soak --ticks 3000

bench: $(VENV)/.development
	$(BIN)/python -m bench --models $(or $(N),2000)

check: test lint types contracts deps dockerfile

# Pins with hashes and without any address, made anew from the ranges in pyproject.toml.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra postgres --extra obs pyproject.toml -o requirements/runtime.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra postgres --extra obs --group dev pyproject.toml requirements/build.in \
	  -o requirements/development.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links -c requirements/development.txt requirements/build.in -o requirements/build.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(if $(INSTALLER),$(INSTALL) --require-hashes -r $(INSTALLER))

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q reconciler
	@touch $@

$(VENV)/.development: requirements/development.txt $(VENV)/.runtime
	$(INSTALL) --require-hashes -r requirements/development.txt
	@touch $@

clean:
	rm -rf $(VENV) .reconciler

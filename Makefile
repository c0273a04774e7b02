# `make demo` and `make test` work on a fresh machine with git, make and Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
INSTALLER ?= # a requirement file with the pip that installs; the one that Python brings where it is not given

.PHONY: demo test thorough lint types contracts deps dockerfile node wheel image check supply-chain torture bench screenshots lock clean

demo: $(VENV)/.runtime
	$(BIN)/reconciler plan
	$(BIN)/reconciler apply
	$(BIN)/reconciler apply
	$(BIN)/reconciler status
	$(BIN)/reconciler history
	@echo "The state lies in .reconciler/state.db, the registry in .reconciler/registry-local.db."

# Many tests wait for another process, so that more workers than cores pay.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

test: $(VENV)/.development
	$(PYTEST)

# The same, each property on all of its examples.
thorough: $(VENV)/.development
	THOROUGH=1 $(PYTEST)

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

# Builds the image and tries it; needs Linux, root and buildah, and says so where it cannot.
image: $(VENV)/.development
	$(BIN)/python -m tests.image

# What tests run on node, pinned with hashes; where npm or its registry is missing, they skip and say so.
node: | $(VENV)/bin/python
	mkdir -p $(VENV)/node
	cp requirements/node/*.json $(VENV)/node
	npm ci --prefix $(VENV)/node --ignore-scripts --no-audit --no-fund --loglevel error \
	  --fetch-retries 1 --fetch-timeout 60000

# In an empty environment of every Python from 3.11 that is there; each installs what is pinned.
wheel: $(VENV)/.development
	$(BIN)/python -m tests.deploy.wheel

torture: $(VENV)/.development
	$(BIN)/python -m tests.torture --kills 2000
	$(BIN)/python -m tests.torture.fuzz --cases 100000
	$(BIN)/python -m tests.torture.soak --ticks 3000
	$(BIN)/python -m tests.torture.outages
	$(BIN)/python -m tests.torture.fleet --rounds 1000
	$(BIN)/python -m tests.torture.takeover
	$(BIN)/python -m tests.torture.hostile

bench: $(VENV)/.development
	$(BIN)/python -m bench --models $(or $(N),2000)

# The pictures of README and docs; needs chromium.
screenshots: $(VENV)/.development
	$(BIN)/python -m tests.browser.screenshots docs/images

# A list of everything that is shipped, and what is known against it.
supply-chain: $(VENV)/.audit $(VENV)/.runtime
	@mkdir -p dist
	sed "s/^dynamic = \[\"version\"\]/version = \"$$($(BIN)/python -m hatchling version)\"/" pyproject.toml \
	  > dist/pyproject.toml # a bill names the version, which stands elsewhere
	grep -q '^version = "[0-9]' dist/pyproject.toml
	for part in runtime postgres obs notify; do \
	  $(VENV)/audit/bin/python -W ignore -m cyclonedx_py requirements --pyproject dist/pyproject.toml --output-reproducible \
	    -o dist/sbom-$$part.json requirements/$$part.txt || exit 1; \
	done
	$(VENV)/audit/bin/python .ci/advisories.py requirements/postgres.txt requirements/obs.txt requirements/notify.txt \
	  requirements/build.txt

check: test lint types contracts deps dockerfile

# Pins with hashes and without any address, made anew from the ranges in pyproject.toml: one for everything, and
# from it what the program needs, what each extra adds, and what builds and audits it.
COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links
lock:
	$(COMPILE) --extra postgres --extra obs --extra notify --group dev pyproject.toml requirements/build.in \
	  -o requirements/development.txt
	$(COMPILE) -c requirements/development.txt pyproject.toml -o requirements/runtime.txt
	$(COMPILE) -c requirements/development.txt --extra postgres pyproject.toml -o requirements/postgres.txt
	$(COMPILE) -c requirements/development.txt --extra obs pyproject.toml -o requirements/obs.txt
	$(COMPILE) -c requirements/development.txt --extra notify pyproject.toml -o requirements/notify.txt
	$(COMPILE) -c requirements/development.txt requirements/build.in -o requirements/build.txt
	$(COMPILE) requirements/audit.in -o requirements/audit.txt

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

# An environment of its own: what audits the program is no part of what is audited.
$(VENV)/.audit: requirements/audit.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@touch $@

clean:
	rm -rf $(VENV) .reconciler

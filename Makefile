# Everything a newcomer needs: `make run` and `make test`. Each target sets up what it needs itself.
# PYTHON names the interpreter to build the environment with (3.11 or later).

PYTHON ?= python3
VENV   ?= .venv
# Most tests wait for a network most of the time: one process for each core, a file in one of them.
IN_PARALLEL ?= -n auto --dist loadfile
BIN    := $(VENV)/bin
# The versions to install; `CONSTRAINTS=` (nothing) takes the newest of everything.
CONSTRAINTS ?= constraints.txt
ifneq ($(CONSTRAINTS),)
# By the environment, not by an option: it holds for the isolated build of the compiled cores, too.
export PIP_CONSTRAINT       := $(abspath $(CONSTRAINTS))
export PIP_BUILD_CONSTRAINT := $(PIP_CONSTRAINT)
endif
CORES  := $(wildcard src/tickwire/*/*.pyx src/tickwire/*/*.pxd src/tickwire/*.pxd)

.DEFAULT_GOAL := help
.PHONY: help run test lint types imports pytest pytest-pure page autobahn autobahn-short bench bench-quick bench-gateway bench-micro bench-instructions fuzz leaks books venues soak chaos sanitize newest oldest constraints clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tickwire needs Python 3.11 or later; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The package itself, with its compiled cores where there is a compiler, the simulator, and the page.
$(VENV)/.run: pyproject.toml setup.py $(CONSTRAINTS) $(CORES) | $(BIN)/python
	@echo "tickwire: installing into $(VENV), about a minute the first time"
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[gateway,simulator]'
	@$(BIN)/python -c 'from tickwire.wire import COMPILED; print("tickwire: compiled core" if COMPILED else "tickwire: pure-Python core (no C compiler found; everything works, slower)")' 2>/dev/null
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(VENV)/.run  ## A live market in the browser, from the built-in simulator
	$(BIN)/tickwire demo

test: lint types imports pytest pytest-pure page autobahn-short bench-instructions  ## All checks and tests, on the compiled core and on its twin

lint: $(VENV)/.dev  ## ruff: style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev  ## mypy in strict mode
	$(BIN)/mypy

imports: $(VENV)/.dev  ## Import contracts: layers, purity, one door to libcurl
	$(BIN)/lint-imports

pytest: $(VENV)/.dev  ## The tests on the core that is installed
	$(BIN)/pytest -q $(IN_PARALLEL) -m "not browser"

pytest-pure: $(VENV)/.dev  ## The same tests on the pure-Python core
	TICKWIRE_PURE=1 $(BIN)/pytest -q $(IN_PARALLEL) -m "not browser"

# By themselves: a browser wants the machine's cores, and which core frames are parsed by it cannot tell.
page: $(VENV)/.dev  ## The gateway's page in a headless Chromium
	$(BIN)/pytest -q -m browser

autobahn: $(VENV)/.dev  ## All 517 Autobahn cases on both cores (about 25 minutes)
	$(BIN)/python tests/autobahn/run.py

# Exit code 3: the suite needs CPython 2.7, and there is none here; the script has said so.
autobahn-short: $(VENV)/.dev  ## A selection of the Autobahn cases on both cores (under a minute)
	$(BIN)/python tests/autobahn/run.py --short || [ $$? -eq 3 ]

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

bench: $(VENV)/.bench  ## The benchmarks beside the peers, on a quiet machine (most of an hour)
	$(BIN)/tickwire bench --write-docs

bench-quick: $(VENV)/.bench  ## Two short rounds of the same (under a minute)
	$(BIN)/tickwire bench --quick

bench-gateway: $(VENV)/.dev  ## The gateway under 1,000 and 2,000 listeners, on a quiet machine (a minute)
	$(BIN)/python -m benchmarks.gateway

# Saved under .benchmarks/; `pytest-benchmark compare` shows all of them, also those of other commits.
bench-micro: $(VENV)/.bench  ## The parts of the hot path one by one, and the difference to the last time
	$(BIN)/python -m pytest -q -W default::pytest_benchmark.logger.PytestBenchmarkWarning \
		benchmarks/micro --benchmark-autosave --benchmark-compare \
		--benchmark-disable-gc --benchmark-columns=min,median,iqr,rounds --benchmark-sort=fullname
	$(BIN)/python -m benchmarks.micro.venues

# Exit code 3: no valgrind, or another toolchain than the baseline's; the program has said so.
bench-instructions: $(VENV)/.dev  ## The same parts in instructions; fails 5 % above the stored baseline
	$(BIN)/python -m benchmarks.micro.instructions || [ $$? -eq 3 ]

$(VENV)/.fuzz: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

fuzz: $(VENV)/.fuzz  ## Sixteen million inputs for the wire layer, guided by coverage; needs clang (half an hour)
	$(BIN)/python -m fuzz.run

leaks: $(VENV)/.dev  ## 10,000 connects and closes: memory and descriptors stay flat
	$(BIN)/python tests/leaks/connections.py

books: $(VENV)/.dev  ## Millions of depth updates over bad lines: a book is the true one or says no (half an hour)
	$(BIN)/python tests/soak/books.py
	$(BIN)/python -m tests.soak.book_line

venues: $(VENV)/.dev  ## 100,000 updates of books on every venue over a bad line (about ten minutes)
	$(BIN)/python -m tests.soak.venues

soak: $(VENV)/.dev  ## 1,000 planned hand-overs under load, drops during them, and stalls (some minutes)
	$(BIN)/python -m tests.soak.rotations
	$(BIN)/python -m tests.soak.rotations --drop --rotations 300
	$(BIN)/python -m tests.soak.redundancy
	$(BIN)/python -m tests.soak.stream_rate

chaos: $(VENV)/.dev  ## Ten minutes of bad network weather against a managed connection
	$(BIN)/python -m tests.soak.chaos

sanitize: $(VENV)/.dev  ## The tests of the compiled cores under address and undefined-behaviour sanitizers
	$(BIN)/python tools/sanitize.py

newest:  ## The tests with the newest release of everything, not with constraints.txt
	$(MAKE) VENV=build/newest CONSTRAINTS= types pytest

oldest:  ## The tests with the oldest curl_cffi that is accepted
	@mkdir -p build && sed 's/^curl_cffi==.*/curl_cffi==0.16.3/' constraints.txt > build/oldest.txt
	$(MAKE) VENV=build/oldest CONSTRAINTS=build/oldest.txt pytest

# In an environment of its own, so that nothing is left in it that the project does not ask for.
constraints:  ## Write constraints.txt anew, with the newest release of everything
	rm -rf build/constraints
	$(MAKE) VENV=build/constraints CONSTRAINTS= build/constraints/.bench
	{ sed -n '/^#/p' constraints.txt; \
	  build/constraints/bin/pip freeze --all --exclude-editable | grep -vE '^(pip|tickwire)=='; \
	} > build/constraints.txt && mv build/constraints.txt constraints.txt

clean:  ## Remove the environment and everything built
	rm -rf $(VENV) build src/tickwire.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src -name '*.so' -delete -o -name '*.c' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# make run and make test need Python 3.11 or newer, make and the package index; nothing else.
# PYTHON=/path/to/python chooses the interpreter for .venv.

SHELL := /bin/sh
PYTHON ?=
BIN := .venv/bin
STAMP := .venv/installed
LOG := .venv/install.log

# The first of these that is new enough and can make environments.
find_python = for each in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  "$$each" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	    2>/dev/null && { echo "$$each"; break; }; \
	done

# Everything, the build backend too, comes from constraints.txt: no resolving, no isolated build.
pip_install = $(BIN)/python -I -m pip install --no-input --disable-pip-version-check --no-deps

.PHONY: help run test long-test fault-test people-test machines-test browser-test check format bench clean

help:
	@echo 'make run           play a program through Prefect, Jira and Sheets stand-ins, all on this machine'
	@echo 'make test          every test that needs no browser, without the long ones: under 5 minutes'
	@echo 'make long-test     the long ones: stacks, races, people, amendments, a sample of faults and kills'
	@echo 'make browser-test  the tests that walk through pages in Chromium'
	@echo 'make fault-test    kills at every boundary, 500 random faults, a lost machine, people who edit meanwhile'
	@echo 'make people-test   of these the people alone, make machines-test the lost machine'
	@echo 'make check         formatting, lint and types'
	@echo 'make bench         the numbers the README claims'
	@echo 'make clean         remove .venv, caches and builds; .rollout (your programs) stays'

run: $(STAMP)
	@$(BIN)/rollout up --play

test: $(STAMP)
	@$(BIN)/pytest -n 2 --dist loadfile -m 'not browser and not long and not machines'

long-test: $(STAMP)
	@$(BIN)/pytest -n 2 --dist loadfile -m 'long and not machines'

browser-test: $(STAMP)
	@$(BIN)/pytest -m browser

# A test that fails is run alone as its file says; FAULT_RUNS is the number of random schedules.
fault-test: $(STAMP)
	@FAULT_RUNS="$${FAULT_RUNS:-500}" FAULT_TABLE="$${FAULT_TABLE:-fault-table.json}" \
	  $(BIN)/pytest -n 2 --dist load tests/faults
	@$(MAKE) people-test machines-test

people-test: $(STAMP)
	@ROLLOUT_PEOPLE_SEEDS="$${ROLLOUT_PEOPLE_SEEDS:-1,2,3,4,5}" \
	  ROLLOUT_PEOPLE_ROUNDS="$${ROLLOUT_PEOPLE_ROUNDS:-60}" \
	  $(BIN)/pytest -n 2 -q -s tests/flows/test_people_edit_while_we_write.py

machines-test: $(STAMP)
	@$(BIN)/pytest -m machines

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(STAMP)
	@$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find src flows tasks tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  found=$$($(find_python)); \
	  test -n "$$found" || { \
	    echo 'Found no Python 3.11 or newer with its venv module (looked for python3, python3.13,' >&2; \
	    echo 'python3.12, python3.11). Install one (on Debian and Ubuntu with python3-venv), or name' >&2; \
	    echo 'it: make PYTHON=/path/to/python run' >&2; exit 1; }; \
	  echo "Making .venv with $$("$$found" --version 2>&1)"; \
	  "$$found" -m venv --clear .venv; }
	@echo "Installing $$(grep -c == constraints.txt) pinned packages into .venv: once, about a minute..."
	@{ $(pip_install) -r constraints.txt && $(pip_install) --no-build-isolation -e . && \
	   $(BIN)/python -I -m pip check; } >$(LOG) 2>&1 || { \
	  tail -n 30 $(LOG) >&2; \
	  echo 'Installing failed: the lines above are the end of $(LOG). Run make again once mended.' >&2; \
	  exit 1; }
	@touch $@

# One way in. Every target makes the environment it needs first; ARGS goes to the program that does the work.
#
#   make venv          PYTHON=python3.12 for another interpreter, VENV=folder for another place
#   make demo          ARGS=--once ends after the day
#   make test          ARGS="tests/kernel -x"
#   make explore       the histories and examples with new random draws; ARGS as for test
#   make lint          style, types, floors, published contracts
#   make bench         ARGS="..."
#   make conformance   ARGS="..."
#   make pyz           the laptop client in one file
#   make lock          pin the dependencies again; ARGS=--upgrade for newer ones

VENV ?= .venv
PYTHON ?=
ARGS ?=
BIN := $(VENV)/bin

export VENV PYTHON

.PHONY: venv demo test explore lint format bench conformance pyz lock clean

venv:
	@tools/make-venv

demo: venv
	$(BIN)/saddlebag demo $(ARGS)

test: venv
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

explore: venv
	$(BIN)/python -m pytest -n auto --dist worksteal --explore --hypothesis-profile=default $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/saddlebag contract check

format: venv
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

bench: venv
	PATH="$(abspath $(BIN)):$$PATH" bench/run $(ARGS)

conformance: venv
	PATH="$(abspath $(BIN)):$$PATH" conformance/run $(ARGS)

pyz: venv
	$(BIN)/saddlebag client build $(ARGS)

lock:
	tools/lock $(ARGS)

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*

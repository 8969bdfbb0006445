# The tasks of development; `make` lists them. They need only Python 3.11 or later.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test test-long test-all mutations check stress fuzz bench bench-scale schema examples

PYTHON := .venv/bin/python
MANAGE := $(PYTHON) manage.py

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

install: .venv/installed ## install the requirements of govsite into .venv

run: .venv/installed ## start the database, the admin and the API; Ctrl-C stops everything
	@$(MANAGE) run_dev $(ARGS)

test: .venv/installed-dev ## run the daily suite on a real PostgreSQL, five minutes; ARGS=--cov counts branches
	@$(PYTHON) -m pytest -m "not long" -n auto --dist worksteal $(ARGS)

test-long: .venv/installed-dev ## run the long tests, which the daily suite leaves out
	@$(PYTHON) -m pytest -m long -n auto --dist worksteal $(ARGS)

test-all: test test-long ## run the daily suite, then the long tests

mutations: .venv/installed-dev ## drop each guard in turn, and see its tests fail; ARGS=--help lists options
	@$(PYTHON) -m tests.mutations $(ARGS)

stress: .venv/installed-dev ## run the long versions of the attacks, about an hour; ARGS=--help lists options
	@$(PYTHON) -m tests.stress $(ARGS)

fuzz: .venv/installed-dev ## send the API 50 000 requests, valid and invalid ones; ARGS=--help lists options
	@$(PYTHON) -m tests.fuzz $(ARGS)

schema: .venv/installed-dev ## write docs/openapi.yaml and docs/errors.md from the code
	@$(PYTHON) -m tests.api.reference

examples: .venv/installed-dev ## record the examples of the API schema again, then write the schema
	@$(PYTHON) -m tests.api.generate_examples
	@$(PYTHON) -m tests.api.reference

bench: .venv/installed-bench ## compare speed with other programs, ten minutes; ARGS=--help lists options
	@$(PYTHON) -m tests.benchmarks $(ARGS)

bench-scale: .venv/installed-dev ## time all pages and calls at 1 000 to 1 000 000 contracts; ARGS=--help lists options
	@$(PYTHON) -m tests.benchmarks.scale $(ARGS)

check: .venv/installed-dev ## check format, lint, types, import contracts, migrations, settings, API schema
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	env -u DEBUG -u GOVSITE_HTTPS $(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null
	$(PYTHON) -m tests.api.reference --check

# Stamp files, so that pip runs again only after the requirements have changed.
.venv/installed: requirements.txt requirements-embedded.txt
	@sh .ci/make-venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input -r requirements-embedded.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input -r requirements-dev.txt
	@touch $@

.venv/installed-bench: requirements-bench.txt .venv/installed-dev
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input -r requirements-bench.txt
	@touch $@

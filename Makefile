# Everything a working copy needs; `make` alone lists it. Only Python 3.11 or later must be there.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test check stress fuzz bench bench-scale schema examples

PYTHON := .venv/bin/python
MANAGE := $(PYTHON) manage.py

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

install: .venv/installed ## install what govsite runs on into .venv

run: .venv/installed ## start the database, the admin and the API; Ctrl-C stops all of it
	@$(MANAGE) run_dev $(ARGS)

test: .venv/installed-dev ## run the whole suite on a real PostgreSQL
	@$(PYTHON) -m pytest -n auto --dist worksteal $(ARGS)

stress: .venv/installed-dev ## attack it for about an hour; ARGS="concurrent-endings=50" picks, ARGS=--help tells
	@$(PYTHON) -m tests.stress $(ARGS)

fuzz: .venv/installed-dev ## ask the API 50 000 things its schema allows or forbids; ARGS=--help tells
	@$(PYTHON) -m tests.fuzz $(ARGS)

schema: .venv/installed-dev ## write docs/openapi.yaml and docs/errors.md from the code
	@$(PYTHON) -m tests.api.reference

examples: .venv/installed-dev ## play the schema's examples anew, then write the schema
	@$(PYTHON) -m tests.api.generate_examples
	@$(PYTHON) -m tests.api.reference

bench: .venv/installed-bench ## measure us against others in the same run, ten minutes; ARGS=--help tells
	@$(PYTHON) -m tests.benchmarks $(ARGS)

bench-scale: .venv/installed-dev ## every page and call at 1 000 to 1 000 000 contracts; ARGS=--help tells
	@$(PYTHON) -m tests.benchmarks.scale $(ARGS)

check: .venv/installed-dev ## format, lint, types, import contracts, migrations, system checks, API schema
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(MANAGE) makemigrations --check --dry-run
	env -u DEBUG -u GOVSITE_HTTPS $(MANAGE) check --deploy --fail-level WARNING
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null
	$(PYTHON) -m tests.api.reference --check

# The stamps: pip runs again only when the pins change.
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

# The commands of this project. They need make and Python 3.11, 3.12 or 3.13.

SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python; do \
	$$each -c '$(SUPPORTED)' 2>/dev/null && echo $$each && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SCALE := .venv-scale
WORKERS ?= 4
PARALLEL := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
TURN ?= 1/1

# pytest keeps the test modules that it has compiled, so that each of several workers and runs does not compile them again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install install-scale demo up test test-dates test-second test-scale slow soak reliability bench bench-check lint audit sbom format docs examples site packages image lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Create .venv with everything that requirements.lock pins, and this package

$(INSTALLED): requirements.lock pyproject.toml
	@'$(PYTHON)' -c '$(SUPPORTED)' 2>/dev/null || { \
		echo 'This needs Python 3.11, 3.12 or 3.13 with its venv module; say which with: make install PYTHON=/path/to/python' >&2; \
		exit 1; }
	@echo 'Installing into $(VENV): about a minute, 1 GB on the disk. Each step prints a line.'
	@echo '1 of 3: the environment'
	@'$(PYTHON)' -m venv $(VENV)
	@echo "2 of 3: $$(grep -c '==' requirements.lock) packages, the longest step"
	@rm -f $(VENV)/.failed; { $(BIN)/python -m pip install --disable-pip-version-check --no-deps --only-binary :all: \
		--require-hashes --requirement requirements.lock || touch $(VENV)/.failed; } | \
		awk '/^Collecting /{ printf "  %s\n", $$2; fflush() } /^Installing /{ print "  installing them"; fflush() }'; \
		test ! -e $(VENV)/.failed
	@echo '3 of 3: this package'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q pipelines
	@mkdir -p data/dagster && chmod 700 data data/dagster
	@touch $@

install-scale: $(SCALE)/.scale ## Create .venv-scale with what lakes and runs on several machines need (docs/scale.md)

$(SCALE)/.scale: requirements.lock .ci/scale.lock pyproject.toml
	@$(MAKE) --no-print-directory install VENV='$(SCALE)' PYTHON='$(PYTHON)'
	@$(SCALE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
		--requirement .ci/scale.lock
	@touch $@

demo: $(INSTALLED) ## Sync a built-in Floriday into DuckDB through Dagster, and show the results
	$(BIN)/floriday demo $(ARGS)

up: $(INSTALLED) ## Start Dagster, and the sandbox if no credentials are set
	$(BIN)/floriday up $(ARGS)

test: $(INSTALLED) ## Run the quick tests; COVERAGE=1 also runs the slow ones and measures the coverage, which must be 90 %
ifdef COVERAGE
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -m "not soak" $(PARALLEL) $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
else
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)
endif

test-dates: $(INSTALLED) ## Run the tests that use the clock on five difficult dates, or the TURN of them (needs faketime)
	@PYTHON=$(BIN)/python WORKERS=$(WORKERS) TURN=$(TURN) bash .ci/dates $(ARGS)

test-second: $(INSTALLED) ## Run the tests, or those of TESTS, on another Python, 3.13 or 3.11, and with an older DuckDB
	@WORKERS=$(WORKERS) TESTS="$(TESTS)" bash .ci/second $(ARGS)

test-scale: $(SCALE)/.scale ## Run the tests that need PostgreSQL, a server like S3 or Celery; they are skipped where one is missing
	@BIN=$(SCALE)/bin WORKERS=$(WORKERS) bash .ci/scale $(ARGS)

slow: $(INSTALLED) ## Run the slow tests; TURN=2/3 runs the second third of them
	$(BIN)/python -m pytest -m "slow and not soak" --turn $(TURN) $(PARALLEL) $(ARGS)

soak: $(INSTALLED) ## Run the soak tests, some minutes each
	$(BIN)/python -m pytest -m soak $(ARGS)

reliability: $(INSTALLED) ## Run the reliability experiments, and write docs/reliability.md
	$(BIN)/python -m tests.reliability docs/reliability.md

WITHOUT_BENCH = benchmarks/regressions.py benchmarks/lakes.py benchmarks/many_accounts.py

bench: $(INSTALLED) ## Run the benchmarks, one after the other, but for those that need PostgreSQL
	@for script in $(filter-out $(WITHOUT_BENCH),$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script $(ARGS) || exit 1; done

bench-check: $(INSTALLED) ## Fail if something became slower by more than a quarter, measured beside a fixed piece of work
	$(BIN)/python benchmarks/regressions.py $(ARGS)

lint: $(INSTALLED) ## Check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

audit: ## Check the pinned packages for known vulnerabilities; AUDIT=optional if the list may be unreachable
	@PYTHON='$(PYTHON)' bash .ci/audit

sbom: ## Write the software bill of materials (CycloneDX) into dist/
	@PYTHON='$(PYTHON)' bash .ci/sbom

format: $(INSTALLED) ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(INSTALLED) ## Generate the data dictionary, the glossary, and the pages on reports, commands, settings, Python and MCP
	$(BIN)/python -m pipelines.dictionary docs/dictionary
	$(BIN)/python -m pipelines.cli.docs.command_reference > docs/cli.md.new
	@mv docs/cli.md.new docs/cli.md
	$(BIN)/python -m pipelines.cli.docs.settings_reference .env.example > docs/settings.md.new
	@mv docs/settings.md.new docs/settings.md
	$(BIN)/python -m pipelines.cli.docs.python_reference > docs/python-api.md.new
	@mv docs/python-api.md.new docs/python-api.md
	$(BIN)/python -m pipelines.dictionary.reports docs
	$(BIN)/python -m pipelines.dictionary.glossary > docs/glossary.md.new
	@mv docs/glossary.md.new docs/glossary.md
	$(BIN)/python -m pipelines.mcp_server.reference > docs/mcp.md.new
	@mv docs/mcp.md.new docs/mcp.md

examples: $(INSTALLED) ## Run the demo and the reports for the examples in README.md and docs/reports
	$(BIN)/python -m pipelines.cli.docs.report_examples > examples.json.new
	@mv examples.json.new pipelines/dictionary/examples.json
	$(BIN)/python -m pipelines.cli.docs.readme_outputs README.md

site: ## Build the documentation site into dist/site, with all warnings as errors and all links checked
	@PYTHON='$(PYTHON)' bash .ci/site
	.venv-site/bin/python -m website.build

packages: $(INSTALLED) ## Build wheel and sdist twice, compare them, and try each way to install the wheel
	@PYTHON=$(BIN)/python bash .ci/packages

image: $(INSTALLED) ## Build the container image, and try it (needs docker, podman or buildah)
	@PYTHON=$(BIN)/python bash .ci/image

lock: ## Pin the requirements of pyproject.toml and of the lists .ci/*.in again (needs uv)
	uv pip compile pyproject.toml --extra dagster --extra mcp --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' --quiet --output-file requirements.lock $(ARGS)
	grep -oE '^[a-z0-9._-]+==[^ ]+' requirements.lock | grep -v '^duckdb==' | uv pip compile .ci/scale.in --constraints /dev/stdin --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' --quiet \
		--output-file .ci/scale.lock $(ARGS)
	for name in tools site duckdb-1.5 duckdb-1.4; do uv pip compile .ci/$$name.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' --quiet --output-file .ci/$$name.lock $(ARGS) || exit 1; done

clean: ## Remove .venv and all caches, but not data/
	rm -rf $(VENV) .venv-tools .venv-site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

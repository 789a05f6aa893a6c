# Everything a person types in a checkout. `make` alone lists it. ARGS="…" is passed on to what a target runs.

PYTHON ?= python3
ARGS ?=

venv := .venv
bin := $(venv)/bin
server := $(venv)/.server
dev := $(venv)/.dev
upkeep := .venv-upkeep/.upkeep
benchmarks := $(patsubst benchmarks/%.py,%,$(wildcard benchmarks/*.py))

pip_install = -m pip install --quiet --disable-pip-version-check
or_say_why = || { echo "This could not be installed. The first time needs the network (or pip's own settings for a \
mirror): then type the same once more." >&2; exit 1; }
lock_with = .venv-upkeep/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help up install test check bench docs soak audit lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

up: $(server) ## serve everything on this machine (ARGS="--port 8000 --data-dir DIR")
	@exec $(bin)/zero2prod up $(ARGS)

install: $(dev) ## set up .venv with all locked dependencies; the other targets do it themselves
	@echo "Ready in $(venv)"

test: $(dev) ## all tests, with their coverage gate
	@exec $(bin)/python -m tests.run $(ARGS)

check: $(dev) ## format, lint, types, import contracts, wheel
	$(bin)/ruff format --check
	$(bin)/ruff check
	$(bin)/mypy src tests examples $(wildcard benchmarks) docs/generate.py
	$(bin)/lint-imports --no-logo
	$(bin)/python -m tests.wheel

bench: $(dev) ## benchmarks; fails where a ratio is missed
	@test -n "$(benchmarks)" || { echo "There is no benchmark in benchmarks/" >&2; exit 1; }
	@status=0; for name in $(benchmarks); do $(bin)/python -m benchmarks.$$name || status=1; done; exit $$status

docs: $(dev) ## the documentation as a static site in build/site
	@$(bin)/python docs/generate.py
	@$(bin)/mkdocs build --strict
	@echo "Ready in build/site/index.html"

soak: $(dev) ## long fault runs
	@exec $(bin)/pytest -m soak --timeout=0 --hypothesis-profile=search $(ARGS)

audit: $(upkeep) ## known vulnerabilities in what we depend on, and bandit (needs the network)
	.venv-upkeep/bin/pip-audit --disable-pip --require-hashes -r requirements/dev.txt
	.venv-upkeep/bin/bandit --configfile pyproject.toml --quiet --severity-level medium --recursive src

lock: $(upkeep) ## pin dependencies anew after a change in pyproject.toml (ARGS=--upgrade; needs the network)
	$(lock_with) pyproject.toml --extra server --extra uvloop --group build --output-file requirements/server.txt
	$(lock_with) pyproject.toml --extra server --extra uvloop --extra testing --group build --group dev \
		--constraint requirements/server.txt --output-file requirements/dev.txt
	$(lock_with) --group upkeep --output-file requirements/upkeep.txt

clean: ## remove what the other targets made here
	rm -rf $(venv) .venv-upkeep build dist .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# The stamps below make a second call cost nothing: pip runs only when a lock or pyproject.toml is newer.
# Installing this checkout itself asks no index: its build backend is in the lock.

$(server): requirements/server.txt pyproject.toml $(venv)/pyvenv.cfg
	@echo "Installing the server's locked dependencies into $(venv) (once; about a minute on most lines)"
	@$(bin)/python $(pip_install) --require-hashes -r requirements/server.txt $(or_say_why)
	@$(bin)/python $(pip_install) --no-deps --no-build-isolation --editable .
	@touch $@

$(dev): requirements/dev.txt $(server)
	@echo "Installing the locked tools for tests and checks into $(venv)"
	@$(bin)/python $(pip_install) --require-hashes -r requirements/dev.txt $(or_say_why)
	@touch $@

$(upkeep): requirements/upkeep.txt
	@$(make_venv) .venv-upkeep
	@.venv-upkeep/bin/python $(pip_install) --require-hashes -r requirements/upkeep.txt $(or_say_why)
	@touch $@

$(venv)/pyvenv.cfg:
	@$(make_venv) $(venv)

define make_venv
command -v $(PYTHON) >/dev/null || { echo "zero2prod needs Python 3.11 or newer, and there is no $(PYTHON): \
install it, or name another by make PYTHON=…" >&2; exit 2; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "zero2prod needs Python 3.11 or newer, \
and $(PYTHON) is older: name another by make PYTHON=…" >&2; exit 2; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module: \
install it (Debian: apt-get install python3-venv)" >&2; exit 2; }; \
$(PYTHON) -m venv --clear
endef

# Riacho's commands for a clone. Plain `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WEB := $(shell find src/riacho/console/web -type f -not -path '*/node_modules/*' 2>/dev/null)
BUILT_FROM := pyproject.toml constraints.txt $(wildcard hatch_build.py) $(WEB)

# Tests and demo start many processes; where compiled sources may not be kept, each compiles them again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-cluster coverage lint format docs bench wheel clean chromium

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.demo  ## watch a year of real flights stream through a log, SQL jobs and a live page
	@exec $(BIN)/riacho demo

test: $(VENV)/.test chromium  ## run every test
	$(BIN)/pytest -n 2 --dist loadgroup

coverage: $(VENV)/.test chromium  ## run every test and say which lines none of them runs (takes half as long again)
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term-missing:skip-covered

test-cluster: $(VENV)/.test  ## compare answers with Apache Flink's, which is fetched (needs a JDK 17 and Maven)
	@tools/install_test_programs cluster
	$(BIN)/pytest tests/cluster

lint: $(VENV)/.lint  ## check style, types and the import contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.lint  ## rewrite the code in the project's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.docs  ## build the documentation into site/
	$(BIN)/zensical build

bench: $(VENV)/.demo  ## measure the log and the SQL engine on this machine
	$(BIN)/riacho bench log
	$(BIN)/riacho bench sql

wheel: $(VENV)/.build  ## build the wheel into dist/
	$(BIN)/python -m build --wheel

clean:  ## remove everything that was made here
	rm -rf $(VENV) dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian may lack python3-venv; then the environment starts without pip and the system's pip fills it.
$(VENV)/.made:
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  rm -rf $(VENV); \
	  $(PYTHON) -m venv --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	@$(PIP) install -c constraints.txt pip
	@touch $@

$(VENV)/.demo: $(VENV)/.made $(BUILT_FROM)
	@echo "installing riacho and what it needs"
	@$(PIP) install -c constraints.txt -e '.[demo]'
	@$(BIN)/riacho kernels
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "installing what the tests need"
	@$(PIP) install -c constraints.txt --group test
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@echo "installing what the checks need"
	@$(PIP) install -c constraints.txt --group lint
	@touch $@

$(VENV)/.docs: $(VENV)/.demo
	@$(PIP) install -c constraints.txt --group docs
	@touch $@

$(VENV)/.build: $(VENV)/.made
	@$(PIP) install -c constraints.txt build
	@touch $@

# The page is tested in a real browser, the log with a real C client. Where apt and the right to use it are at hand
# they are installed; elsewhere the command is named and those tests say that they did not run.
chromium:
	@tools/install_test_programs

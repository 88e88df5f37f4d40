# make demo    install, then run the worked example offline
# make test    install with the developer tools, then run every test
# make help    the other targets
#
# Needs Python 3.11 or newer and make. Everything goes into .venv; `make clean` removes it again.

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
CODE := src tests benchmarks examples

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench constraints clean

help:
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 18

demo: .venv/installed-train ## install, then run the worked example offline (ARGS="--help" shows its options)
	$(BIN)/segwright demo $(ARGS)

test: .venv/installed-dev ## install with the developer tools, then run every test (ARGS="tests/core -x" runs some)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: .venv/installed-dev ## style, formatting, types, and which room may import which
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/pyright
	$(BIN)/lint-imports

format: .venv/installed-dev ## rewrite the code in the house format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: .venv/installed-dev ## build the documentation into site/
	$(BIN)/mkdocs build --strict

bench: .venv/installed-dev ## measure and print; nothing passes or fails here
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/scores.py --only pixels boundary surface panoptic

constraints: .venv/installed-dev ## renew constraints.txt to the newest versions that fit together
	@echo uv | $(BIN)/uv pip compile --quiet --system-certs --upgrade --no-header --no-annotate --no-emit-index-url \
	    --no-emit-find-links --python-version 3.11 --extra dev pyproject.toml - > .venv/newest.txt
	@{ grep '^#' constraints.txt; cat .venv/newest.txt; } > .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt

clean: ## remove .venv and everything that was built or cached
	rm -rf .venv build dist site .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# One thread a worker: two workers with a thread pool each would fight over the same cores.
test bench: export OMP_NUM_THREADS := 1
test bench: export OPENBLAS_NUM_THREADS := 1
test bench: export MKL_NUM_THREADS := 1
test bench: export OPENCV_FOR_THREADS_NUM := 1

# Nothing here may reach the network but the installation itself.
demo test bench: export HF_HUB_OFFLINE := 1
demo test bench: export HF_HUB_DISABLE_TELEMETRY := 1
demo test bench: export DO_NOT_TRACK := 1
demo test bench: export WANDB_MODE := offline
test bench: export MPLBACKEND := Agg
lint: export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
docs: export NO_MKDOCS_2_WARNING := true

# Installation. uv is quick and writes bytecode when asked, without which every start of a command is seconds slower;
# it knows nothing of pip's settings, so where it fails (an index or wheel folder only pip was told about) pip does it.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

define install
	@echo "installing segwright[$(1)] into .venv"
	@$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python \
	    -c constraints.txt -e '.[$(1)]' \
	|| { echo "uv could not install; trying pip"; \
	     $(BIN)/python -m pip install --quiet -c constraints.txt -e '.[$(1)]'; }
	@touch $@
endef

.venv/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "segwright needs Python 3.11 or newer, and $(PYTHON) is not;"; \
	    echo "  fix:     make $(or $(MAKECMDGOALS),demo) PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet -c constraints.txt uv || echo "no uv here; pip does the work, more slowly"
	@touch $@

.venv/installed-train: .venv/created pyproject.toml constraints.txt
	$(call install,train)

.venv/installed-dev: .venv/created pyproject.toml constraints.txt
	$(call install,dev)
	@touch .venv/installed-train

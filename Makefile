# Every command of the kit; `make` alone lists them. Each sets up what it needs, once.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# A Python that only seems to be there (a shim, or one without `venv`) is passed over.
USABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3 python,\
	$(if $(shell $(name) -c '$(USABLE)' 2>/dev/null && echo yes),$(name))))

ENVIRONMENT := .venv
RUN := $(ENVIRONMENT)/bin/python
READY := $(ENVIRONMENT)/ready
export PYTHONNOUSERSITE = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Without compiled files each of the many processes would compile the kit again.
unexport PYTHONDONTWRITEBYTECODE

# kit.py installs. It is asked where something may have changed: with GPU=1 (TensorFlow for
# NVIDIA cards) or GPU=0, and in a checkout that was moved, because what is installed
# still points to the old place.
VARIANT := $(if $(GPU),--gpu=$(if $(filter 0,$(GPU)),0,1))
ifneq ($(VARIANT)|$(shell cat $(READY) 2>/dev/null),|$(CURDIR))
.PHONY: $(READY)
endif

# Root, as in a container, has to ask for what Jupyter otherwise refuses.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# Tests of a file stay in one process, because they share what is slow to make.
# One more than the two cores of a small machine: tests wait now and then.
WORKERS ?= 3
PYTEST = $(RUN) -m pytest -q -rfEs --numprocesses $(WORKERS) --dist loadfile \
	--durations 20
# Its plugin for notebooks takes seconds to load, in each process.
UNIT = $(PYTEST) -p no:nbval

# Every notebook runs in a kernel of its own, and outputs are compared where a cell is
# tagged for it. `tests/offline` turns the network off in every Python that starts.
OFFLINE = KIT_OFFLINE=1 PYTHONPATH='$(CURDIR)/tests/offline'
NBVAL = $(OFFLINE) $(PYTEST) --nbval-lax --nbval-current-env --nbval-cell-timeout 300

##@ Work
help: ## List the commands
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile
.PHONY: help

lab: setup sample ## Open JupyterLab on the first notebook
	@$(RUN) -m jupyterlab $(AS_ROOT) --ServerApp.root_dir='$(CURDIR)' \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb
.PHONY: lab

demo: setup sample ## Patches, training, map and figure in about a minute
	@$(RUN) -m tutorial_lib.commands.demo
.PHONY: demo

setup: $(READY) ## Install the kit into .venv (PYTHON=... chooses the Python, GPU=1 CUDA)
	@:
.PHONY: setup

sample: setup ## Get the sample scenes into data/
	@$(RUN) -m data_fetch sample
.PHONY: sample

clean: ## Remove what was set up and made; data/ stays
	rm -rf $(ENVIRONMENT) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
.PHONY: clean

##@ Check
check: lint sample ## Style and the fast tests, for every day: 3 minutes
	@$(UNIT) -m 'not slow and not thorough' --ignore=tests/browser
.PHONY: check

test: lint test-code test-notebooks ## Everything that has to pass before a change goes in
.PHONY: test

lint: setup ## Check style and format
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
.PHONY: lint

# While a browser waits, other tests compute.
test-code: setup sample ## Library, examples in docstrings, widgets in a browser if there is one
	@$(UNIT) -m 'not slow'
.PHONY: test-code

test-unit: setup sample ## ... without the browser
	@$(UNIT) -m 'not slow' --ignore=tests/browser
.PHONY: test-unit

test-browser: setup sample ## ... only the browser
	@$(UNIT) -m 'not slow' tests/browser
.PHONY: test-browser

# Both versions of a notebook compute the same, and those named here take long. So `make
# test` runs only the solved version of these.
LONG = $(addprefix notebooks/,02_patch_based_cnn.ipynb 03_pixelwise_fcnn.ipynb \
	05_mapping_a_scene.ipynb 06_two_sources.ipynb 09_going_further.ipynb)

# The two versions of a notebook write into one folder, so they do not run together.
test-notebooks: setup sample ## Learner's (not the five longest) and solved ones, offline
	@$(NBVAL) $(filter-out $(LONG),$(sort $(wildcard notebooks/*.ipynb)))
	@$(NBVAL) notebooks/solutions/*.ipynb
.PHONY: test-notebooks

test-long-notebooks: setup sample ## ... the five longest of the learner's
	@$(NBVAL) $(LONG)
.PHONY: test-long-notebooks

test-slow: setup sample test-long-notebooks ## All other cases, over seeds and Keras versions
	@$(RUN) -m pytest -q -m slow
.PHONY: test-slow

##@ Change
notebooks: setup ## Build the notebooks from notebooks/source
	@$(RUN) notebooks/build.py
.PHONY: notebooks

outputs: setup sample ## ... and execute the solved ones, to keep what is compared
	@$(OFFLINE) $(RUN) notebooks/build.py outputs
.PHONY: outputs

html: setup sample ## A site without internet: solved notebooks, texts, reference, search
	@$(OFFLINE) $(RUN) notebooks/export.py
.PHONY: html

format: setup ## Write the code in the one format
	@$(RUN) -m ruff check --fix --select I
	@$(RUN) -m ruff format
.PHONY: format

bench: setup sample ## Time and memory of notebooks and engine, as tables and pictures
	@$(OFFLINE) $(RUN) benchmarks/notebooks.py
	@$(RUN) benchmarks/in_jupyterlab.py
	@$(RUN) benchmarks/metrics_cost.py
	@$(RUN) benchmarks/engine.py
.PHONY: bench

offline-kit: setup sample ## A folder that installs without internet (PLATFORM=windows ...)
	@$(RUN) -m offline_kit $(if $(PLATFORM),--platform=$(PLATFORM)) \
		$(if $(PYTHON_VERSION),--python-version=$(PYTHON_VERSION))
.PHONY: offline-kit

weights: setup sample ## Train the recorded weights again: minutes
	@$(RUN) -m tutorial_lib.recorded.recordings
.PHONY: weights

$(READY): pyproject.toml constraints.txt
	@$(if $(PYTHON),,echo "No Python 3.11 or 3.12 that can make virtual environments \
	was found. Install one (Debian: apt install python3-venv), or name it: make \
	$(MAKECMDGOALS) PYTHON=/path/to/python" >&2; exit 1)
	@'$(PYTHON)' -c '$(USABLE)' 2>/dev/null || { echo "PYTHON=$(PYTHON) does not run, \
	is not 3.11 or 3.12, or lacks venv and ensurepip. Name another one." >&2; exit 1; }
	@'$(PYTHON)' kit.py setup --environment '$(ENVIRONMENT)' $(VARIANT)

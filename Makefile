# What a person runs here. `make demo` and `make test` need Python 3.11, a C++ compiler and make, and nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Two compilers at once on two cores: llama-cpp-python builds from source unless a wheel is at hand.
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell getconf _NPROCESSORS_ONLN)
MINUTES ?= 30
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test check fix first-hour bench peer bench-scale bench-catalog soak fuzz tiny-models clean

help:  ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 14

# A stamp for each set of extras: installing again is skipped until pyproject.toml changes.
$(VENV)/base.stamp: pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); compiling llama-cpp-python takes about 5 to 10 minutes on two cores, once."
	$(RUN) -m pip install -q -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/base.stamp
	$(RUN) -m pip install -q -e '.[dev]'
	@touch $@

demo: $(VENV)/base.stamp  ## install, start a server of its own, ask the bundled model twice, stop everything
	$(RUN) -m tools.demo

test: $(VENV)/dev.stamp  ## install and run the tests
	$(RUN) -m pytest -n auto --dist loadfile

check: $(VENV)/dev.stamp  ## format, lint, types, generated files, tests: what has to hold before a commit
	$(RUN) -m ruff format --check lms tests tools
	$(RUN) -m ruff check lms tests tools
	$(RUN) -m mypy
	$(RUN) -m tools.cli_files --check
	$(MAKE) test

fix: $(VENV)/dev.stamp  ## format, mend what can be mended, and write man/ and completions/ anew
	$(RUN) -m ruff format lms tests tools
	$(RUN) -m ruff check --fix lms tests tools
	$(RUN) -m tools.cli_files

first-hour: $(VENV)/dev.stamp  ## spend a first hour with the program, in half a minute: docs/first-hour.md
	$(RUN) -m tools.first_hour

bench: $(VENV)/dev.stamp  ## how fast it is here, beside llama-server where there is one; ARGS="single embed" for some
	$(RUN) -m tools.bench $(ARGS)

peer: $(VENV)/dev.stamp  ## build llama-server from the source of llama-cpp-python, to compare with: 10 to 15 minutes
	command -v cmake >/dev/null || $(RUN) -m pip install -q cmake
	PATH="$(abspath $(VENV))/bin:$$PATH" $(RUN) -m tools.bench.peer

bench-scale: $(VENV)/dev.stamp  ## what more streams and longer contexts cost: two tables, two charts in build/bench
	$(RUN) -m tools.bench.scale $(ARGS)

bench-catalog: $(VENV)/dev.stamp  ## how long it takes to list 2,000 models, the first time and later
	$(RUN) -m tools.bench.catalog

soak: $(VENV)/dev.stamp  ## mixed work for MINUTES=30, and what it does to memory
	$(RUN) -m tools.bench.soak --minutes $(MINUTES) $(ARGS)

fuzz: $(VENV)/dev.stamp  ## 5,000 requests made from /openapi.json, none of which may end in a status of 500 or more
	$(RUN) -m tools.fuzz $(ARGS)

tiny-models: $(VENV)/dev.stamp  ## make the two bundled models anew: up to three hours, needs PyTorch
	$(RUN) -c "import tokenizers, torch" 2>/dev/null || $(RUN) -m pip install -q "torch==2.13.0" "tokenizers>=0.21"
	$(RUN) -m tools.tiny_models

clean:  ## remove what was built and installed here
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

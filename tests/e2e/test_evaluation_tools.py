"""The tasks that `export --format` writes run as they are with lm-eval and Inspect, and right answers are right."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm_trainer.report import evaluation_tasks
from swarm_trainer.report.evaluation_tasks import TaskFormat

pytestmark = pytest.mark.long

ODD = '{{ 7*7 }} {prompt} """ \' !!python/object:os.system \u2028'
RECORDS: dict[str, list[dict[str, Any]]] = {
    "choices": [
        {"text": f"{ODD} {n}+{n}?", "choices": ["0", f"{2 * n}", ODD], "reference": f"{2 * n}"} for n in range(1, 9)
    ],
    "answers": [{"text": f"{ODD} {n}+{n}?", "reference": f"It is\n#### {2 * n}"} for n in range(1, 9)],
}
LM_EVAL_SCRIPT = """
import json, sys
import lm_eval
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

folder, name = sys.argv[1:]
items = [json.loads(line) for line in open(f"{folder}/items.jsonl", encoding="utf-8", newline="\\n")]

def find(prompt):
    return next(item for item in items if prompt.endswith(item["prompt"]))

class Knowing(LM):
    def loglikelihood(self, requests):
        return [(float(one.args[1] == " " + find(one.args[0])["target"]), False) for one in requests]
    def generate_until(self, requests):
        return [" %s.\\n" % find(one.args[0])["target"] for one in requests]
    def loglikelihood_rolling(self, requests):
        raise NotImplementedError

found = lm_eval.simple_evaluate(model=Knowing(), tasks=[name], task_manager=TaskManager(include_path=folder))
print(json.dumps({key: value for key, value in found["results"][name].items() if isinstance(value, float)}))
"""
INSPECT_SCRIPT = """
import json, sys
from inspect_ai import eval as evaluate
from inspect_ai.model import ModelOutput, ModelUsage, get_model

folder, name = sys.argv[1:]
items = [json.loads(line) for line in open(f"{folder}/items.jsonl", encoding="utf-8", newline="\\n")]

def say(text):
    output = ModelOutput.from_content("mockllm/model", text)
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # or it would fetch a tokenizer
    return output

outputs = [say(f"ANSWER: {item['target']}") for item in items[:-1]] + [say("ANSWER: nothing")]
model = get_model("mockllm/model", custom_outputs=outputs)
(log,) = evaluate(f"{folder}/{name}.py", model=model, max_connections=1, max_samples=1, log_dir=folder, display="none")
assert log.status == "success", log.error
print(json.dumps({key: metric.value for key, metric in log.results.scores[0].metrics.items()}))
"""


def run_tool(package: str, script: str, task_format: TaskFormat, kind: str, folder: Path) -> dict[str, float]:
    """The figures of the tool for a model that gives the targets of the task, in a process of its own."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed; install {package.replace('_', '-')} beside dataswarm")
    folder.mkdir()
    for name, text in evaluation_tasks.build_files(task_format, "a run", RECORDS[kind]).items():
        (folder / name).write_text(text, encoding="utf-8")
    offline = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hub"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", script, "task", "dataswarm_a_run"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=offline, cwd=folder.parent, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


@pytest.mark.parametrize(("kind", "metric"), [("choices", "acc,none"), ("answers", "exact_match,answer")])
def test_lm_eval_runs_a_task_and_scores_right_answers(kind: str, metric: str, tmp_path: Path) -> None:
    assert run_tool("lm_eval", LM_EVAL_SCRIPT, TaskFormat.LM_EVAL, kind, tmp_path / "task")[metric] == 1.0


@pytest.mark.parametrize("kind", RECORDS)
def test_inspect_runs_a_task_and_scores_right_and_wrong_answers(kind: str, tmp_path: Path) -> None:
    assert run_tool("inspect_ai", INSPECT_SCRIPT, TaskFormat.INSPECT, kind, tmp_path / "task")["accuracy"] == 7 / 8

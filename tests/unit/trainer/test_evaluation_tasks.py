"""A data set is written as a task of an evaluation tool: fixed code, and items as data."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from swarm_core.errors import BadInputError
from swarm_trainer.cli import parser
from swarm_trainer.report import evaluation_tasks
from swarm_trainer.report.evaluation_tasks import TaskFormat

HOSTILE = "{{ 7*7 }}{% raw %}{prompt} \"\"\" ''' \\ !!python/object:os.system \u2028 NAME\n- x: y"
CHOICES = [
    {"text": f"{HOSTILE} {n}?", "choices": ["0", HOSTILE, str(n)], "reference": str(n), "answers": {}}
    for n in range(1, 4)
]
ANSWERS = [{"text": f"{n}+{n}", "reference": f"{n}+{n} is {2 * n}\n#### {2 * n}", "answers": {}} for n in range(1, 4)]


class Loader(yaml.SafeLoader):
    """Reads a task file with its references to functions as texts."""


Loader.add_constructor("!function", lambda loader, node: f"function {loader.construct_scalar(node)}")  # type: ignore[arg-type]


def read_items(files: dict[str, str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["items.jsonl"].split("\n") if line]


@pytest.mark.parametrize("task_format", TaskFormat)
@pytest.mark.parametrize("records", [CHOICES, ANSWERS], ids=["choices", "answers"])
def test_texts_of_items_are_in_the_file_of_items_alone(task_format: TaskFormat, records: list[dict[str, Any]]) -> None:
    files = evaluation_tasks.build_files(task_format, "a run", records)
    plain = [{**record, "text": "?", **({"choices": ["0", "1", record["reference"]]} if record.get("choices") else {})}
             for record in records]  # fmt: skip
    others = evaluation_tasks.build_files(task_format, "a run", plain)
    assert [item["question"] for item in read_items(files)] == [record["text"] for record in records]
    assert {name: text for name, text in files.items() if name != "items.jsonl"} == {
        name: text for name, text in others.items() if name != "items.jsonl"
    }


def test_a_task_of_lm_eval_names_the_fields_of_its_items_and_renders_no_template() -> None:
    files = evaluation_tasks.build_files(TaskFormat.LM_EVAL, "My run: 3", CHOICES)
    assert set(files) == {"items.jsonl", "README.md", "dataswarm_my_run_3.yaml", "load_items.py"}
    task = yaml.load(files["dataswarm_my_run_3.yaml"], Loader)
    assert (task["task"], task["custom_dataset"]) == ("dataswarm_my_run_3", "function load_items.load")
    (first, *_) = read_items(files)
    assert first["prompt"] == f"Question: {HOSTILE} 1?\nA) 0\nB) {HOSTILE}\nC) 1\nAnswer:"
    assert (first[task["doc_to_choice"]], first[task["doc_to_target"]], first["target"]) == (["A", "B", "C"], 2, "C")
    assert task["doc_to_text"] == "prompt"
    compile(files["load_items.py"], "load_items.py", "exec")
    answered = evaluation_tasks.build_files(TaskFormat.LM_EVAL, "r", ANSWERS)
    task = yaml.load(answered["dataswarm_r.yaml"], Loader)
    (first, *_) = read_items(answered)
    assert (first[task["doc_to_text"]], first[task["doc_to_target"]]) == ("Question: 1+1\nAnswer:", "2")


@pytest.mark.parametrize(("records", "solver"), [(CHOICES, "multiple_choice"), (ANSWERS, "generate")])
def test_a_task_of_inspect_is_one_function_with_a_legal_name(records: list[dict[str, Any]], solver: str) -> None:
    files = evaluation_tasks.build_files(TaskFormat.INSPECT, "1-run's.name", records)
    assert set(files) == {"items.jsonl", "README.md", "dataswarm_1_run_s_name.py"}
    tree = ast.parse(files["dataswarm_1_run_s_name.py"])
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [one.name for one in functions] == ["build_sample", "dataswarm_1_run_s_name"]
    assert solver in files["dataswarm_1_run_s_name.py"]


def test_items_without_a_reference_are_left_out_and_counted() -> None:
    files = evaluation_tasks.build_files(TaskFormat.INSPECT, "r", [*ANSWERS, {"text": "?"}])
    assert len(read_items(files)) == 3
    assert (
        "3 items of the data set of a run, for inspect. 1 items without a reference are left out." in files["README.md"]
    )


def test_the_computed_answers_of_a_game_are_references() -> None:
    files = evaluation_tasks.build_files(TaskFormat.INSPECT, "r", [{"text": "1+2", "answer": "3", "round": 1}])
    assert [item["target"] for item in read_items(files)] == ["3"]


def test_a_data_set_without_references_is_refused_with_the_field_to_set() -> None:
    with pytest.raises(BadInputError, match=r"none of the 1 items .* spec\.generation\.format QuestionsAndAnswers"):
        evaluation_tasks.build_files(TaskFormat.LM_EVAL, "r", [{"text": "?"}])


def test_items_with_choices_of_which_one_lacks_them_ask_for_texts() -> None:
    files = evaluation_tasks.build_files(TaskFormat.LM_EVAL, "r", [*CHOICES, *ANSWERS])
    assert all("letters" not in item for item in read_items(files))


def test_the_command_line_knows_every_format() -> None:
    assert tuple(TaskFormat) == parser.TASK_FORMATS
    arguments = parser.parse(["export", "runs/a", "out", "--format", "inspect"])
    assert (arguments.format, arguments.destination) == ("inspect", Path("out"))

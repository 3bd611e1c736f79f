"""Writes the data set of a run as a task that an evaluation tool runs: lm-eval or Inspect.

A task is code that is the same for every run, and a file of items as JSON Lines. Texts of items are nowhere else, and
no template is made of them: a model wrote them. The name of the run is reduced to letters, digits and underscores.

An item with choices asks for a letter. Any other asks for a short text, which is compared with what the reference
states as its answer (`swarm_core.judges.stated_text`).

Limits: items without a reference are left out. The tools compare answers by rules of their own, and not by those of the
run's judge: lm-eval exactly, apart from case, commas and a period at the end; Inspect likewise. A reference that states
no short answer cannot be matched.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from swarm_core.errors import BadInputError
from swarm_core.items import LETTERS, format_choices
from swarm_core.judges.stated_answer import UnreadableError
from swarm_core.judges.stated_text import find_stated_text

ITEMS_FILE, CARD_FILE = "items.jsonl", "CARD.md"
PREFIX = "dataswarm_"


class TaskFormat(StrEnum):
    """The evaluation tools that tasks are written for."""

    LM_EVAL = "lm-eval"
    INSPECT = "inspect"


LM_EVAL_LOADER = '''\
"""Loads the items beside this file for lm-eval."""

from pathlib import Path

import datasets


def load(**_):
    return datasets.load_dataset("json", data_files={"test": str(Path(__file__).with_name("items.jsonl"))})
'''
LM_EVAL_HEAD = """\
task: NAME
custom_dataset: !function load_items.load
test_split: test
doc_to_text: prompt
num_fewshot: 0
metadata: {version: 1.0}
"""
LM_EVAL_CHOICES = """\
output_type: multiple_choice
doc_to_choice: letters
doc_to_target: right
metric_list:
- {metric: acc, aggregation: mean, higher_is_better: true}
"""
LM_EVAL_ANSWERS = r"""
output_type: generate_until
description: "Give the answer alone, in one line.\n\n"
doc_to_target: target
generation_kwargs: {until: ["\n"], max_gen_toks: 128, do_sample: false, temperature: 0.0}
filter_list:
- name: answer
  filter:
  - {function: regex, regex_pattern: '^\s*(.*?)[\s.]*$'}
  - {function: take_first}
metric_list:
- metric: exact_match
  aggregation: mean
  higher_is_better: true
  ignore_case: true
  ignore_punctuation: false
  regexes_to_ignore: [","]
""".removeprefix("\n")
INSPECT_HEAD = '''\
"""A task for Inspect: the items beside this file."""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
'''
INSPECT_CHOICES = """\
from inspect_ai.scorer import choice
from inspect_ai.solver import multiple_choice


def build_sample(record):
    return Sample(id=record["id"], input=record["question"], choices=record["choices"], target=record["target"])


@task
def NAME():
    items = json_dataset(str(Path(__file__).with_name("items.jsonl")), build_sample)
    return Task(dataset=items, solver=multiple_choice(), scorer=choice())
"""
INSPECT_ANSWERS = '''\
from inspect_ai.scorer import answer
from inspect_ai.solver import generate, prompt_template

TEMPLATE = """\\
{prompt}

End with one line of the form "ANSWER: $ANSWER" (without quotes), where $ANSWER is the answer alone."""


def build_sample(record):
    return Sample(id=record["id"], input=record["question"], target=record["target"])


@task
def NAME():
    items = json_dataset(str(Path(__file__).with_name("items.jsonl")), build_sample)
    return Task(dataset=items, solver=[prompt_template(TEMPLATE), generate()], scorer=answer("line"))
'''
COMMANDS: Mapping[TaskFormat, str] = {
    TaskFormat.LM_EVAL: "lm_eval --include_path FOLDER --tasks NAME --model hf --model_args pretrained=MODEL",
    TaskFormat.INSPECT: "cd FOLDER && inspect eval NAME.py --model PROVIDER/MODEL",
}


def build_files(task_format: TaskFormat, run_name: str, records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the files of a task by name. `records`: those of the data set of a run (`report.dataset`).

    Raises BadInputError if no record has a reference.
    """
    given = list(records)
    items = list(build_items(given))
    if not items:
        raise BadInputError(
            f"none of the {len(given):,} items of the data set has a reference; start a run with"
            " spec.generation.format QuestionsAndAnswers or MultipleChoice"
        )
    name = find_name(run_name)
    return {
        ITEMS_FILE: "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items),
        "README.md": format_readme(task_format, name, len(items), len(given)),
        **build_code(task_format, name, has_choices="choices" in items[0]),
    }


def find_name(run_name: str) -> str:
    """Return the name of the task: an identifier of Python."""
    return PREFIX + (re.sub(r"[^a-z0-9]+", "_", run_name.lower()).strip("_") or "items")


def build_code(task_format: TaskFormat, name: str, *, has_choices: bool) -> dict[str, str]:
    """Return the files of a task that have no items."""
    if task_format is TaskFormat.LM_EVAL:
        written = LM_EVAL_HEAD + (LM_EVAL_CHOICES if has_choices else LM_EVAL_ANSWERS)
        return {f"{name}.yaml": written.replace("NAME", name), "load_items.py": LM_EVAL_LOADER}
    written = INSPECT_HEAD + (INSPECT_CHOICES if has_choices else INSPECT_ANSWERS)
    return {f"{name}.py": written.replace("NAME", name)}


def build_items(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, object]]:
    """Yield what the tools read of each record that has a reference. All have choices, or none.

    A game's records name the answer that the verifier computed `answer`.
    """
    answered = [(record, record.get("reference") or record.get("answer")) for record in records]
    known = [(record, answer) for record, answer in answered if answer]
    all_choose = all(answer in record.get("choices", ())[: len(LETTERS)] for record, answer in known)
    for number, (record, answer) in enumerate(known):
        item: dict[str, object] = {"id": number, "question": record["text"]}
        if all_choose:
            yield item | describe_choices(record["text"], record["choices"], answer)
        else:
            yield item | {"prompt": f"Question: {record['text']}\nAnswer:", "target": find_target(answer)}


def find_target(answer: str) -> str:
    """Return what a reference states as its answer; all of it if it is too long to be read."""
    try:
        return find_stated_text(answer).text or answer
    except UnreadableError:
        return answer


def describe_choices(text: str, choices: list[str], answer: str) -> dict[str, object]:
    """Return the further fields of an item with choices."""
    right = choices.index(answer)
    shown = "\n".join([f"Question: {text}", *format_choices(choices), "Answer:"])
    letters = list(LETTERS[: len(choices)])
    return {"choices": choices, "prompt": shown, "letters": letters, "right": right, "target": LETTERS[right]}


def format_readme(task_format: TaskFormat, name: str, items: int, records: int) -> str:
    """Return how to run the task."""
    left_out = f" {records - items:,} items without a reference are left out." if records > items else ""
    return f"""# {name}

{items:,} items of the data set of a run, for {task_format}.{left_out} `{CARD_FILE}` says how they were made, and how
their references were checked. The tool compares answers by its own rules, not by those of the run's judge.

    {COMMANDS[task_format].replace("NAME", name)}
"""

"""Every field, option and command that a message, a description or a document names exists."""

import argparse
import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from swarm_core import catalog
from swarm_core.api import custom_resources, schema
from swarm_trainer.cli import parser

ROOT = Path(__file__).parents[2]
SOURCES = [*ROOT.glob("operator/src/**/*.py"), *ROOT.glob("trainer/src/**/*.py")]
DOCUMENTS = [
    *(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if path.name not in ("log.md", "code-map.md")),
    *ROOT.glob("examples/**/*.md"),
    ROOT / "charts/dataswarm/templates/NOTES.txt",
    ROOT / "charts/dataswarm/values.yaml",
]
HOLE = "\0"
"""Stands for a value that a message is filled with. It matches any name."""
FIELD = re.compile(rf"\bspec((?:\.[A-Za-z{HOLE}][\w{HOLE}]*(?:\[[^\]]*\])?)+)")
COMMAND = re.compile(r"(?<!helm install )(?<![/\w-])dataswarm (?P<name>[a-z]+)\b(?P<rest>[^`\n#]*)")
CALL = re.compile(rf"dataswarm [a-z]+ [A-Z{HOLE}]")
"""The start of a text that is a call, and not a sentence about dataswarm."""
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
CAMEL_CASE = re.compile(r"\b[a-z]+[A-Z]\w*\b")
CALLERS = (
    "vllm_server.py", "run.py", "__main__.py", "jobs.py", "servers.py", "purge.py", "pods.py", "command.py",
    "foreign_formats.py", "evaluation_tasks.py",
)  # fmt: skip
"""Modules whose options are those of other programs."""
KUBECTL_OPTIONS = {
    "--all-namespaces", "--for", "--help", "--namespace", "--output", "--patch", "--previous", "--selector",
    "--timeout", "--type", "--watch",
}  # fmt: skip
OTHER_WORDS = {"vLLM", "anyOf"}
"""Words with a capital letter inside that are no fields of the API."""


@cache
def list_texts(path: Path) -> tuple[str, ...]:
    """Every text of a module, with holes for the values of f-strings."""
    return tuple(find_texts(path))


def find_texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def load_schemas() -> tuple[dict[str, Any], ...]:
    """The schema of every kind of run, without references."""
    return tuple(schema.inline_references(custom_resources.find_resource(kind).model) for kind in catalog.PROGRAMS)


def descend(node: Any) -> Iterator[Any]:
    """The objects behind optional fields, lists and unions."""
    for key in ("anyOf", "oneOf", "allOf"):
        for part in node.get(key, ()):
            yield from descend(part)
    if "items" in node:
        yield from descend(node["items"])
    yield node


def is_field(names: list[str]) -> bool:
    """Whether this path exists below the spec of any kind of run."""
    level = [one["properties"]["spec"] for one in load_schemas()]
    for name in names:
        level = [
            part
            for node in level
            for found in descend(node)
            for key, part in found.get("properties", {}).items()
            if HOLE in name or key == name
        ]
    return bool(level)


def list_fields(text: str) -> Iterator[str]:
    for match in FIELD.finditer(text):
        names = [name.partition("[")[0] for name in match[1].strip(".").split(".")]
        if not is_field(names):
            yield match[0].replace(HOLE, "{}")


@cache
def list_commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command."""
    (found,) = [action for action in parser.build_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


def options_of(command: str) -> set[str]:
    return {option for action in list_commands()[command]._actions for option in action.option_strings}


@cache
def list_known_words() -> set[str]:
    """The names of all fields of all kinds of run, of the chart and of the environment."""
    return {name for one in load_schemas() for name in list_names(one)} | OTHER_WORDS


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in SOURCES}), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_modules_of_a_folder_name_only_fields_options_and_settings_that_exist(folder: Path) -> None:
    known = {option for name in list_commands() for option in options_of(name)} | KUBECTL_OPTIONS | {"--version"}
    for path in folder.glob("*.py"):
        texts = list_texts(path)
        assert not [field for text in texts for field in list_fields(text)], path.name
        if path.name not in CALLERS:
            assert not {option for text in texts for option in OPTION.findall(text)} - known, path.name
        advice = [text for text in texts if "; " in text and "(?" not in text and not text.rstrip().endswith(".")]
        assert not {word for text in advice for word in CAMEL_CASE.findall(text)} - list_known_words(), path.name


def list_calls(text: str) -> Iterator[tuple[str, str]]:
    """Calls of commands in `text`, as the name of the command and the rest of the line."""
    return ((match["name"], match["rest"]) for match in COMMAND.finditer(text))


def list_wrong_calls(text: str) -> Iterator[str]:
    for name, rest in list_calls(text):
        if name not in list_commands():
            yield f"dataswarm {name}"
        elif wrong := set(OPTION.findall(rest)) - options_of(name):
            yield f"dataswarm {name} {wrong}"


def test_a_message_names_only_commands_that_exist() -> None:
    quoted = [code for path in SOURCES for text in list_texts(path) for code in re.findall("`(dataswarm [^`]*)`", text)]
    quoted += [text for path in SOURCES for text in list_texts(path) if CALL.match(text)]
    assert sum(len(list(list_calls(text))) for text in quoted) > 10
    assert not [wrong for text in quoted for wrong in list_wrong_calls(text)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_only_fields_and_commands_that_exist(path: Path) -> None:
    text = path.read_text()
    code = [
        *re.findall("(?<!`)`([^`\n]+)`(?!`)", text),
        *re.findall("^```[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE),
    ]
    code += re.findall("^(?:  +|# ?)(.*)", text, re.MULTILINE) if path.suffix in (".txt", ".yaml") else []
    assert not [field for part in code for field in list_fields(part)]
    assert not [wrong for part in code for wrong in list_wrong_calls(part)]


def list_descriptions(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every description below a schema, with the path of its field."""
    if isinstance(node, dict):
        if isinstance(node.get("description"), str):
            yield path, node["description"]
        for key, part in node.items():
            yield from list_descriptions(part, path if key == "properties" else f"{path}.{key}")
    elif isinstance(node, list):
        for part in node:
            yield from list_descriptions(part, path)


def list_names(node: Any) -> Iterator[str]:
    """The names of all fields below a schema."""
    if isinstance(node, dict):
        yield from node.get("properties", {}) if isinstance(node.get("properties"), dict) else ()
        for part in node.values():
            yield from list_names(part)
    elif isinstance(node, list):
        for part in node:
            yield from list_names(part)


def test_a_description_of_the_api_names_only_fields_that_exist() -> None:
    wrong = [
        (path, word)
        for one in load_schemas()
        for path, text in list_descriptions(one)
        for word in CAMEL_CASE.findall(text)
        if word not in list_known_words()
    ]
    assert not wrong


@pytest.mark.parametrize("name", ["", *sorted(list_commands())])
def test_help_speaks_to_users(name: str) -> None:
    command = list_commands()[name] if name else parser.build_parser()
    text = command.format_help()
    assert "exit codes:" in text
    assert not re.search(r"Raises|entry point|argparse|docstring|__|\bargv\b|\bNone\b|\bmodule\b", text)
    assert all(action.help for action in command._actions if not isinstance(action, argparse._SubParsersAction))


@pytest.mark.parametrize("text", ["set spec.storage.s3.nope", f"spec.takers[{HOLE}].nope", f"spec.{HOLE}.data.nope"])
def test_a_field_that_does_not_exist_is_found(text: str) -> None:
    assert list(list_fields(text))
    assert not list(list_fields(text.replace(".nope", "")))


@pytest.mark.parametrize("text", ["dataswarm explain NAME", "dataswarm gc FOLDER --force"])
def test_a_command_that_does_not_exist_is_found(text: str) -> None:
    assert list(list_wrong_calls(text))

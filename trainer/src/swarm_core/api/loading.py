"""The loader of runs: it reads a run of any kind from the text of a file.

Invalid text raises `BadInputError`. Its message has one line per error: the path, the value, the rule and the way out.
The loader ignores the `status` of a file, as an API server does when it creates an object.

Limits: it takes the text. The host finds and opens the file.
"""

from typing import Any

import yaml
from pydantic import ValidationError

from swarm_core.api import custom_resources, kubernetes_yaml, validation_errors
from swarm_core.api.run import Run
from swarm_core.errors import BadInputError

MAX_CHARACTERS = 1_048_576
"""Maximum length of a file. An API server accepts objects of about as many bytes."""


def parse(text: str, source: str) -> Run:
    """Return the run in the YAML `text`. `source` names the file in messages.

    Raises BadInputError for text that is too long, is not YAML, or is not a valid run.
    """
    return parse_object(load_document(text, source), source)


def load_document(text: str, source: str) -> Any:
    """Return the document in the YAML `text`, without its status. It may be no run.

    Raises BadInputError for text that is too long or is not YAML.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadInputError(
            f"{source}: {len(text)} characters; a run has at most {MAX_CHARACTERS}, so shorten the file"
        )
    try:
        document = kubernetes_yaml.load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInputError(f"{source}: {_describe_yaml_error(error)}") from error
    if isinstance(document, dict):
        document.pop("status", None)
    return document


def parse_object(document: object, source: str) -> Run:
    """Return the run in `document`, which was read from YAML or from an API server. `source` names it in messages.

    Raises BadInputError for a document that is not a valid run, with one line per error.
    """
    if not isinstance(document, dict):
        what = "nothing" if document is None else validation_errors.describe_type(document)
        raise BadInputError(f"{source}: holds {what}; write a mapping that begins with apiVersion and kind")
    model = _find_model(document, source)
    try:
        return model.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = validation_errors.format_lines(error, document, model)
        raise BadInputError("\n".join(f"{source}: {line}" for line in lines)) from error


def _find_model(document: dict[object, object], source: str) -> type[Run]:
    """Return the model of the kind of `document`. Raises BadInputError for a kind that is not installed."""
    try:
        return custom_resources.find_resource(str(document.get("kind"))).model
    except BadInputError as error:
        raise BadInputError(f"{source}: {error}") from error


def _describe_yaml_error(error: Exception) -> str:
    """Return a message of one line that describes the YAML error and gives its line number."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"not YAML: {' '.join(str(error).split())}"
    what = error.problem or error.context or "not YAML"
    if "but found another document" in what:
        what = "contains several documents; keep one run per file"
    where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
    return where + " ".join(what.split())

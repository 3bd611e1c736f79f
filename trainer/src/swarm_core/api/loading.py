"""From the text of a file to a run of its kind, or to messages that a person can act on.

Every refusal is a `BadInputError` with one line per fault: where, the value, the rule, the way out. The file's own
status is passed over, as an API server does when an object is created.

Limits: reads text; finding and opening the file is the host's.
"""

import yaml
from pydantic import ValidationError

from swarm_core.api import custom_resources, kubernetes_yaml, validation_errors
from swarm_core.api.run import Run
from swarm_core.errors import BadInputError

MAX_CHARACTERS = 1_048_576
"""Longest file; an API server takes objects up to about as many bytes."""


def parse(text: str, source: str) -> Run:
    """The run written in `text`; `source` names it in messages. Raises BadInputError."""
    if len(text) > MAX_CHARACTERS:
        raise BadInputError(f"{source}: {len(text)} characters; a run has at most {MAX_CHARACTERS}")
    try:
        document = kubernetes_yaml.load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInputError(f"{source}: {_describe_yaml_error(error)}") from error
    if isinstance(document, dict):
        document.pop("status", None)
    return parse_object(document, source)


def parse_object(document: object, source: str) -> Run:
    """The run in `document`, as read from YAML or from an API server. Raises BadInputError."""
    if not isinstance(document, dict):
        what = "nothing" if document is None else validation_errors.describe_type(document)
        raise BadInputError(f"{source}: holds {what}; a run is a mapping that begins with apiVersion and kind")
    model = _find_model(document, source)
    try:
        return model.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        lines = validation_errors.format_lines(error, document, model)
        raise BadInputError("\n".join(f"{source}: {line}" for line in lines)) from error


def _find_model(document: dict[object, object], source: str) -> type[Run]:
    """What `document` is, by its kind. Raises BadInputError for a kind that is not installed."""
    try:
        return custom_resources.find_resource(str(document.get("kind"))).model
    except BadInputError as error:
        raise BadInputError(f"{source}: {error}") from error


def _describe_yaml_error(error: Exception) -> str:
    """What is wrong with the YAML, and in which line, in one line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"not YAML: {' '.join(str(error).split())}"
    what = error.problem or error.context or "not YAML"
    if "but found another document" in what:
        what = "holds several documents; keep one run per file"
    where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
    return where + " ".join(what.split())

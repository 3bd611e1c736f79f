"""A YAML reader that works like kubectl's, so that a file means the same to `kubectl apply` and to `dataswarm run`.

PyYAML and kubectl (go-yaml v2) disagree on plain scalars. `2e-4` is a number to kubectl and text to PyYAML. `1:30` is
text to kubectl and 90 to PyYAML. `y` is a boolean only to kubectl. Dates are text to kubectl. This reader follows
kubectl. It refuses a duplicate key, several documents, a tag that is not a JSON type, and a document that contains
itself.

Limits: a key is always read as its text, so `on: x` has the key "on".
"""

import math
import re
from collections.abc import Callable
from typing import ClassVar

import yaml
from yaml.constructor import ConstructorError

INTEGER = r"[-+]?(?:0[bB][01_]+|0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0|[1-9][0-9_]*)"
FLOAT = r"[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:nan|NaN|NAN)|[-+]?\.(?:inf|Inf|INF)"
TRUE_WORDS = frozenset({"y", "yes", "true", "on"})
FALSE_WORDS = frozenset({"n", "no", "false", "off"})
BOOLEAN = "|".join(
    form for word in sorted(TRUE_WORDS | FALSE_WORDS) for form in dict.fromkeys((word, word.title(), word.upper()))
)
PLAIN_SCALARS = (
    ("null", "~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", BOOLEAN, tuple("yYnNtTfFoO")),
    ("int", INTEGER, tuple("-+0123456789")),
    ("float", FLOAT, tuple("-+.0123456789")),
    ("merge", "<<", ("<",)),
)
"""The tag, pattern and first characters of each plain scalar that is not text."""
SPECIAL_FLOATS = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}


class KubernetesLoader(yaml.SafeLoader):
    """Reads one document into dicts with text keys, lists, strings, numbers, booleans and None."""

    def read_mapping(self, node: yaml.MappingNode) -> dict[str, object]:
        """Return the mapping at `node`. Raises ConstructorError for a duplicate key. A key from a merge may be
        overridden."""
        seen: set[str] = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _build_error("a key must be text; write a plain word before the colon", key)
            if key.value in seen:
                raise _build_error(f"key {key.value!r} occurs twice; remove one of them", key)
            seen.add(key.value)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def read_boolean(self, node: yaml.ScalarNode) -> bool:
        return _require_form(node, BOOLEAN).lower() in TRUE_WORDS

    def read_integer(self, node: yaml.ScalarNode) -> int:
        digits = _require_form(node, INTEGER).replace("_", "")
        octal = re.fullmatch("([-+]?)0([0-7]+)", digits)
        return int(f"{octal[1]}0o{octal[2]}" if octal else digits, 0)

    def read_float(self, node: yaml.ScalarNode) -> float | str:
        """Return the number, or its text if it exceeds the range of a float, as in Go."""
        word = _require_form(node, FLOAT).replace("_", "").lower()
        if word in SPECIAL_FLOATS:
            return SPECIAL_FLOATS[word]
        number = float(word)
        return str(node.value) if math.isinf(number) else number

    def read_unknown(self, node: yaml.Node) -> object:
        raise _build_error(f"tag {node.tag} is not supported; write text, a number, a list or a mapping", node)

    yaml_constructors: ClassVar[dict[str | None, Callable[..., object]]] = {
        "tag:yaml.org,2002:null": yaml.SafeLoader.construct_yaml_null,
        "tag:yaml.org,2002:str": yaml.SafeLoader.construct_yaml_str,
        "tag:yaml.org,2002:merge": yaml.SafeLoader.construct_yaml_str,
        "tag:yaml.org,2002:seq": yaml.SafeLoader.construct_yaml_seq,
        "tag:yaml.org,2002:map": read_mapping,
        "tag:yaml.org,2002:bool": read_boolean,
        "tag:yaml.org,2002:int": read_integer,
        "tag:yaml.org,2002:float": read_float,
        None: read_unknown,
    }


KubernetesLoader.yaml_implicit_resolvers = {
    first: [
        (f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{form})\Z"))
        for tag, form, firsts in PLAIN_SCALARS
        if first in firsts
    ]
    for first in sorted({first for _tag, _form, firsts in PLAIN_SCALARS for first in firsts})
}


def load(text: str) -> object:
    """Return the one document in `text`.

    Raises yaml.YAMLError. Its `problem` describes the error and its `problem_mark` gives the position.
    """
    return yaml.load(text, KubernetesLoader)  # noqa: S506  (the loader is a SafeLoader)


def _build_error(problem: str, node: yaml.Node) -> ConstructorError:
    return ConstructorError(None, None, problem, node.start_mark)


def _require_form(node: yaml.ScalarNode, form: str) -> str:
    """Return the text of `node`. Raises ConstructorError if it does not match `form`, which an explicit tag can
    cause."""
    if re.fullmatch(form, node.value) is None:
        raise _build_error(f"{node.value!r} is no {node.tag.rpartition(':')[2]}; remove the tag", node)
    return str(node.value)

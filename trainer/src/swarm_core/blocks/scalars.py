"""Scalar types that accept the same values as the API server: nothing is coerced, and each value has one form.

Strings are never read as numbers or booleans, and booleans never as numbers. A whole number may be written 16.0,
because kubectl sends that as 16. Minus zero becomes zero, as it does on the way to the API server. The length of text
counts code points. Patterns use only syntax that RE2 and Python share, and they match the whole text, including a
newline at its end.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    Strict,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from swarm_core.blocks.block import VALIDATIONS
from swarm_core.recipe import Digest

PATTERN_MISMATCH = "misshapen"
"""The type of the pydantic error for text that does not match its pattern."""


def to_integer(value: object) -> object:
    """Return the integer that a float without a fraction equals. Any other value is returned unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def normalize_zero(value: object) -> object:
    """Zero for minus zero, as an API server returns it. Any other value is returned unchanged."""
    return value + 0.0 if isinstance(value, float) else value


Integer = Annotated[int, Strict(), BeforeValidator(to_integer)]
Number = Annotated[float, Strict(), BeforeValidator(normalize_zero)]
Flag = Annotated[bool, Strict()]
Limit = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000), BeforeValidator(to_integer)]


@dataclass(frozen=True)
class Pattern:
    """Text that matches the whole of `regex`. `words`: the error message, which says what to write."""

    regex: str
    words: str

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        form = re.compile(self.regex)

        def check(text: str) -> str:
            if form.fullmatch(text) is None:
                raise PydanticCustomError(PATTERN_MISMATCH, self.words)
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^({self.regex})$"}


@dataclass(frozen=True)
class AtLeast:
    """A number of at least `low`, where `low` is no whole number.

    It is a rule and not a `minimum`, because an API server compares a whole number with the whole part of a minimum. It
    would accept 0 for a minimum of 0.5.
    """

    low: float

    @property
    def words(self) -> str:
        """The error message."""
        return f"must be at least {self.low:g}"

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def check(value: float) -> float:
            if value < self.low:
                raise PydanticCustomError(PATTERN_MISMATCH, self.words)
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        rule = {"rule": f"self >= {self.low!r}", "message": self.words, "reason": "FieldValueInvalid"}
        return {**handler(schema), VALIDATIONS: [rule]}


@dataclass(frozen=True)
class OneOf:
    """One of `names`. It replaces an enum where the names are the keys of a table."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.literal_schema(list(self.names))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self.names)}


LOCAL_URI_HELP = "write a relative or absolute path, or file:// and a path; no other scheme is supported here"
URI_HELP = "write a path, file:// and a path, s3://BUCKET/KEY or hf://ORG/NAME@REVISION; no other scheme is supported"
BUCKET_PATTERN = "[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]"
REPOSITORY_PATTERN = "((models|datasets)/)?[A-Za-z0-9][-.A-Za-z0-9_]*/[A-Za-z0-9][-.A-Za-z0-9_]*"
REVISION_PATTERN = "@(refs/pr/[0-9]+|refs/convert/[-.A-Za-z0-9_]+|[^/@]+)"
S3_URI_PATTERN = f"s3://{BUCKET_PATTERN}(/.*)?"
HF_URI_PATTERN = f"hf://{REPOSITORY_PATTERN}({REVISION_PATTERN})?(/[^@]*)?"


@dataclass(frozen=True)
class _UriSchemes:
    """A local path, a file:// URI, or a URI that matches `remote`. `words`: the error message."""

    words: str
    remote: str | None = None

    @property
    def cel(self) -> str:
        local = "!self.contains('://') || (self.startsWith('file://') && self.size() > 7)"
        return local if self.remote is None else f"{local} || self.matches('^({self.remote})$')"

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        form = None if self.remote is None else re.compile(self.remote)

        def check(uri: str) -> str:
            local = "://" not in uri or (uri.startswith("file://") and len(uri) > 7)
            if not local and (form is None or form.fullmatch(uri) is None):
                raise PydanticCustomError(PATTERN_MISMATCH, self.words)
            return uri

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        rule = {"rule": self.cel, "message": self.words, "reason": "FieldValueInvalid"}
        return {**handler(schema), VALIDATIONS: [rule]}


LABEL_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
Label = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=63),
    Pattern(LABEL_PATTERN, "use lower-case letters, digits and '-', a letter or digit first and last"),
]
"""A DNS-1123 label."""

Line = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=200),
    Pattern(r"[^\x00-\x1f\x7f]*", "write it on one line, without control characters"),
]
"""A short text of one line."""

Instruction = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=16_384),
    Pattern(r"\s*\S[\s\S]*", "it is blank; say in words what the model is asked for"),
]
"""Words of a spec for a model."""


def _replace_with_digest(uri: str, info: SerializationInfo) -> str:
    contents: Mapping[str, Digest] | None = info.context
    return uri if contents is None else contents[uri]


LocationText = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=1024),
    Pattern(r"[^\x00-\x1f\x7f]*", "remove the control characters"),
]
"""Text that may be a path or a URI. `_UriSchemes` checks which schemes it may have."""

LocalUri = Annotated[
    LocationText,
    _UriSchemes(LOCAL_URI_HELP),
]
"""A place on this machine: file://PATH or a path. A relative path starts at the folder of the file that names it."""

RUN_URI_HELP = (
    "write a run's folder, or s3://BUCKET/PREFIX/NAME of a run in a bucket; no other scheme is supported here"
)
RunUri = Annotated[
    LocationText,
    _UriSchemes(RUN_URI_HELP, f"s3://{BUCKET_PATTERN}/.+"),
]
"""The place of another run: its folder, or s3://BUCKET/PREFIX/NAME."""

Uri = Annotated[
    LocationText,
    _UriSchemes(URI_HELP, f"{S3_URI_PATTERN}|{HF_URI_PATTERN}"),
    PlainSerializer(_replace_with_digest),
]
"""The place of an input: a place on this machine, s3://BUCKET/KEY, or hf://ORG/NAME@REVISION.

A dump with `contents` as its context replaces it by the digest of its content.
"""

"""Scalars as the API server reads them: nothing is coerced, and one value has one form.

Strings are never taken for numbers or booleans, nor booleans for numbers. A whole number may be written 16.0, because
kubectl sends that as 16; minus zero is zero, because it does not survive that way either. Text is measured in code
points. Patterns use only what RE2 and Python read alike and match the whole text, a trailing newline included.
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

from swarm_core.api.block import VALIDATIONS
from swarm_core.recipe import Digest

MISSHAPEN = "misshapen"
"""The type of the pydantic error for text of the wrong form."""


def whole(value: object) -> object:
    """A float without a fraction as the integer it is; anything else untouched."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def unsigned_zero(value: object) -> object:
    """Minus zero as the zero it becomes on the way through an API server; anything else untouched."""
    return value + 0.0 if isinstance(value, float) else value


Integer = Annotated[int, Strict(), BeforeValidator(whole)]
Number = Annotated[float, Strict(), BeforeValidator(unsigned_zero)]
Flag = Annotated[bool, Strict()]


@dataclass(frozen=True)
class Shape:
    """Text that matches `regex` from its first character to its last; `words` say what that is."""

    regex: str
    words: str

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        form = re.compile(self.regex)

        def check(text: str) -> str:
            if form.fullmatch(text) is None:
                raise PydanticCustomError(MISSHAPEN, self.words)
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^({self.regex})$"}


PATH_OR_FILE = "write a relative or absolute path, or file:// and a path; no other scheme is understood here"
ADDRESS = "write a path, file:// and a path, s3://BUCKET/KEY or hf://ORG/NAME@REVISION; no other scheme is understood"
BUCKET = "[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]"
REPOSITORY = "((models|datasets)/)?[A-Za-z0-9][-.A-Za-z0-9_]*/[A-Za-z0-9][-.A-Za-z0-9_]*"
REVISION = "@(refs/pr/[0-9]+|refs/convert/[-.A-Za-z0-9_]+|[^/@]+)"
S3_URI = f"s3://{BUCKET}(/.*)?"
HF_URI = f"hf://{REPOSITORY}({REVISION})?(/[^@]*)?"


@dataclass(frozen=True)
class _Schemes:
    """No scheme but file://, and those whose addresses `remote` matches."""

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
                raise PydanticCustomError(MISSHAPEN, self.words)
            return uri

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        rule = {"rule": self.cel, "message": self.words, "reason": "FieldValueInvalid"}
        return {**handler(schema), VALIDATIONS: [rule]}


LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
Label = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=63),
    Shape(LABEL, "use lower-case letters, digits and '-', a letter or digit first and last"),
]
"""A DNS-1123 label."""

Line = Annotated[str, Strict(), Field(min_length=1, max_length=200), Shape(r"[^\r\n]*", "write it in one line")]
"""A short text in one line."""


def _by_contents(uri: str, info: SerializationInfo) -> str:
    contents: Mapping[str, Digest] | None = info.context
    return uri if contents is None else contents[uri]


PlaceText = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=1024),
    Shape(r"[^\x00-\x1f\x7f]*", "remove the control characters"),
]
"""Text that may be a path or an address; which of them is for the schemes to say."""

LocalUri = Annotated[
    PlaceText,
    _Schemes(PATH_OR_FILE),
]
"""A place of this machine: a path, relative to the file that names it, or file://PATH."""

RUN = "write a run's folder, or s3://BUCKET/PREFIX/NAME of a run in a bucket; no other scheme is understood here"
RunUri = Annotated[
    PlaceText,
    _Schemes(RUN, f"s3://{BUCKET}/.+"),
]
"""Where another run is: its folder, or s3://BUCKET/PREFIX/NAME."""

Uri = Annotated[
    PlaceText,
    _Schemes(ADDRESS, f"{S3_URI}|{HF_URI}"),
    PlainSerializer(_by_contents),
]
"""Where something lies: a place of this machine, s3://BUCKET/KEY, or hf://ORG/NAME@REVISION. Dumped with contents as
context, it is the digest of what lies there."""

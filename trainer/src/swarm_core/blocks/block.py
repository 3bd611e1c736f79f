"""The building blocks of every spec: a frozen `Block`, and the rules between its fields.

A `Rule` states one condition twice: in Python for files that are read here, and in CEL for the API server. The
validator and the CRD are both made from it, so neither can change alone. The tests run one accepted and one rejected
example of each rule through both.

Null means absent in a file, as it does on the API server, which drops nulls before it fills defaults. `None` in a field
never means anything else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema

VALIDATIONS = "x-kubernetes-validations"
"""The schema keyword under which the API server finds CEL rules."""
RULE_BROKEN = "rule_broken"
"""The type of the pydantic error that a broken rule raises; its context holds `at`, the path below the block."""
UNQUOTED_VALUE = "unquoted_value"
"""The type of a pydantic error whose message must not show the value, because it may hold a secret."""

B = TypeVar("B")
FieldPath = tuple[str | int, ...]


class RuleReason(StrEnum):
    """The reasons that an API server can give with the message of a rule.

    FieldValueDuplicate is not among them, because the server then leaves out the message.
    """

    INVALID = "FieldValueInvalid"
    FORBIDDEN = "FieldValueForbidden"


@dataclass(frozen=True)
class Rule(Generic[B]):
    """One rule over the fields of a block."""

    cel: str
    message: str
    """States the rule and the way out. It has no braces, because pydantic would read them as a template."""
    field: str
    """The field that the error names, as users write it."""
    holds: Callable[[B], bool]
    locate: Callable[[B], FieldPath] | None = None
    """Returns the exact path below the block, where the field alone is too coarse."""
    reason: RuleReason = RuleReason.INVALID

    def as_cel(self) -> JsonSchemaValue:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        return {"rule": self.cel, "message": self.message, "fieldPath": f".{self.field}", "reason": str(self.reason)}

    def check(self, block: B) -> None:
        """Check `block` against this rule. Raises PydanticCustomError if the block breaks it."""
        if self.holds(block):
            return
        at = self.locate(block) if self.locate else (self.field,)
        raise PydanticCustomError(RULE_BROKEN, self.message, {"at": at})


class Block(BaseModel):
    """A frozen mapping of known fields. Names are in snake_case here and in camelCase in files."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )
    rules: ClassVar[tuple[Rule[Any], ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if isinstance(value, dict):
            return {key: part for key, part in value.items() if part is not None}
        return value

    @model_validator(mode="after")
    def _obey(self) -> Self:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        if cls.rules:
            schema[VALIDATIONS] = [rule.as_cel() for rule in cls.rules]
        return schema


def list_repeated(names: Iterable[str]) -> list[int]:
    """Return the indices of names that an earlier one equals."""
    seen: set[str] = set()
    repeated = []
    for index, name in enumerate(names):
        if name in seen:
            repeated.append(index)
        seen.add(name)
    return repeated


def union_member_rule(block: str, union: str, kind: str, required: bool = False) -> Rule[Any]:
    """Return the rule of one member of a union.

    The field `block` may be given only if the field `union` is `kind`. If `required`, it must be given then.
    """
    written = to_camel(block)
    cel = f"has(self.{written}) == (self.{union} == '{kind}')"
    words = f"{written} is given exactly when {union} is {kind}; write both, or neither"
    if not required:
        cel = f"!has(self.{written}) || self.{union} == '{kind}'"
        words = f"{written} belongs to {union} {kind}; remove it, or set {union} to {kind}"

    def holds(value: object) -> bool:
        given, named = getattr(value, block) is not None, getattr(value, union) == kind
        return given == named if required else named or not given

    return Rule(cel, words, written, holds, reason=RuleReason.INVALID if required else RuleReason.FORBIDDEN)

"""What every part of a SwarmRun is built on: a frozen `Block`, and the rules that tie its fields together.

A `Rule` says one thing twice, side by side: as Python for files read here, as CEL for the API server. The validator and
the CRD are both made from it, so neither can be changed alone; tests run one accept and one reject example of each.

Null means absent, in a file as on the API server (which drops nulls before it fills defaults). `None` in a field never
means anything else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema

VALIDATIONS = "x-kubernetes-validations"
"""Where the API server looks for CEL rules."""
RULE_BROKEN = "rule_broken"
"""The type of the pydantic error that a broken rule raises; its context holds `at`, the path below the block."""

B = TypeVar("B")
FieldPath = tuple[str | int, ...]


class RuleReason(StrEnum):
    """The reasons an API server gives with a rule's message; with FieldValueDuplicate it leaves the message out."""

    INVALID = "FieldValueInvalid"
    FORBIDDEN = "FieldValueForbidden"


@dataclass(frozen=True)
class Rule(Generic[B]):
    """One rule over the fields of a block."""

    cel: str
    message: str
    """The rule and the way out. Free of braces, which pydantic would read as a template."""
    field: str
    """The field to blame, as users write it."""
    holds: Callable[[B], bool]
    locate: Callable[[B], FieldPath] | None = None
    """Where exactly, below the block, when the field alone is too coarse."""
    reason: RuleReason = RuleReason.INVALID

    def as_cel(self) -> JsonSchemaValue:
        """The entry for `x-kubernetes-validations`."""
        return {"rule": self.cel, "message": self.message, "fieldPath": f".{self.field}", "reason": str(self.reason)}

    def check(self, block: B) -> None:
        """Raises the pydantic error of this rule when `block` breaks it."""
        if self.holds(block):
            return
        at = self.locate(block) if self.locate else (self.field,)
        raise PydanticCustomError(RULE_BROKEN, self.message, {"at": at})


class Block(BaseModel):
    """A frozen mapping of known fields: snake_case here, camelCase in files."""

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


def union_member_rule(block: str, union: str, kind: str, required: bool = False) -> Rule[Any]:
    """The rule of one member of a union: `block` only where `union` names its `kind`, and there if `required`."""
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

"""Maps the fields of a record to the parts of an item, as the user says or by their usual names.

A guess is made from the first records alone, and is a function of them. If several fields could hold the text, nothing
is guessed and the user is asked. `dataswarm validate` shows every guess.

Limits: a question whose context is in a field with an unusual name is read without it, unless the user names it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swarm_core.blocks.data_source import SeedFields
from swarm_core.errors import BadInputError, list_names
from swarm_trainer.data import chat_messages
from swarm_trainer.data.records import Number, Record, describe_type

FIELDS = "data.fields"
"""The block of the spec that names the fields."""
SAMPLE = 64
"""The number of records that a guess is made from."""
INSTRUCTION, INPUT = "instruction", "input"
TEXT_NAMES = ("question", "prompt", INSTRUCTION, "text", "problem", "query", "task", "item")
WEAK_TEXT_NAMES = (INPUT, "inputs", "sentence", "content", "claim", "goal")
"""Names that are the text only if no other field can be."""
CONTEXT_NAMES = ("context", "passage")
CHAT_NAMES = ("messages", "conversations", "conversation")
REFERENCE_NAMES = (
    "reference", "answer", "correct_answer", "best_answer", "answerkey", "final_answer", "ground_truth", "gold",
    "target", "targets", "label", "output", "completion", "response", "solution",
)  # fmt: skip
"""In the order of preference: a final answer comes before a worked solution."""
LONGEST_LABEL = 2
"""The number of characters of the label of a choice, such as `A` or `10`."""
CHOICES_NAMES = ("choices", "options", "answer_choices")


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The field of each part of an item."""

    fields: SeedFields
    guessed: bool
    """Whether the fields were found by their names."""
    note: str = ""
    """What a user should know about the guess."""

    def format_line(self) -> str:
        """The mapping on one line."""
        named = self.fields.model_dump(exclude_none=True)
        pairs = ", ".join(f"{part} from {list_names([name])}" for part, name in named.items())
        origin = " (found by their names; data.fields names others)" if self.guessed else ""
        return pairs + origin + self.note

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields that are read."""
        return tuple(self.fields.model_dump(exclude_none=True).values())


class Missing:
    """The value of a field that a record does not have."""


MISSING = Missing()


def get_value(fields: Mapping[str, object], path: str) -> object:
    """The value at `path`; MISSING if there is none. A field with exactly this name comes first."""
    if path in fields:
        return fields[path]
    value: object = fields
    for step in split_path(path):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def split_path(path: str) -> list[str]:
    """The steps of a path with dots, or of a JSON pointer."""
    if path.startswith("/"):
        return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    return path.split(".")


def find_column(columns: Sequence[str], path: str) -> str:
    """The column of a table that a path begins in; the path itself if there is none."""
    first = split_path(path)[0]
    return first if path not in columns and first in columns else path


def guess(source: str, records: Sequence[Record]) -> FieldMapping:
    """The fields of the first records by their usual names. Raises BadInputError if the text could be in several."""
    values = collect_values(records)
    names = {name.lower(): name for name in reversed(values)}
    texts = [names[name] for name in TEXT_NAMES if name in names and has_text(values[names[name]])]
    chats = [names[name] for name in CHAT_NAMES if name in names and has_chat(values[names[name]])]
    weak = [names[name] for name in WEAK_TEXT_NAMES if name in names and has_text(values[names[name]])]
    candidates = [*texts, *chats] or weak
    instruction = names.get(INSTRUCTION)
    if instruction in texts and "output" in names:
        candidates = [instruction]
    elif len(texts) == len(chats) == 1 and all(is_first_turn(record, texts[0], chats[0]) for record in records):
        candidates = chats
    if not candidates:
        raise describe_no_text(source, names, values)
    if len(candidates) > 1:
        raise BadInputError(
            f"{source}: the fields {list_names(candidates)} could all hold the text; set {FIELDS}.text to one of them"
        )
    return build_mapping(candidates[0], names, values, is_chat=candidates[0] in chats)


def describe_no_text(source: str, names: Mapping[str, str], values: Mapping[str, Sequence[object]]) -> BadInputError:
    """The error for records without a field that can be the text."""
    usual = [names[name] for name in (*TEXT_NAMES, *CHAT_NAMES, *WEAK_TEXT_NAMES) if name in names]
    other = next((name for name in usual if values[name]), None)
    if other is not None:
        return BadInputError(
            f"{source}: field {list_names([other])} is {describe_type(values[other][0])}, which is no text; write a"
            f" string, or set {FIELDS}.text to the field that holds the text"
        )
    return BadInputError(
        f"{source}: no field has the usual name of a question, and it has {list_names(values)}; set {FIELDS}.text"
        " to the one that holds the text"
    )


def build_mapping(
    text: str, names: Mapping[str, str], values: Mapping[str, Sequence[object]], *, is_chat: bool
) -> FieldMapping:
    """The mapping with the text in `text`, and the other parts by their names."""
    further = names.get(INPUT) if text.lower() == INSTRUCTION else None
    context = next((names[name] for name in CONTEXT_NAMES if name in names and has_text(values[names[name]])), None)
    if context is not None and text.lower() == "question":
        text, further = context, text
    elif context is not None and text.lower() == INSTRUCTION:
        further = further or context
    taken = {text, further}
    answers = [names[name] for name in REFERENCE_NAMES if name in names and names[name] not in taken]
    usable = [] if is_chat else [name for name in answers if values[name] and all(map(is_answer, values[name]))]
    choices = [names[name] for name in CHOICES_NAMES if name in names and has_choices(values[names[name]])]
    fields = SeedFields(
        text=text,
        input=further if further is not None and has_text(values[further]) else None,
        reference=usable[0] if usable else None,
        choices=choices[0] if choices else None,
    )
    others = [name for name in answers if name not in usable[:1]]
    note = f"; not used, though it may hold answers: {list_names(others)}" if others and not is_chat else ""
    return FieldMapping(fields, guessed=True, note=note)


def collect_values(records: Sequence[Record]) -> dict[str, list[object]]:
    """The values of each field of the records, without nulls. Names too long for a spec are left out."""
    values: dict[str, list[object]] = {}
    for record in records:
        for name, value in record.fields.items():
            if name and len(name) <= 200 and name.isprintable():
                values.setdefault(name, []).extend([] if value is None else [value])
    return values


def is_first_turn(record: Record, text: str, chat: str) -> bool:
    """Whether the first user message of a record is also its text."""
    messages = record.fields.get(chat)
    first = chat_messages.find_turn(messages)[0] if isinstance(messages, list) else None
    return first is not None and first == record.fields.get(text)


def has_text(values: Sequence[object]) -> bool:
    """Whether a field holds text."""
    return any(isinstance(value, str) and not isinstance(value, Number) for value in values)


def has_chat(values: Sequence[object]) -> bool:
    """Whether a field holds chat messages."""
    return any(chat_messages.is_chat(value) for value in values)


def has_choices(values: Sequence[object]) -> bool:
    """Whether a field holds lists of choices, and nothing else."""
    return bool(values) and all(isinstance(value, list) or is_labeled_choices(value) for value in values)


def is_labeled_choices(value: object) -> bool:
    """Whether a value has choices by their labels, or in two lists, `text` and `label`."""
    if not isinstance(value, Mapping) or not value:
        return False
    labeled = all(isinstance(text, str) and len(label) <= LONGEST_LABEL for label, text in value.items())
    return labeled or isinstance(value.get("text"), list)


def is_answer(value: object) -> bool:
    """Whether a value can be the correct answer."""
    return isinstance(value, (str, bool))


def check_named(source: str, fields: SeedFields, records: Sequence[Record]) -> FieldMapping:
    """The mapping that the user names. Raises BadInputError if no record has one of the fields."""
    for part, path in fields.model_dump(exclude_none=True).items():
        if records and all(get_value(record.fields, path) is MISSING for record in records):
            raise BadInputError(
                f"{source}: no field {path!r} (it has {list_names(collect_values(records))}); set {FIELDS}.{part} to"
                " one of them"
            )
    return FieldMapping(fields, guessed=False)


def describe_wrong_type(source: str, part: str, path: str, value: object) -> BadInputError:
    """The error for a value that cannot be this part of an item."""
    ways = {
        "text": "put it in quotes, or set data.fields.text to the field that holds the text",
        "input": "put it in quotes, or set data.fields.input to the field that holds further text",
        "reference": "give a string, a number or a boolean, or set data.fields.reference to a path such as `answers.0`",
        "choices": "give a list of strings, or set data.fields.choices to the field that has it",
    }
    return BadInputError(f"{source}: field {list_names([path])!r} is {describe_type(value)}; {ways[part]}")

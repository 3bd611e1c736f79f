"""Reads gold answers: records with a text, an answer to it, and the score that the answer should get.

A record has `text`, `answer` and `score` (0 to 1, or true or false), and may have `reference` and `choices`, which mean
what they mean in seed data. The file has any format of seed data. A blank answer is an answer.
"""

from collections.abc import Iterator
from pathlib import Path

from swarm_core.blocks.data_source import SeedFields
from swarm_core.errors import BadInputError, list_names
from swarm_core.judges.calibration import GoldAnswer
from swarm_trainer.data import data_files, field_mapping, item_builder
from swarm_trainer.data.data_files import DataFile
from swarm_trainer.data.field_mapping import MISSING, FieldMapping
from swarm_trainer.data.item_builder import ItemBuilder
from swarm_trainer.data.records import Number, Record

ANSWER, SCORE = "answer", "score"
OPTIONAL = ("reference", "choices")


def read(path: Path) -> list[GoldAnswer]:
    """Return the gold answers of the file at `path`, in order.

    Raises BadInputError, which names the file and the record, if one cannot be used or if there are none.
    """
    files = data_files.open_data(path, None).files
    found = [gold for file in files for gold in read_file(file)]
    if not found:
        raise BadInputError(f"{path}: contains no answers; give records with text, {ANSWER} and {SCORE}")
    return found


def read_file(file: DataFile) -> Iterator[GoldAnswer]:
    """The gold answers of one file. Raises BadInputError."""
    names = {name for record in file.first(field_mapping.SAMPLE) for name in record.fields}
    fields = SeedFields(text="text", **{name: name for name in OPTIONAL if name in names})
    builder = ItemBuilder(str(file.path), FieldMapping(fields, guessed=False))
    for record in file.read():
        source = f"{file.path} {record.place}"
        item = builder.build(record)
        if item is None:
            raise BadInputError(f"{source}: the text is blank; give the text that was answered")
        yield GoldAnswer(item, read_answer(source, record), read_score(source, record))


def read_answer(source: str, record: Record) -> str:
    """The answer of a record; empty if it is blank. Raises BadInputError if there is none."""
    value = get_required(source, record, ANSWER)
    if not isinstance(value, (str, bool)):
        raise field_mapping.describe_wrong_type(source, "reference", ANSWER, value)
    return item_builder.read_answer(source, value) or ""


def read_score(source: str, record: Record) -> float:
    """The score of a record. Raises BadInputError if it is not a number from 0 to 1, true or false."""
    value = get_required(source, record, SCORE)
    try:
        score = float(value) if isinstance(value, (bool, Number, str)) else -1.0
    except ValueError:
        score = -1.0
    if not 0.0 <= score <= 1.0:
        raise BadInputError(f"{source}: {SCORE} is {str(value)[:40]!r}; give a number from 0 to 1, true or false")
    return score


def get_required(source: str, record: Record, name: str) -> object:
    """The value of a field. Raises BadInputError if the record does not have it."""
    value = field_mapping.get_value(record.fields, name)
    if value is MISSING or value is None:
        raise BadInputError(f"{source}: no field {name!r} (it has {list_names(record.fields)}); add it")
    return value

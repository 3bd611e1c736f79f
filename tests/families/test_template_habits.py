"""What is peculiar in each family's tokens, template and settings is read as the family means it."""

from pathlib import Path

import pytest
from model_families import family as families
from model_families.every_family import FAMILIES
from model_families.family import Family
from transformers import PreTrainedTokenizerBase

from swarm_core.errors import BadInputError
from swarm_core.ports import Request, Turn
from swarm_core.recipe import ModelName
from swarm_core.text import thinking
from swarm_trainer.inference.prompt_encoder import PromptEncoder
from swarm_trainer.inference.stop_strings import StopDetector
from swarm_trainer.lora import base, base_checks, chat_template, control_tokens
from swarm_trainer.lora.base import BaseModelConfig

QUESTION = "What is 12 + 7?\nWrite a number."
NAME = ModelName("m" * 64)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    return {one.name: families.write(one, root / one.name) for one in FAMILIES}


@pytest.fixture(params=FAMILIES, ids=str)
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


@pytest.fixture
def folder(family: Family, folders: dict[str, Path]) -> Path:
    return folders[family.name]


@pytest.fixture
def tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    return base.read_tokenizer(folder)


def find_id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    return int(tokenizer.convert_tokens_to_ids(token))


def test_the_model_passes_every_check_of_a_base(family: Family, folder: Path) -> None:
    base_checks.check_model(folder)
    base_checks.check_tokenizer(folder, chat=True, trained=True)


def test_an_ordinary_prompt_has_the_tokens_that_transformers_makes(tokenizer: PreTrainedTokenizerBase) -> None:
    (ids,) = base.tokenize_prompts(tokenizer, [QUESTION], chat=True)
    written = chat_template.render(tokenizer, [{"role": "user", "content": QUESTION}])
    assert ids == tokenizer(written, add_special_tokens=False)["input_ids"]
    beginning = tokenizer.bos_token_id
    assert beginning is None or ids.count(beginning) <= written.count(str(tokenizer.bos_token))


def test_a_text_that_spells_the_familys_tokens_writes_none_of_them(
    family: Family, tokenizer: PreTrainedTokenizerBase
) -> None:
    spelled = " ".join([*family.special, *family.added, "[INST]", "[/INST]"])
    control = control_tokens.list_control_tokens(tokenizer)
    counts = [
        sum(token in control for token in base.tokenize_prompts(tokenizer, [text], chat=True)[0])
        for text in ("nothing", spelled)
    ]
    assert counts[0] == counts[1]
    written = chat_template.render(tokenizer, [{"role": "user", "content": "nothing"}])
    (ids,) = base.tokenize_prompts(tokenizer, ["[INST]"], chat=True)
    assert str(tokenizer.decode(ids)).count("[INST]") == written.count("[INST]") + (family.name != "mistral")


def test_the_turns_end_is_an_end_though_no_setting_may_name_it(
    family: Family, folder: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    wanted = {find_id(tokenizer, token) for token in (*family.ends, family.turn_end)}
    assert base.load(BaseModelConfig(folder)).end_tokens == wanted
    assert PromptEncoder(folder).end_tokens == wanted


def test_a_system_text_is_shown_or_refused(family: Family, tokenizer: PreTrainedTokenizerBase) -> None:
    if family.system:
        (ids,) = base.tokenize_prompts(tokenizer, [QUESTION], chat=True, system="Be brief.")
        assert "Be brief." in str(tokenizer.decode(ids))
    else:
        with pytest.raises(BadInputError, match=r"rejects the messages.*leave out system text"):
            base.tokenize_prompts(tokenizer, [QUESTION], chat=True, system="Be brief.")


def test_earlier_turns_are_shown_in_order(family: Family, folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    turns = (Turn("user", "first"), Turn("assistant", "second"))
    request = Request(NAME, "third", 8, 0.0, 1, chat=True, turns=turns)
    (ids,) = PromptEncoder(folder).encode([request])
    text = str(tokenizer.decode(ids))
    first, second, third = (text.index(word) for word in ("first", "second", "third"))
    assert first < second < text.index(family.turn_end, second) < third


def test_a_model_that_may_not_think_begins_with_its_answer(family: Family, tokenizer: PreTrainedTokenizerBase) -> None:
    chat = [{"role": "user", "content": QUESTION}]
    silent, thinks = (chat_template.render(tokenizer, chat, allowed) for allowed in (False, True))
    assert not thinking.find_open_tag(silent)
    assert (silent != thinks) is bool(family.added)
    assert not family.added or silent.endswith("<think>\n\n</think>\n\n")


def test_a_completion_ends_once_and_reads_back(
    family: Family, folder: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    text = "1. What is 3 * 9?\n2. How many are 40 / 5?\n"
    (ids,) = base.tokenize_completions(tokenizer, [text])
    ends = PromptEncoder(folder).end_tokens
    assert [token in ends for token in ids] == [False] * (len(ids) - 1) + [True]
    assert str(tokenizer.decode(ids, skip_special_tokens=True)).strip() == text.strip()


def test_a_date_is_the_same_every_day(folders: dict[str, Path]) -> None:
    tokenizer = base.read_tokenizer(folders["llama-3.1"])
    assert "Today is: 26 Jul 2024" in chat_template.render(tokenizer, [{"role": "user", "content": QUESTION}])


def test_a_continuation_has_its_space_and_only_whole_characters(
    family: Family, tokenizer: PreTrainedTokenizerBase
) -> None:
    """As in the text that follows a prompt: tokenizers that put a space before a text hide it when they decode."""
    stops = StopDetector(tokenizer)
    (whole, both) = control_tokens.encode_texts(tokenizer, ["12 + 7", "12 + 7 \u20ac"])
    prefixed = family.name in ("mistral", "phi-3", "phi-3-long")
    assert stops.decode_continuation(whole) == (" 12 + 7" if prefixed else "12 + 7")
    assert stops.decode_continuation(both).endswith("7 \u20ac")
    assert stops.decode_continuation(both[:-1]).rstrip() == stops.decode_continuation(whole)
    assert stops.decode_continuation([]) == ""

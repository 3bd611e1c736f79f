"""A judge model of a taker's own family is refused, unless the spec allows it."""

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, model_families
from swarm_core.errors import BadInputError

RELATED = [
    ("gpt-4o", "openai/gpt-4o-mini", "GPT"),
    ("meta-llama/Llama-3.1-70B-Instruct", "codellama-7b", "Llama"),
    ("Qwen/Qwen3-32B", "qwen2.5:7b-instruct", "Qwen"),
    ("deepseek-r1-distill-qwen-7b", "QwQ-32B", "Qwen"),
    ("gemma-2-27b-it", "google/gemma3-4b", "Gemma"),
    ("o3-mini", "gpt-4.1", "GPT"),
    ("Phi-3.5-mini-instruct", "microsoft/phi-4", "Phi"),
    ("lab/critic", "critic", "lab/critic"),
]
UNRELATED = [
    ("gpt-4o", "gemma-2-9b-it"),
    ("gemini-2.0-flash", "gemma-2-9b-it"),
    ("delphi-2", "phi-4"),
    ("yield-model", "Yi-34B"),
    ("critic", "base"),
    ("proto3-chat", "o3-mini"),
]


def judged_by(judge: str, **taker: object) -> documents.Document:
    marks = {"type": "Model", "model": {"endpoint": {"url": "https://models.test", "model": judge}}}
    return documents.patched({"spec.judge": marks, "spec.takers": [{"name": "one", **taker}]})


def remote(model: str) -> dict[str, str]:
    return {"url": "https://takers.test", "model": model}


@pytest.mark.parametrize(("judge", "taker", "family"), RELATED)
def test_a_judge_of_a_takers_family_is_refused_by_name(judge: str, taker: str, family: str) -> None:
    with pytest.raises(BadInputError) as refused:
        loading.parse_object(judged_by(judge, endpoint=remote(taker)), "run.yaml")
    message = str(refused.value)
    assert message.startswith(f"run.yaml: spec.judge.model.endpoint.model: '{judge}'")
    for part in ("taker one", taker, family, "allowSameFamily"):
        assert part in message


def test_a_reward_model_of_a_takers_family_is_refused_by_name() -> None:
    reward = {"model": {"uri": "hf://lab/Qwen-reward@0123abc"}, "calibration": {"type": "Sigmoid", "sigmoid": {}}}
    member = {"type": "RewardModel", "rewardModel": reward}
    taker = {"name": "one", "endpoint": remote("Qwen/Qwen3-32B")}
    alone = documents.patched({"spec.judge": member, "spec.takers": [taker]})
    panel = {"type": "Panel", "panel": {"members": [member, member]}}
    for document, field in ((alone, ""), (documents.patched({"spec.judge": panel}, alone), "panel.members[0].")):
        with pytest.raises(BadInputError) as refused:
            loading.parse_object(document, "run.yaml")
        assert str(refused.value).startswith(
            f"run.yaml: spec.judge.{field}rewardModel.model.uri: 'hf://lab/Qwen-reward"
        )


@pytest.mark.parametrize(("judge", "taker"), UNRELATED)
def test_other_judges_are_accepted(judge: str, taker: str) -> None:
    loading.parse_object(judged_by(judge, endpoint=remote(taker)), "run.yaml")


def test_the_spec_can_allow_it() -> None:
    document = judged_by("gpt-4o", endpoint=remote("gpt-4o-mini"))
    document["spec"]["judge"]["allowSameFamily"] = True
    loading.parse_object(document, "run.yaml")


@pytest.mark.parametrize("taker", [{}, {"model": "hf://google/gemma-2-2b-it@0123abc"}, {"model": "/models/gemma-2-2b"}])
def test_takers_that_dataswarm_serves_have_the_family_of_their_model(taker: dict[str, str]) -> None:
    document = judged_by("gemma-3-27b-it", **taker)
    document["spec"]["base"]["model"] = "hf://google/gemma-2-9b-it"
    with pytest.raises(BadInputError, match="Gemma"):
        loading.parse_object(document, "run.yaml")


def test_the_folders_above_a_model_tell_no_family() -> None:
    assert model_families.shorten_uri("s3://llama-team/models/base/") == "base"


def test_every_member_of_a_panel_is_checked() -> None:
    members = [
        {"type": "Model", "model": {"endpoint": {"url": "https://models.test", "model": model}}}
        for model in ("large", "mistral-large")
    ]
    takers = [{"name": "one", "endpoint": remote("Ministral-8B")}]
    judge = {"type": "Panel", "panel": {"members": members}}
    with pytest.raises(BadInputError, match=r"spec\.judge\.panel\.members\[1\]\.model\.endpoint\.model"):
        loading.parse_object(documents.patched({"spec.judge": judge, "spec.takers": takers}), "run.yaml")


def test_every_stem_tells_its_family() -> None:
    for family, stems in model_families.STEMS.items():
        for stem in stems:
            assert family in model_families.list_families(f"owner/{stem}-9b-it")

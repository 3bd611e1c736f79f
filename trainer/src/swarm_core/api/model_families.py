"""The families of language models, by their names. A judge must not be from the family of a taker that it scores.

A language model gives its own texts, and those of close relatives, higher marks than others do. Sources: Zheng et al.
(arXiv 2306.05685, section 3.3); Panickssery et al. (arXiv 2404.13076).

Limits: only names are read, so a model in a folder called `base` has no known family. Two models of unknown families
are related only if they have the same name. A distilled model counts to both families that its name tells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swarm_core.api.judging import JudgeSpec, list_members
from swarm_core.api.takers import Taker
from swarm_core.blocks.block import FieldPath

STEMS = {
    "Aya": ("aya",),
    "Claude": ("claude",),
    "Command": ("command", "c4ai"),
    "DeepSeek": ("deepseek",),
    "EXAONE": ("exaone",),
    "Falcon": ("falcon",),
    "Gemini": ("gemini",),
    "Gemma": ("gemma",),
    "GLM": ("glm", "chatglm"),
    "GPT": ("gpt", "chatgpt", "o1", "o3", "o4"),
    "Granite": ("granite",),
    "Grok": ("grok",),
    "InternLM": ("internlm",),
    "Jamba": ("jamba",),
    "Kimi": ("kimi",),
    "Llama": ("llama",),
    "MiniMax": ("minimax",),
    "Mistral": ("mistral", "mixtral", "ministral", "magistral", "codestral", "devstral", "pixtral"),
    "Nova": ("nova",),
    "OLMo": ("olmo",),
    "Phi": ("phi",),
    "Qwen": ("qwen", "qwq"),
    "SmolLM": ("smollm",),
    "Yi": ("yi",),
}
"""The stems of the words in a model's name that tell its family."""
SHORTEST_PART = 5
"""A stem of as many letters also tells the family as a part of a longer word, such as `codellama`."""


@dataclass(frozen=True, slots=True)
class Kinship:
    """A judge that is related to a taker."""

    at: FieldPath
    """The path of the judge's model below the spec."""
    taker: str
    """The name of the taker."""
    model: str
    """The model of the taker."""
    family: str
    """What they have in common: a family, or the name of the model."""


def find_kinship(judge: JudgeSpec, takers: Sequence[Taker], base: str) -> Kinship | None:
    """Return the first judge that is related to a taker; None if there is none. `base`: the URI of the base model."""
    for at, asked in list_asked_models(judge):
        for taker in takers:
            model = taker.endpoint.model if taker.endpoint else shorten_uri(taker.model or base)
            common = find_common(asked, model)
            if common is not None:
                return Kinship(at, taker.name, model, common)
    return None


def list_asked_models(judge: JudgeSpec) -> Iterator[tuple[FieldPath, str]]:
    """Yield the path below the spec and the name of every model that a judge asks, or that it classifies with."""
    for place, (_, member) in enumerate(list_members(judge)):
        above: FieldPath = ("judge",) if judge.panel is None else ("judge", "panel", "members", place)
        if member.endpoint is not None:
            yield (*above, *member.endpoint[0].split("."), "model"), member.endpoint[1].model
        if member.asked_classifier is not None:
            yield (*above, *member.asked_classifier[0].split("."), "uri"), shorten_uri(member.asked_classifier[1].uri)


def find_common(one: str, other: str) -> str | None:
    """Return a family that two names of models have in common, or the name that they share; None without either."""
    common = sorted(list_families(one) & list_families(other))
    if common:
        return common[0]
    same = one.rpartition("/")[2].casefold() == other.rpartition("/")[2].casefold()
    return one if same else None


def list_families(name: str) -> set[str]:
    """Return the families that the name of a model tells.

    >>> sorted(list_families("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"))
    ['DeepSeek', 'Qwen']
    """
    spaced = "".join(letter if letter.isalnum() else " " for letter in name.casefold())
    words = spaced.split()
    return {family for family, stems in STEMS.items() if any(_tells(word, stem) for word in words for stem in stems)}


def _tells(word: str, stem: str) -> bool:
    """Return whether a word tells the family of a stem. A version after the stem is no part of it: `qwen2`."""
    return stem in word if len(stem) >= SHORTEST_PART else stem in (word, word.rstrip("0123456789"))


def shorten_uri(uri: str) -> str:
    """Return the part of a URI that names the model: owner and name on a hub, else the last folder."""
    scheme, _, path = uri.rpartition("://")
    parts = path.partition("@")[0].strip("/").split("/")
    return "/".join(parts[-2:] if scheme == "hf" else parts[-1:])

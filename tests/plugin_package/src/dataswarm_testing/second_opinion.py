"""A judge that asks a language model whether an answer is right, and reads `yes` or `no`.

The spec gives the model as `spec.judge.plugin.endpoint`; its name comes in the config as `model`.
"""

from collections.abc import Mapping, Sequence

from swarm_core import part_config
from swarm_core.items import Item
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.recipe import ModelName

NAME = "judge second-opinion"
PROMPT = "Is {answer!r} the right answer to {item!r}? Say yes or no."


class SecondOpinion:
    """Scores 1 for yes and 0 for no."""

    def __init__(self, model: ModelName, max_tokens: int) -> None:
        self.model, self.max_tokens = model, max_tokens

    def refusal(self, item: Item) -> str | None:
        return None if item.text.strip() else "the item is empty"

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """One question."""
        prompt = PROMPT.format(answer=answer.strip(), item=item.text)
        return (Request(self.model, prompt, self.max_tokens, temperature=0.0, seed=0, chat=True),)

    def score(self, item: Item, answer: str, replies: Sequence[Completion | RequestFailure]) -> Score:
        """What the one reply says; unscored if it says neither."""
        (reply,) = replies
        if isinstance(reply, RequestFailure):
            return Unscored(UnscoredReason.JUDGE_FAILED, reply.message)
        words = {word.strip(".,!").lower() for word in reply.text.split()} & {"yes", "no"}
        if len(words) != 1:
            return Unscored(UnscoredReason.JUDGE_FAILED, "the judge says neither yes nor no")
        return float(words == {"yes"})


def make_judge(config: Mapping[str, object]) -> SecondOpinion:
    """Takes `maxTokens`, and the `model` that dataswarm sets. Raises BadInputError."""
    part_config.check_fields(NAME, config, ("model", "maxTokens"))
    model = part_config.get_field(NAME, config, "model", str)
    return SecondOpinion(ModelName(model), part_config.get_field(NAME, config, "maxTokens", int, 16))

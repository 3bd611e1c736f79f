"""The verifier for questions whether there is a path between two nodes of a graph: `yes` or `no`.

An item is a question of `swarm_core.judges.graph_question`. The answer is what the text states
(`swarm_core.judges.stated_text`): it begins with `yes` or `no`, or says that there is a path or none. Without a
statement its beginning and its last line count, if they do not contradict each other.

Limits: answers are read in English.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.judges import graph_question
from swarm_core.judges.graph_question import GraphQuestion, GraphQuestionError
from swarm_core.judges.stated_answer import UnreadableError
from swarm_core.judges.stated_text import find_stated_text, strip_wrapping
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request

WORD = re.compile(r"(yes|no)(?!\w)(?! ?(?:and|or|/) ?(?:yes|no)(?!\w))", re.IGNORECASE)
PHRASE = re.compile(
    r"there (?:is|exists|are|does)(?P<no> no| not| not exist|n't)?(?: a| any)?(?: such| valid)? paths?"
    r"|(?<!\w)(?P<none>no(?: such| valid)?) paths?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class GraphConnectivityJudge:
    """Judges whether there is a path between two nodes of a graph by searching for one. It makes no requests."""

    revision: ClassVar[int] = 2
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "GraphConnectivityJudge":
        """Return the verifier."""
        return cls()

    def refusal(self, item: Item) -> str | None:
        """Return the reason why `item` is no question whether there is a path; None if it is one."""
        try:
            parse(item)
        except GraphQuestionError as error:
            return str(error)
        return None

    def canonical(self, item: Item) -> str | None:
        """Return a text that all spellings of the question share, in any order of its edges; None if `refusal` refuses
        the item."""
        with suppress(GraphQuestionError):
            return parse(item).form
        return None

    def solution(self, item: Item) -> str | None:
        """Return `yes` or `no`; None if `refusal` refuses the item."""
        with suppress(GraphQuestionError):
            return "yes" if has_path(parse(item)) else "no"
        return None

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because the path is searched for."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the answer says rightly whether there is a path, else 0.0.

        A blank answer is wrong. Unscored: UNREADABLE if the answer says neither or both, and JUDGE_FAILED if `refusal`
        refuses the item.
        """
        try:
            question = parse(item)
            return float(read_answer(answer) is has_path(question)) if answer.strip() else 0.0
        except GraphQuestionError as error:
            return Unscored(UnscoredReason.JUDGE_FAILED, str(error))
        except UnreadableError as error:
            return Unscored(UnscoredReason.UNREADABLE, str(error))


def parse(item: Item) -> GraphQuestion:
    """Return the question of `item`. Raises GraphQuestionError if it does not ask whether there is a path."""
    question = graph_question.parse(item.text)
    if question.shortest:
        raise GraphQuestionError("it asks for the shortest path; the verifier ShortestPath judges that")
    return question


def has_path(question: GraphQuestion) -> bool:
    """Return whether there is a path from the source to the target."""
    import networkx  # noqa: PLC0415 (the API imports this module, and the operator has no networkx)

    return bool(networkx.has_path(graph_question.build_graph(question), question.source, question.target))


def read_answer(answer: str) -> bool:
    """Return whether `answer` says that there is a path. Raises UnreadableError if it says neither or both."""
    stated = find_stated_text(answer)
    told = read_statement(stated.text)
    if told is not None and stated.marked:
        return told
    begun = WORD.match(strip_wrapping(answer))
    found = {one for one in (told, None if begun is None else begun[1].lower() == "yes") if one is not None}
    if len(found) != 1:
        raise UnreadableError("the answer says both yes and no" if found else "the answer says neither yes nor no")
    return found.pop()


def read_statement(statement: str) -> bool | None:
    """Return whether `statement` says that there is a path; None if it says nothing about it, or both."""
    if found := WORD.match(statement):
        return found[1].lower() == "yes"
    said = {found["no"] is None and found["none"] is None for found in PHRASE.finditer(statement)}
    return said.pop() if len(said) == 1 else None

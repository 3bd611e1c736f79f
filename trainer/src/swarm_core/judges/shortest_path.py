"""The verifier for the shortest path between two nodes of a graph. Every shortest path is right.

An item is a question of `swarm_core.judges.graph_question` that has a path. The answer is a row of nodes, such as
`0,1,4`, `0 -> 1 -> 4` or `from 0 to 1 to 4`. It is right if each step is an edge, if it goes from the source to the
target, and if its total weight is the least. A total that the text states beside it does not count. If the question
asks for the length, the number that the answer states is right if it is the least total weight.

If a text has several such rows, that after its last `path is` or `path:` counts. A text with one row that does not
connect the two nodes is wrong, and a text with several has no score.

Limits: a path that is written as a list of bracketed edges has no score.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.judges import graph_question
from swarm_core.judges.exactness import Exactness
from swarm_core.judges.graph_question import GraphQuestion, GraphQuestionError
from swarm_core.judges.number_score import NumberRule, score_number
from swarm_core.judges.plain_math import MARK, to_plain_math
from swarm_core.judges.stated_answer import CORRECTION, MAX_ANSWER, UnreadableError
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request

NODE = r"(?:node )?[0-9]{1,6}(?![0-9])"
NEXT = rf"[ {MARK}]?[ {MARK}]?(?:,? ?(?:and )?(?:then )?(?:to )|,|⇒|>|-{{1,2}}|—)[ {MARK}]?[ {MARK}]?"
ROW = re.compile(rf"(?<![0-9.]){NODE}(?:{NEXT}{NODE})+", re.IGNORECASE)
ENDS = re.compile(rf"(?:from|between) {NODE} (?:to|and) {NODE}(?!{NEXT}(?:node )?[0-9])", re.IGNORECASE)
"""The source and the target, which the text repeats."""
NUMBER = re.compile("[0-9]+")
STATEMENT = re.compile(r"path(?: is|:| =)", re.IGNORECASE)
SPACES = re.compile(" {2,}")


LENGTH_RULE = NumberRule(Exactness.EXACT, 2, Fraction(0), optional_percent=False)
"""A length is a whole number, so only the number itself is right."""


@dataclass(frozen=True, slots=True)
class ShortestPathJudge:
    """Judges a path through a graph by its steps and its total weight. It makes no requests."""

    revision: ClassVar[int] = 2
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "ShortestPathJudge":
        """Return the verifier."""
        return cls()

    def refusal(self, item: Item) -> str | None:
        """Return the reason why `item` is no question for a shortest path that exists; None if it is one."""
        try:
            find_path(parse(item))
        except GraphQuestionError as error:
            return str(error)
        return None

    def canonical(self, item: Item) -> str | None:
        """Return a text that all spellings of the question share, in any order of its edges; None if `refusal` refuses
        the item."""
        with suppress(GraphQuestionError):
            question = parse(item)
            find_path(question)
            return question.form
        return None

    def solution(self, item: Item) -> str | None:
        """Return a shortest path, such as `0,1,4`, or its length; None if `refusal` refuses the item."""
        with suppress(GraphQuestionError):
            question = parse(item)
            path = find_path(question)
            return str(measure(path, question)) if question.length else ",".join(map(str, path))
        return None

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because the path is computed."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the answer is a shortest path, or the length of one where that is asked for, else 0.0.

        A blank answer is wrong. Unscored: UNREADABLE if the answer has no path or no clear one, and JUDGE_FAILED if
        `refusal` refuses the item.
        """
        try:
            question = parse(item)
            best = find_path(question)
            if question.length:
                return score_number(answer, Fraction(measure(best, question)), LENGTH_RULE) if answer.strip() else 0.0
            return float(is_as_short(read_path(answer, question), best, question)) if answer.strip() else 0.0
        except GraphQuestionError as error:
            return Unscored(UnscoredReason.JUDGE_FAILED, str(error))
        except UnreadableError as error:
            return Unscored(UnscoredReason.UNREADABLE, str(error))


def parse(item: Item) -> GraphQuestion:
    """Return the question of `item`. Raises GraphQuestionError if it does not ask for a shortest path."""
    question = graph_question.parse(item.text)
    if not question.shortest:
        raise GraphQuestionError("it asks whether there is a path; the verifier GraphConnectivity judges that")
    return question


def find_path(question: GraphQuestion) -> list[int]:
    """Return a shortest path. Raises GraphQuestionError if there is no path."""
    import networkx  # noqa: PLC0415 (the API imports this module, and the operator has no networkx)

    try:
        path: list[int] = networkx.dijkstra_path(graph_question.build_graph(question), question.source, question.target)
    except networkx.NetworkXNoPath:
        ends = f"node {question.source} and node {question.target}"
        raise GraphQuestionError(f"there is no path between {ends}") from None
    return path


def measure(path: Sequence[int], question: GraphQuestion) -> int:
    """Return the total weight of a path."""
    import networkx  # noqa: PLC0415 (the API imports this module, and the operator has no networkx)

    return int(networkx.path_weight(graph_question.build_graph(question), path, "weight"))


def is_as_short(path: Sequence[int], best: Sequence[int], question: GraphQuestion) -> bool:
    """Return whether `path` leads from the source to the target over edges and weighs no more than `best`."""
    import networkx  # noqa: PLC0415 (the API imports this module, and the operator has no networkx)

    graph = graph_question.build_graph(question)
    if (path[0], path[-1]) != (question.source, question.target) or not networkx.is_path(graph, path):
        return False
    return measure(path, question) == measure(best, question)


def read_path(answer: str, question: GraphQuestion) -> tuple[int, ...]:
    """Return the path that `answer` states. Raises UnreadableError if it states none, or several."""
    if len(answer) > MAX_ANSWER:
        raise UnreadableError(f"the answer has {len(answer)} characters; at most {MAX_ANSWER} are read")
    plain = ENDS.sub("", SPACES.sub(" ", to_plain_math(answer)))
    rows = find_rows(plain)
    paths = {row for row in rows if (row[0], row[-1]) == (question.source, question.target)}
    if len(paths or set(rows)) == 1:
        return (paths or set(rows)).pop()
    marks = list(STATEMENT.finditer(plain))
    stated = find_rows(plain[marks[-1].end() :]) if marks else []
    if stated and stated[0] in paths and CORRECTION.search(plain, marks[-1].end()) is None:
        return stated[0]
    raise UnreadableError(f"the answer has {'several paths' if rows else 'no path'}")


def find_rows(text: str) -> list[tuple[int, ...]]:
    """Return every row of at least two nodes in `text`. A node that directly repeats counts once: `0-1, 1-4`."""
    rows = (map(int, NUMBER.findall(found[0])) for found in ROW.finditer(text))
    return [tuple(node for node, _ in groupby(row)) for row in rows]

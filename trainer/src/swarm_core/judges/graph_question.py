"""Questions about paths in a graph, in the words of the NLGraph data set (arXiv 2305.10037).

A question is a list of edges, then a question about a path:

    Determine if there is a path between two nodes in the graph. Note that (i,j) means that node i and node j are
    connected with an undirected edge.
    Graph: (0,1) (1,2) (3,4)
    Q: Is there a path between node 0 and node 2?

    In an undirected graph, the nodes are numbered from 0 to 4, and the edges are:
    an edge between node 0 and node 1 with weight 2,
    an edge between node 1 and node 4 with weight 3.
    Q: Give the shortest path from node 0 to node 4.

    The following paragraph describes an undirected graph with weights.
    Node 0 is connected to node 1 with weight 2, node 4 with weight 9.
    Node 1 is connected to node 0 with weight 2, node 4 with weight 3.
    Q: What is the shortest path between node 0 and node 4, and what is the length of the shortest path?
    Please directly answer with the length of the shortest path:

The last form is that of the data released with Data Swarms (arXiv 2506.00741). A question that asks for the length asks
for nothing else.

The text is read from left to right, phrase by phrase. What is not one of the known phrases is refused, because it could
change the question (`without going through node 3`). An edge may be a pair, a triple with its weight, or in words, or
one of the neighbors that are listed for a node. In a directed graph an edge goes from its first node to its second.

Limits: nodes are whole numbers, and weights are whole numbers of at least 0. `MAX_LENGTH` bounds time and memory. Two
questions whose graphs differ only in the numbers of the nodes are two questions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_LENGTH = 100_000
"""Maximum length of a question, in characters."""
NUMBER = "([0-9]{1,6})"
EDGE = re.compile(
    rf"\( ?{NUMBER} ?, ?{NUMBER} ?(?:, ?{NUMBER} ?)?\)"
    rf"|(?:an )?edge (?:between|from) node {NUMBER} (?:and|to) node {NUMBER}(?: with (?:a )?weight (?:of )?{NUMBER})?"
)
NEIGHBOR = r"(?:node )?[0-9]{1,6}(?![0-9])(?: with (?:a )?weight (?:of )?[0-9]{1,6}(?![0-9]))?"
NEIGHBORS = re.compile(rf"node {NUMBER} is connected to (?P<others>{NEIGHBOR}(?:(?: and |, and |, ){NEIGHBOR})*)")
ONE_NEIGHBOR = re.compile(rf"(?:node )?{NUMBER}(?: with (?:a )?weight (?:of )?{NUMBER})?")
RANGE = re.compile(rf"the nodes are numbered from {NUMBER} to {NUMBER}")
QUESTION = re.compile(
    rf"(?:(?P<path>is there a path)|(?:give|find|what is) (?P<shortest>the shortest path)) (?:between|from)"
    rf" node {NUMBER} (?:and|to) node {NUMBER}"
)
LENGTH = re.compile(
    r"(?:and )?what is (?:its length|the length of the shortest path)"
    r"|(?:please )?(?:directly )?answer with the length of the shortest path"
)
DIRECTED = re.compile(
    r"(?:in|the following (?:text|paragraph) describes) an? (?:weighted )?(?P<un>un)?directed (?:weighted )?graph"
    r"(?: with weights)?"
)
MEANING = re.compile(
    r"(?:note that )?\( ?i ?, ?j ?(?:, ?w ?)?\) means that (?:there is an edge between )?node i and node j"
    r"(?: are connected (?:with|by) an (?P<un>un)?directed edge)?(?: from i to j)?(?: with (?:the )?weight w)?"
)
OTHER = re.compile(
    r"(?:determine (?:if|whether) there is a path between two nodes in the graph|and the edges are|the edges are|graph"
    r"|please directly answer with yes or no|question|answer|and|q|a)(?![a-z0-9])"
)
"""Phrases that change nothing."""
SEPARATORS = re.compile(r"[ ,.;:?]+")


class GraphQuestionError(ValueError):
    """The text is no question about a path that has one answer. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class GraphQuestion:
    """A graph, and a question about two of its nodes."""

    shortest: bool
    """Whether the shortest path is asked for. If not, the question is whether there is any."""
    length: bool
    """Whether the answer is the length of the shortest path, and not the path."""
    source: int
    target: int
    directed: bool
    edges: Mapping[tuple[int, int], int | None]
    """The weight of each edge, None if it has none. The nodes of an undirected edge are in order. Sorted."""

    @property
    def form(self) -> str:
        """A text that all spellings of the question share, and no other question."""
        ends = (self.source, self.target) if self.directed else tuple(sorted((self.source, self.target)))
        return f"{self.shortest + self.length:d} {self.directed:d} {ends} {list(self.edges.items())}"


@dataclass(slots=True)
class QuestionParser:
    """Reads the phrases of a question from left to right."""

    edges: dict[tuple[int, int], int | None] = field(default_factory=dict)
    question: re.Match[str] | None = None
    length: bool = False
    range: tuple[int, int] | None = None
    directed: bool | None = None

    def parse(self, text: str) -> GraphQuestion:
        """Return the question of `text`. Raises GraphQuestionError."""
        place = 0
        while place < len(text):
            found = next(filter(None, (pattern.match(text, place) for pattern in PHRASES)), None)
            if found is None or found.end() == place:
                raise GraphQuestionError(f"{text[place : place + 30]!r} is no part of a question about a path")
            self.take(found)
            place = found.end()
        return self.conclude()

    def take(self, found: re.Match[str]) -> None:
        """Add one phrase. Raises GraphQuestionError if it contradicts the phrases before it."""
        if found.re is EDGE:
            self.take_edge([int(number) for number in found.groups() if number is not None])
        elif found.re is NEIGHBORS:
            for other in ONE_NEIGHBOR.finditer(found["others"]):
                self.take_edge([int(found[1]), *(int(number) for number in other.groups() if number is not None)])
        elif found.re is LENGTH:
            self.length = True
        elif found.re is RANGE:
            self.range = int(found[1]), int(found[2])
        elif found.re is QUESTION:
            if self.question is not None:
                raise GraphQuestionError("it has two questions")
            self.question = found
        elif found.re is DIRECTED or (found.re is MEANING and "directed" in found[0]):
            directed = found["un"] is None
            if self.directed not in (None, directed) or self.edges:
                raise GraphQuestionError("the graph is called directed and undirected, or after its edges")
            self.directed = directed

    def take_edge(self, numbers: list[int]) -> None:
        """Add an edge: its two nodes and, if it has one, its weight. Raises GraphQuestionError."""
        if self.question is not None:
            raise GraphQuestionError("an edge follows the question")
        first, second, *weights = numbers
        if first == second:
            raise GraphQuestionError(f"an edge connects node {first} with itself")
        edge = (first, second) if self.directed else (min(first, second), max(first, second))
        weight = weights[0] if weights else None
        if self.edges.setdefault(edge, weight) != weight:
            raise GraphQuestionError(f"the edge between node {first} and node {second} has two weights")

    def conclude(self) -> GraphQuestion:
        """Return the whole question. Raises GraphQuestionError if it has not one answer."""
        if self.question is None or not self.edges:
            raise GraphQuestionError("it has no edges" if self.question else "it has no question about a path")
        source, target = (int(number) for number in self.question.groups()[-2:])
        self.check_nodes(source, target)
        if self.directed and "between" in self.question[0]:
            raise GraphQuestionError("a path between two nodes of a directed graph needs a direction: from and to")
        if len({weight is None for weight in self.edges.values()}) > 1:
            raise GraphQuestionError("some edges have a weight and some have none")
        shortest = self.question["shortest"] is not None
        if self.length and not shortest:
            raise GraphQuestionError("it asks for the length of a path, and whether there is one")
        edges = dict(sorted(self.edges.items()))
        return GraphQuestion(shortest, self.length, source, target, bool(self.directed), edges)

    def check_nodes(self, source: int, target: int) -> None:
        """Check that all nodes are in the graph, and that the question is about two. Raises GraphQuestionError."""
        nodes = {node for edge in self.edges for node in edge}
        first, last = self.range or (min(nodes), max(nodes))
        for node in sorted(nodes):
            if not first <= node <= last:
                raise GraphQuestionError(f"node {node} is not between {first} and {last}")
        for node in (source, target):
            if node not in nodes and not (self.range and first <= node <= last):
                raise GraphQuestionError(f"node {node} is not in the graph")
        if source == target:
            raise GraphQuestionError("it asks for a path from a node to itself")


PHRASES = (EDGE, NEIGHBORS, SEPARATORS, QUESTION, LENGTH, RANGE, DIRECTED, MEANING, OTHER)
"""Every phrase that a question may have, the most frequent first."""


def parse(text: str) -> GraphQuestion:
    """Return the question of `text`. Raises GraphQuestionError if it is none, or has not one answer."""
    if len(text) > MAX_LENGTH:
        raise GraphQuestionError(f"{len(text)} characters; a question about a graph has at most {MAX_LENGTH}")
    return QuestionParser().parse(" ".join(text.lower().split()))


def build_graph(question: GraphQuestion) -> Any:
    """Return the graph as a `networkx.Graph` or `networkx.DiGraph`. An edge without a weight weighs 1."""
    import networkx  # noqa: PLC0415 (the API imports this module, and the operator has no networkx)

    graph = networkx.DiGraph() if question.directed else networkx.Graph()
    graph.add_nodes_from((question.source, question.target))
    graph.add_weighted_edges_from((*edge, 1 if weight is None else weight) for edge, weight in question.edges.items())
    return graph

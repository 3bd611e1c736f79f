"""Questions about paths in graphs are read strictly, and their answers are checked against the graph."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.judges.graph_connectivity import GraphConnectivityJudge
from swarm_core.judges.shortest_path import ShortestPathJudge
from swarm_core.objectives.scores import Unscored, UnscoredReason

CONNECTED, SHORTEST = GraphConnectivityJudge(), ShortestPathJudge()
UNREADABLE = UnscoredReason.UNREADABLE
HEAD = (
    "Determine if there is a path between two nodes in the graph. Note that (i,j) means that node i and node j are"
    " connected with an undirected edge.\n"
)
APART = Item(f"{HEAD}Graph: (0,1) (1,2) (3,4) (4,5)\nQ: Is there a path between node 1 and node 4?\nA:")
JOINED = Item(APART.text.replace("and node 4?", "and node 0?"))
WEIGHTED = Item("""\
In an undirected graph, the nodes are numbered from 0 to 4, and the edges are:
an edge between node 0 and node 1 with weight 2,
an edge between node 0 and node 3 with weight 4,
an edge between node 1 and node 4 with weight 3,
an edge between node 3 and node 4 with weight 2,
an edge between node 2 and node 4 with weight 1,
an edge between node 0 and node 2 with weight 4.
Q: Give the shortest path from node 0 to node 4.
A:""")

YES = ["yes", "Yes.", "Yes, there is a path: 1 -> 0.", "The answer is yes.", "**Yes**",
       "So there is a path between node 1 and node 0.", "Node 1 is next to node 0.\nThere is a path."]  # fmt: skip
NO = ["no", "No, there is no path.", "The answer is no.", "There is no path between them.", "There isn't a path.",
      "There is a path from 3 to 5. The answer is no.", "No path exists.", "Hm.\n\nNo."]  # fmt: skip
NEITHER = ["maybe", "yes or no", "Yes and no", "I cannot tell", "1", "Yes.\nNo.", "x" * 300_000]


def outcome(judge: GraphConnectivityJudge | ShortestPathJudge, item: Item, answer: str) -> object:
    assert judge.requests(item, answer) == ()
    found = judge.score(item, answer, ())
    return found.reason if isinstance(found, Unscored) else found


@pytest.mark.parametrize("answer", YES)
def test_yes_is_right_exactly_if_there_is_a_path(answer: str) -> None:
    assert (outcome(CONNECTED, JOINED, answer), outcome(CONNECTED, APART, answer)) == (1.0, 0.0)


@pytest.mark.parametrize("answer", NO)
def test_no_is_right_exactly_if_there_is_none(answer: str) -> None:
    assert (outcome(CONNECTED, JOINED, answer), outcome(CONNECTED, APART, answer)) == (0.0, 1.0)


@pytest.mark.parametrize("answer", NEITHER, ids=[answer[:20] for answer in NEITHER])
def test_an_answer_that_says_neither_or_both_has_no_score(answer: str) -> None:
    assert outcome(CONNECTED, APART, answer) is UNREADABLE


PATHS = [
    ("The shortest path from node 0 to node 4 is 0,1,4 with a total weight of 5.", 1.0),
    ("The shortest path from node 0 to node 4 is 0,2,4 with a total weight of 5", 1.0),
    ("0 -> 1 -> 4", 1.0),
    ("[0, 1, 4]", 1.0),
    ("0 → 1 → 4 (weights 2, 3)", 1.0),
    (r"$0 \to 1 \to 4$", 1.0),
    ("from node 0 to node 1 to node 4", 1.0),
    ("0-1, 1-4", 1.0),
    ("0,3,4 weighs 6, 0,1,4 weighs 5. The shortest path is 0,1,4.", 1.0),
    ("0,1,4 weighs 5. The shortest path is 0,3,4.", 0.0),
    ("0,3,4", 0.0),
    ("0,4", 0.0),
    ("0,1", 0.0),
    ("4,1,0", 0.0),
    ("0,1,0,1,4", 0.0),
    ("0,1,9,4", 0.0),
    ("", 0.0),
    ("0,1,4 or 0,3,4", UNREADABLE),
    ("(0,1), (1,4)", UNREADABLE),
    ("The total weight is 5.", UNREADABLE),
    ("It leads from node 0 to node 4.", UNREADABLE),
    ("The shortest path is 0,3,4. Wait, 0,1,4.", UNREADABLE),
    ("0," * 200_000, UNREADABLE),
]


@pytest.mark.parametrize(("answer", "expected"), PATHS, ids=[answer[:40] for answer, _ in PATHS])
def test_a_path_is_right_if_it_exists_and_none_is_shorter(answer: str, expected: object) -> None:
    assert outcome(SHORTEST, WEIGHTED, answer) == expected


def test_the_ends_of_an_undirected_path_have_their_order() -> None:
    back = Item(WEIGHTED.text.replace("from node 0 to node 4", "from node 4 to node 0"))
    assert (outcome(SHORTEST, back, "4,1,0"), outcome(SHORTEST, back, "0,1,4")) == (1.0, 0.0)


EDGES = "Graph: (0,1) (1,2) (5,6) "
ASK = "Is there a path between node 0 and node 2?"
REFUSED = {
    "": "it has no question about a path",
    EDGES: "it has no question about a path",
    ASK: "it has no edges",
    f"{EDGES}{ASK} {ASK}": "it has two questions",
    f"{EDGES}{ASK} (2,3)": "an edge follows the question",
    f"{EDGES}Is there a path between node 0 and node 2 without going through node 1?":
        "'without going through node 1?' is no part of a question about a path",
    f"{EDGES}Is there a path between node 0 and node 9?": "node 9 is not in the graph",
    f"{EDGES}Is there a path between node 1 and node 1?": "it asks for a path from a node to itself",
    f"(3,3) {EDGES}{ASK}": "an edge connects node 3 with itself",
    f"(0,1,2) {EDGES}{ASK}": "the edge between node 0 and node 1 has two weights",
    f"(0,7,2) {EDGES}{ASK}": "some edges have a weight and some have none",
    f"The nodes are numbered from 0 to 5, and the edges are: {EDGES}{ASK}": "node 6 is not between 0 and 5",
    f"In a directed graph, {HEAD}{EDGES}{ASK}": "the graph is called directed and undirected, or after its edges",
    f"{EDGES} In a directed graph. {ASK}": "the graph is called directed and undirected, or after its edges",
    f"In a directed graph, {EDGES}{ASK}":
        "a path between two nodes of a directed graph needs a direction: from and to",
    f"{EDGES}Give the shortest path from node 0 to node 2":
        "it asks for the shortest path; the verifier ShortestPath judges that",
    "What is 1+1?": "'what is 1+1?' is no part of a question about a path",
    f"About {EDGES}{ASK}": "'about graph: (0,1) (1,2) (5,6)' is no part of a question about a path",
    f"{EDGES}" * 5000 + ASK: "125042 characters; a question about a graph has at most 100000",
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=[text[-30:] for text in REFUSED])
def test_a_question_without_one_answer_is_refused_with_the_reason(text: str, why: str) -> None:
    assert CONNECTED.refusal(Item(text)) == why
    assert CONNECTED.score(Item(text), "yes", ()) == Unscored(UnscoredReason.JUDGE_FAILED, why)
    assert (CONNECTED.solution(Item(text)), CONNECTED.canonical(Item(text))) == (None, None)


def test_a_shortest_path_must_exist() -> None:
    missing = Item(f"{EDGES}Give the shortest path from node 0 to node 5.")
    assert SHORTEST.refusal(missing) == "there is no path between node 0 and node 5"
    assert SHORTEST.refusal(APART) == "it asks whether there is a path; the verifier GraphConnectivity judges that"


def test_an_edge_of_a_directed_graph_leads_one_way() -> None:
    ask = "In a directed graph, the edges are: (0,1) (1,2). Is there a path from node {} to node {}?"
    assert [CONNECTED.solution(Item(ask.format(*ends))) for ends in ((0, 2), (2, 0))] == ["yes", "no"]


def test_a_node_without_edges_may_be_in_the_graph() -> None:
    item = Item(f"The nodes are numbered from 0 to 9. {EDGES}Is there a path between node 0 and node 9?")
    assert CONNECTED.solution(item) == "no"


def test_orders_of_the_edges_are_one_item_and_other_weights_another() -> None:
    lines = WEIGHTED.text.split("\n")
    turned = Item(
        "\n".join([lines[0], *reversed(lines[1:7]), *lines[7:]]).replace("node 0 and node 1", "node 1 and node 0")
    )
    other = Item(WEIGHTED.text.replace("weight 3", "weight 9"))
    forms = [canonicalize_item(item, SHORTEST) for item in (WEIGHTED, turned, other)]
    assert forms[0] == forms[1] != forms[2]


@given(
    weights=st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda edge: edge[0] < edge[1]),
        st.integers(0, 9),
        min_size=1,
    ),
    directed=st.booleans(),
)
def test_the_solution_is_what_every_path_tried_in_turn_gives(
    weights: dict[tuple[int, int], int], directed: bool
) -> None:
    kind = "a directed" if directed else "an undirected"
    lines = "\n".join(f"an edge from node {a} to node {b} with weight {w}," for (a, b), w in weights.items())
    text = f"In {kind} graph, the nodes are numbered from 0 to 5, and the edges are:\n{lines}\nQ: "
    steps = weights if directed else weights | {(b, a): w for (a, b), w in weights.items()}
    paths = [(0, *middle, 5) for count in range(5) for middle in itertools.permutations(range(1, 5), count)]
    totals = {
        path: sum(steps[s] for s in itertools.pairwise(path))
        for path in paths
        if set(itertools.pairwise(path)) <= steps.keys()
    }
    asked = Item(f"{text}Is there a path from node 0 to node 5?")
    assert CONNECTED.solution(asked) == ("yes" if totals else "no")
    item = Item(f"{text}Give the shortest path from node 0 to node 5.")
    assert (SHORTEST.refusal(item) is None) == bool(totals)
    for path, total in totals.items():
        assert outcome(SHORTEST, item, ",".join(map(str, path))) == float(total == min(totals.values()))
    if totals:
        assert outcome(SHORTEST, item, SHORTEST.solution(item) or "") == 1.0


def test_the_verifiers_are_found_by_name() -> None:
    assert plugins.build_part("verifiers", "GraphConnectivity", {}) == CONNECTED
    assert plugins.build_part("verifiers", "ShortestPath", {}) == SHORTEST


NEIGHBORS = (
    "The following paragraph describes an undirected graph with weights.\n"
    "Node 0 is connected to node 1 with weight 2, node 4 with weight 9.\n"
    "Node 1 is connected to node 0 with weight 2, node 4 with weight 3.\n"
    "Node 4 is connected to node 0 with weight 9, node 1 with weight 3.\n"
)
TO_LENGTH = Item(
    NEIGHBORS + "Q: What is the shortest path between node 0 and node 4, and what is the length of the shortest path?\n"
    "Please directly answer with the length of the shortest path:"
)
LISTED = (
    "The following text describes an undirected graph. Determine if there is a path between two nodes in the graph.\n"
    "Node 0 is connected to 1, 2.\nNode 1 is connected to 0.\nNode 2 is connected to 0.\nNode 3 is connected to 5.\n"
    "Q: Is there a path between node {} and node {}?\nPlease directly answer with Yes or No:"
)


def test_a_graph_may_list_the_neighbors_of_each_node() -> None:
    """0 to 4 directly weighs 9, over 1 it weighs 2 + 3."""
    assert SHORTEST.solution(Item(NEIGHBORS + "Q: Give the shortest path from node 0 to node 4.")) == "0,1,4"
    assert CONNECTED.solution(Item(LISTED.format(1, 2))) == "yes"
    assert CONNECTED.solution(Item(LISTED.format(1, 5))) == "no"
    assert CONNECTED.refusal(Item(LISTED.format(1, 4))) == "node 4 is not in the graph"


@pytest.mark.parametrize(
    ("answer", "wanted"), [("5", 1.0), ("The length is 5.", 1.0), ("9", 0.0), ("5.5", 0.0), ("", 0.0)]
)
def test_a_question_for_the_length_is_answered_by_a_number(answer: str, wanted: float) -> None:
    assert SHORTEST.solution(TO_LENGTH) == "5"
    assert SHORTEST.score(TO_LENGTH, answer, ()) == wanted


def test_a_question_for_the_length_is_another_item_than_one_for_the_path() -> None:
    path = Item(NEIGHBORS + "Q: What is the shortest path between node 0 and node 4?")
    assert SHORTEST.canonical(path) != SHORTEST.canonical(TO_LENGTH)


def test_two_weights_of_one_edge_among_neighbors_are_refused() -> None:
    other = Item(TO_LENGTH.text.replace("node 1 with weight 3.", "node 1 with weight 4."))
    assert SHORTEST.refusal(other) == "the edge between node 4 and node 1 has two weights"


def test_a_length_without_a_shortest_path_is_refused() -> None:
    mixed = Item(LISTED.format(1, 2).replace("Yes or No", "the length of the shortest path"))
    assert CONNECTED.refusal(mixed) == "it asks for the length of a path, and whether there is one"

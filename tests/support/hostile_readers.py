"""The readers of text that others write, and texts made to slow them down.

`READERS` lists every function that reads foreign text: items, answers, replies of judges and servers, messages of pods,
names in files. `find_patterns` finds every regular expression in the source, so that none is missed.
"""

import ast
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from swarm_core.api.objective_data import CorpusData
from swarm_core.gates import answerable, language
from swarm_core.gates.refusal_gate import RefusalGate
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.judges.exact_match import ExactMatchJudge
from swarm_core.judges.graph_connectivity import GraphConnectivityJudge
from swarm_core.judges.multiple_choice import MultipleChoiceJudge
from swarm_core.judges.rubric import RubricJudge
from swarm_core.judges.shortest_path import ShortestPathJudge
from swarm_core.judges.word_problem import WordProblemJudge
from swarm_core.ngram_index import NgramIndex
from swarm_core.ports import Completion
from swarm_core.recipe import remote_model_name
from swarm_core.text import canonical_text, control_markup, item_formats, item_parser, printable, thinking
from swarm_core.text.item_formats import ItemFormat
from swarm_operator.reconciler import pod_problems, refusals, termination_message
from swarm_trainer.evaluation.corpus_similarity import CorpusSimilarity
from swarm_trainer.inference import openai_protocol, reply_parser
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.http_session import HttpResponse
from swarm_trainer.inference.thinking_tokens import SpecialTokens
from swarm_trainer.lora import adapter, base_layers
from swarm_trainer.maintenance import garbage_collection
from swarm_trainer.runtime import layers
from swarm_trainer.sources import data_selection, model_selection, source_uri, splits
from swarm_trainer.stores import keys, purging, store_listing

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "trainer" / "src", ROOT / "operator" / "src")

UNITS = (
    *" \t\nab01,.;:'\"`-_=+*/\\|!?#%&$@^~<>(){}[]½²é０，…–\u00a0\u200b\u0301\U0001d7ce",
    "1,", "1.", "1 ", "1/", "1^", "1-", " -", "- ", "1e", "1\u0305", "\u0316\u0301", "a\u0316\u0301", "x1", "(1",
    "1 000 ", "1,000", "{,}", r"\,", r"\boxed{", r"\boxed{1}", r"\frac{1}{", r"\frac{1}{2}", r"\text{", r"1\over ",
    "[1,", "{\"a\":", "&#1", "**1", "1**", "1. ", "1. a\n", "- a\n", "enjoy!\n", "> ", "> a\n", "```\n", "---\n",
    "Score: ", "Score: 1\n", "Valid: yes ", "answer is ", "answer: 1 ", "not 1 ", "1 or ", "1 = ", "1 ≈ ", "</query>",
    "<query-", "</b>", "a.", "a.1.", "a-", "A1", "a/", ".lora_A.", "names/", "iterations/0001/", "secret \"",
    "0 -> ", "0,1,", "from 0 to 1 ", "path is ", "(0,1) ", "(0,1,2) ", "no path ", "yes ", "an edge ", "shortest path ",
    "Tom has 12 pens. ", "He loses 5. ", "3 boxes with 4 each ", "no accepted ", "the last time: ", "answered 4", "a: ",
    "? ", "&a ", "*a ", "¡", "¡a", "ı", "the ı ", "!", "¹", "₁", "1 k ", "1 h ", "&lt;", "1 thousand ", "(1,",
    "A) ", " (A) ", "A) a\n", "Answer: ", "Answer: A\n", "Explanation: ", " (correct)", "A and ", "Q: ",
)  # fmt: skip
"""What is repeated to make a text."""
AFFIXES = (
    ("", ""),
    ("1", "x"),
    ("<", "!"),
    (r"\boxed{", "}"),
    ("Score:", "?"),
    ("- ", "\n"),
    ("base_model.model.", ".weight"),
)
"""What stands before and after the repetition."""

MODEL = remote_model_name("https://host/v1", "large")
JUDGE, RUBRIC, GATE = ArithmeticJudge(), RubricJudge(MODEL, "Mark."), answerable.AnswerableGate(MODEL)
REFUSAL = RefusalGate()
WORDS = WordProblemJudge()
KNOWN = ItemIndex([Item("What is 12 + 34?"), Item("Who wrote it?")])
NGRAMS = NgramIndex(["What is 12 + 34?", "Who wrote it?"], 2)
CORPUS = CorpusSimilarity(["who wrote it", "where is it"], CorpusData(uri="corpus.jsonl"))
SPECIAL = SpecialTokens(frozenset({0, 1}), frozenset({2}), re.compile(r"<think>|</think>|<end>"))
SUM = Item("12+34")
MATCH, CHOICE = ExactMatchJudge(ignore_articles=True, ignore_punctuation=True), MultipleChoiceJudge()
CONNECTED, SHORTEST = GraphConnectivityJudge(), ShortestPathJudge()
CONNECTION = Item("Graph: (0,1) (1,2) Q: Is there a path between node 0 and node 2?")
PATH = Item("Graph: (0,1,1) (1,2,1) Q: Give the shortest path from node 0 to node 2.")
CHOSEN = Item("a?", reference="1,", choices=("a", "a a", "1,", "-", "score: 1", "a.1."))


def reply(text: str) -> Completion:
    return Completion(text, 1, finished=True)


def parse_answer(text: str) -> object:
    """What a server answers, as a completion and as an error."""
    data = text.encode(errors="replace")
    response = HttpResponse(400, data, text[:1000])
    endpoint = RemoteModel("https://host/v1", "large")
    return reply_parser.parse_response(endpoint, openai_protocol.CHAT, response), reply_parser.parse_models(data)


def read_answered(text: str) -> object:
    return item_formats.read_entry(ItemFormat.QUESTIONS_AND_ANSWERS, text)


def read_chosen(text: str) -> object:
    return item_formats.read_entry(ItemFormat.MULTIPLE_CHOICE, text)


def parse_uri(text: str) -> object:
    return source_uri.parse(f"hf://{text}")


READERS: Mapping[str, Callable[[str], object]] = {
    "the answer to a sum": lambda text: JUDGE.score(SUM, text, ()),
    "an item of the arithmetic verifier": lambda text: (JUDGE.refusal(Item(text)), JUDGE.canonical(Item(text))),
    "an item of the verifier of word problems": lambda text: (WORDS.refusal(Item(text)), WORDS.canonical(Item(text))),
    "an answer that is compared with a reference": lambda text: MATCH.score(Item("a?", text), text, ()),
    "an answer that chooses": lambda text: CHOICE.score(CHOSEN, text, ()),
    "choices": lambda text: CHOICE.refusal(Item("a?", text, choices=("a", text))),
    "an answer with yes or no": lambda text: CONNECTED.score(CONNECTION, text, ()),
    "an answer with a path": lambda text: SHORTEST.score(PATH, text, ()),
    "a question about a graph": lambda text: (
        CONNECTED.canonical(Item(f"Graph: {text} {CONNECTION.text}")),
        SHORTEST.canonical(Item(text)),
    ),
    "a prompt of the judge": lambda text: RUBRIC.requests(Item(text), text),
    "a reply of the judge": lambda text: RUBRIC.mark(reply(text)),
    "an item whose language is sought": language.has_words,
    "an item that may be a refusal": lambda text: REFUSAL.refusal(Item(text)),
    "a prompt of the gate Answerable": lambda text: GATE.requests(Item(text)),
    "a reply of the gate Answerable": lambda text: answerable.read_validity(reply(text)),
    "a completion with items": lambda text: item_parser.parse(text, 8),
    "a completion that was cut off": lambda text: item_parser.parse(text, 1_000_000, finished=False),
    "an entry with an answer": lambda text: (read_answered(text), read_answered(f"{text}\nAnswer: {text}")),
    "an entry with choices": lambda text: (
        read_chosen(text),
        read_chosen(f"{text}\nA) {text}\nB) b\nAnswer: {text}"),
        read_chosen(f"?\nA) {text}\nB) b"),
        item_formats.shuffle_choices(Item(text, choices=(text, "b"))),
    ),
    "markup of control tokens": lambda text: (control_markup.find(text), control_markup.escape(text)),
    "a name of a module": base_layers.LEFT_OUT.search,
    "thoughts and the rest": thinking.split,
    "an item in canonical form": canonical_text.canonicalize,
    "an item that may be a near copy": lambda text: KNOWN.find(Item(text), 0.9),
    "an item that may share words with a test set": lambda text: (NGRAMS.find(text), NgramIndex([text], 8).find("a")),
    "an item that is compared with a corpus": lambda text: CORPUS([text]),
    "a text whose thinking tags are special tokens": lambda text: SPECIAL.separate(reply(text)),
    "a line for a terminal": printable.to_single_line,
    "an answer of a server": parse_answer,
    "a name of a layer": layers._LAYER_NAME.match,
    "a name of a tensor": adapter._TENSOR_NAME.fullmatch,
    "a name in a repository": lambda text: (model_selection.is_read(text), data_selection.is_data_file(text)),
    "a name of a split": splits.find_in_name,
    "a name in a store": lambda text: (keys.check_key(text), keys.check_digest(text)),
    "a listed name in a store": purging.NAME_PATTERN.fullmatch,
    "a listed iteration in a store": purging.ITERATION_PATTERN.fullmatch,
    "a listed rollout in a store": garbage_collection.ROLLOUT_KEY.fullmatch,
    "a listed object in a store": store_listing.STORED_PATTERN.fullmatch,
    "a place of an input": parse_uri,
    "a refusal of the API server": refusals.classify,
    "a message of a pod": termination_message.parse_failure,
    "a secret that a pod misses": pod_problems.find_missing_secret,
}
"""The readers, by what they read."""

ANSWER, ITEMS, SPEC = "the answer to a sum", "a completion with items", "a spec, which its user writes"
READ_BY: Mapping[str, str] = {
    "swarm_core.api.kubernetes_yaml": SPEC,
    "swarm_core.blocks.endpoints": SPEC,
    "swarm_core.blocks.scalars": SPEC,
    "swarm_core.gates.language": "an item whose language is sought",
    "swarm_core.gates.refusal_gate": "an item that may be a refusal",
    "swarm_core.model_verdicts": "a reply of the gate Answerable",
    "swarm_core.item_index": "an item that may be a near copy",
    "swarm_core.judges.exact_match": "an answer that is compared with a reference",
    "swarm_core.judges.expression": "an item of the arithmetic verifier",
    "swarm_core.judges.graph_connectivity": "an answer with yes or no",
    "swarm_core.judges.graph_question": "a question about a graph",
    "swarm_core.judges.multiple_choice": "an answer that chooses",
    "swarm_core.judges.number_context": ANSWER,
    "swarm_core.judges.number_mentions": ANSWER,
    "swarm_core.judges.number_relations": ANSWER,
    "swarm_core.judges.number_signs": ANSWER,
    "swarm_core.judges.numerals": ANSWER,
    "swarm_core.judges.plain_math": ANSWER,
    "swarm_core.judges.rubric": "a reply of the judge",
    "swarm_core.judges.scale_words": ANSWER,
    "swarm_core.judges.shortest_path": "an answer with a path",
    "swarm_core.judges.stated_answer": ANSWER,
    "swarm_core.judges.stated_text": "an answer that is compared with a reference",
    "swarm_core.ngram_index": "an item that may share words with a test set",
    "swarm_core.text.canonical_text": "an item in canonical form",
    "swarm_core.text.letter_i": "an item in canonical form",
    "swarm_core.text.control_markup": "markup of control tokens",
    "swarm_core.text.item_formats": "an entry with choices",
    "swarm_core.text.item_parser": ITEMS,
    "swarm_core.text.prompts": SPEC,
    "swarm_core.text.thinking": "thoughts and the rest",
    "swarm_operator.reconciler.pod_problems": "a secret that a pod misses",
    "swarm_operator.reconciler.refusals": "a refusal of the API server",
    "swarm_operator.reconciler.run_status": "a name of 64 digits, which has no repetition of variable length",
    "swarm_trainer.data.table_records": "the first line of a table, without a repetition of variable length",
    "swarm_trainer.evaluation.corpus_similarity": "an item that is compared with a corpus",
    "swarm_trainer.inference.provider_failures": "an answer of a server",
    "swarm_trainer.inference.thinking_tokens": "a text whose thinking tags are special tokens",
    "swarm_trainer.inference.vllm_server": "the lines of a log, which are cut before they are read",
    "swarm_trainer.lora.adapter": "a name of a tensor",
    "swarm_trainer.lora.adapter_config": "a pattern of peft's, whose errors alone are named here",
    "swarm_trainer.lora.base_layers": "a name of a module",
    "swarm_trainer.maintenance.garbage_collection": "a listed rollout in a store",
    "swarm_trainer.report.evaluation_tasks": SPEC,
    "swarm_trainer.runtime.layers": "a name of a layer",
    "swarm_trainer.sources.model_selection": "a name in a repository",
    "swarm_trainer.sources.source_uri": "a place of an input",
    "swarm_trainer.sources.splits": "a name of a split",
    "swarm_trainer.stores.keys": "a name in a store",
    "swarm_trainer.stores.purging": "a listed name in a store",
    "swarm_trainer.stores.store_listing": "a listed object in a store",
}
"""For each module with regular expressions the reader that runs through them, or the reason why it needs none."""
NO_READER = {
    SPEC,
    READ_BY["swarm_operator.reconciler.run_status"],
    READ_BY["swarm_trainer.data.table_records"],
    READ_BY["swarm_trainer.inference.vllm_server"],
    READ_BY["swarm_trainer.lora.adapter_config"],
}


def find_modules_with_patterns() -> set[str]:
    """The modules of the source that use regular expressions."""
    return {
        ".".join(path.relative_to(source).with_suffix("").parts)
        for source in SOURCES
        for path in source.rglob("*.py")
        if any(
            "re" in [name.name for name in node.names]
            if isinstance(node, ast.Import)
            else node.module in {"re", "regex"}
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        )
    }


def make_texts(length: int, affixes: tuple[tuple[str, str], ...] = AFFIXES) -> Iterator[tuple[str, str]]:
    """Texts of about `length` characters, each with a name."""
    for before, after in affixes:
        for unit in UNITS:
            yield f"{before!r} + {unit!r} * n + {after!r}", before + unit * (length // len(unit)) + after


def make_text(name: str, length: int) -> str:
    """The text with this name, of about `length` characters."""
    before, unit, after = (ast.literal_eval(part.removesuffix(" * n")) for part in name.split(" + "))
    return str(before) + str(unit) * (length // len(unit)) + str(after)


def measure(read: Callable[[str], object], text: str) -> float:
    """Seconds of processor time for one call. What the reader raises is its business."""
    start = time.thread_time()
    with suppress(Exception):
        read(text)
    return time.thread_time() - start

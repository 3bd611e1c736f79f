"""Seed data with odd records: in JSON, CSV and Parquet, and with fields of many names and shapes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from odd_file import PLAIN, OddFile, layouts, lines, nested

GOOD = '{"text": "a"}\n'
DEEP = "[" * 100_000 + "]" * 100_000
JSON_FAULTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "cut": (GOOD + '{"text": "b', ("line 2", "not JSON")),
    "cut after the colon": (GOOD + '{"text": \n', ("line 2", "not JSON")),
    "single quotes": (GOOD + "{'text': 'b'}\n", ("line 2", "not JSON")),
    "single quotes first": ("{'text': 'b'}\n" + GOOD, ("line 1", "not JSON")),
    "a comma at the end": (GOOD + '{"text": "b",}\n', ("line 2", "not JSON")),
    "a comma between": (GOOD.strip() + ",\n" + GOOD, ("line 1", "not JSON")),
    "two on a line": (GOOD + '{"text": "b"}{"text": "c"}\n', ("line 2", "Extra data")),
    "a list": (GOOD + '["b"]\n', ("line 2", "a list, not an object")),
    "lists": ('["b"]\n["c"]\n', ("line 1", "a list, not an object")),
    "a string": (GOOD + '"b"\n', ("line 2", "a string, not an object")),
    "a number": (GOOD + "3\n", ("line 2", "a number, not an object")),
    "null": (GOOD + "null\n", ("line 2", "null, not an object")),
    "plain text": ("What is 1+1?\nWhat is 2+2?\n", ("line 1", "not JSON")),
    "a surrogate": (GOOD + '{"text": "b \\ud83d"}\n', ("line 2", "half of a surrogate pair (U+D83D)")),
    "a surrogate in the answer": (GOOD + '{"text": "b", "answer": "\\udc00"}\n', ("line 2", "surrogate")),
    "zero": (GOOD + '{"text": "b\\u0000c"}\n', ("line 2", "zero byte")),
    "deep": (GOOD + '{"text": "b", "x": ' + DEEP + "}\n", ("line 2", "nested too deeply")),
    "deep first": ('{"text": "b", "x": ' + DEEP + "}\n" + GOOD, ("line 1", "nested too deeply")),
    "twice": (GOOD + '{"text": "b", "text": "c"}\n', ("line 2", "the field text twice")),
    "twice inside": (GOOD + '{"text": "b", "m": {"k": 1, "k": 2}}\n', ("line 2", "the field k twice")),
    "an object as text": (GOOD + '{"text": {"en": "b"}}\n', ("line 2", "field 'text' is an object")),
    "a list as text": (GOOD + '{"text": ["b"]}\n', ("line 2", "field 'text' is a list")),
    "a number as text": (GOOD + '{"text": 3}\n', ("line 2", "field 'text' is a number")),
    "true as text": (GOOD + '{"text": true}\n', ("line 2", "field 'text' is true or false")),
    "another field": (GOOD + '{"other": "b"}\n', ("line 2", "no field 'text' (it has other)")),
    "no known field": ('{"foo": "b", "bar": 1}\n' * 2, ("it has foo, bar", "data.fields.text")),
    "empty objects": ("{}\n{}\n", ("it has nothing",)),
    "an empty list": ("[]", ("contains no items",)),
    "an empty object": ("{}", ("it has nothing",)),
    "a list that is cut": ('[{"text": "a"}, {"text": "b"', ("line 1", "not JSON")),
    "a list that is not closed": ('[\n{"text": "a"},\n{"text": "b"}\n', ("line 4", "the file ends")),
    "a list that goes on": ('[\n{"text": "a"}\n]\n{"text": "b"}', ("line 4", "goes on")),
    "a fault in a list": ('[\n{"text": "a"},\n{"text" "b"}\n]', ("line 3", "not JSON")),
    "numbers in a list": ("[1, 2]", ("line 1", "a number, not an object")),
    "a control character": ('[\n{"text": "a"},\n{"text": "b\x01"}\n]', ("line 3", "control character")),
    "a deep list": (DEEP, ("line 1", "nested too deeply")),
    "a deep open list": ("[" * 100_000, ("line 1", "nested too deeply")),
    "columns": (json.dumps({"question": ["a", "b"], "answer": ["c", "d"]}), ("an object of columns",)),
    "several splits": (json.dumps({"easy": [{"text": "a"}], "hard": [{"text": "b"}]}), ("easy (1), hard (1)",)),
    "two texts": ('{"question": "a", "prompt": "b"}\n' * 2, ("question, prompt could all hold the text",)),
    "numbers": ('{"text": 1}\n{"text": 2}\n', ("field text is a number", "no text")),
    "lists as texts": ('{"text": ["a"]}\n{"text": ["b"]}\n', ("field text is a list", "no text")),
    "invisible texts": ('{"text": "\u200b"}\n{"text": "\u00ad"}\n', ("2 of 2 records", "without text")),
    "a name twice among many": (
        "{" + "".join(f'"k{number}": 1, ' for number in range(20_000)) + '"text": "a", "text": "b"}\n',
        ("line 1", "the field text twice"),
    ),
    "blank texts": ('{"text": " "}\n{"text": null}\n{"text": "a"}\n', ("2 of 3 records", "without text", "line 1")),
    "a NaN answer": ('{"text": "a", "answer": NaN}\n{"text": "b", "answer": NaN}\n', ("line 1", "no number")),
}
JSON_READ: Mapping[str, tuple[str, Sequence[str]]] = {
    "one record": (GOOD, ("a",)),
    "no line end": (GOOD.strip(), ("a",)),
    "a pretty record": ('{\n  "text": "a"\n}\n', ("a",)),
    "marks between": ("\ufeff" + GOOD + '\ufeff{"text": "b"}\n', ("a", "b")),
    "a separator in the text": ('{"text": "a\u2028b\u0085c"}\n' + GOOD, ("a\u2028b\u0085c", "a")),
    "big numbers": ('{"text": "a", "answer": ' + "9" * 5000 + ', "x": 1e999}\n' + GOOD.replace("a", "b"), None),  # type: ignore[dict-item]
    "a NaN that nobody reads": ('{"text": "a", "x": NaN}\n', ("a",)),
    "escapes": ('{"text": "\\u00e9 \\ud83d\\ude42"}\n', ("é 🙂",)),
    "line ends in the text": ('{"text": " a\\r\\nb\\rc "}\n', ("a\nb\nc",)),
    "copies": (GOOD + '{"text": "A "}\n{"text": "b"}\n', ("a", "b")),
    "some blank texts": (GOOD + '{"text": ""}\n{"text": "b"}\n{"text": null}\n{"text": "c"}\n', ("a", "b", "c")),
    "mixed answers": ('{"text": "a", "answer": 1}\n{"text": "b", "answer": "x"}\n{"text": "c"}\n', ("a", "b", "c")),
    "strings in a list": ('["a", "b"]', ("a", "b")),
    "strings in a split": ('{"train": ["a", "b"], "test": ["c"]}', ("a", "b")),
    "a document with one list": ('{"version": 1, "rows": [{"text": "a"}, {"text": "b"}]}', ("a", "b")),
    "blank lines": ("\n\n" + GOOD + "  \n\n", ("a",)),
    "spaces before": ("   " + GOOD, ("a",)),
    "another case": ('{"Question": "a", "Answer": "b"}\n', ("a",)),
    "a field of odd names": ('{"\\ud83d": 1, "": 2, "text": "a"}\n', ("a",)),
    "a list of one line each": ('[{"text": "a"},\n{"text": "b"}]\n', ("a", "b")),
}


def json_files() -> Iterator[OddFile]:
    for text, words in JSON_FAULTS.values():
        yield OddFile("seeds.json", text.encode(), words=words)
    for text, texts in JSON_READ.values():
        yield OddFile("seeds.jsonl", text.encode(), texts or ("a", "b"))
    long = json.dumps({"text": "x" * (1 << 24)})
    yield OddFile("long.jsonl", (GOOD + long).encode(), words=("line 2", "more than 16,777,216 characters"))
    yield OddFile("long.json", f"[{GOOD},{long}]".encode(), words=("line 2", "more than 16,777,216 characters"))
    wide = [{"text": name, "x": "y" * 100_000} for name in PLAIN]
    yield OddFile("wide.jsonl", lines(wide).encode(), PLAIN)
    yield OddFile("wide.json", json.dumps(wide).encode(), PLAIN)
    yield OddFile("named.json", layouts(PLAIN)["document.json"].encode(), ("hidden",), data={"split": "test"})
    yield OddFile("none.json", layouts(PLAIN)["document.json"].encode(), words=("no split 'x'",), data={"split": "x"})
    yield OddFile("lines.jsonl", GOOD.encode() * 2, words=("has no splits",), data={"split": "dev"})


CSV_FILES: Mapping[str, tuple[str, Sequence[str] | None, Sequence[str]]] = {
    "quotes and line ends": ('id,question\n1,"a, ""b""\nc"\n2,d\n', ('a, "b"\nc', "d"), ()),
    "ragged": ("question,answer\na,1\nb\n", None, ("line 3", "1 values for 2 columns")),
    "ragged after a long row": ('question,answer\n"a\nb",1\nc,2,3\n', None, ("line 4", "3 values for 2 columns")),
    "unquoted comma": ("question,answer\na, b,1\n", None, ("line 2", "3 values for 2 columns")),
    "no header": ("1+1,2\n2+2,4\n", None, ("it has 1+1, 2",)),
    "no header, one column": ("1+1\n2+2\n", None, ("it has 1+1",)),
    "only a header": ("question,answer\n", None, ("contains no items",)),
    "an open quote": ('question\n"a\nb\n', None, ("line 2", "not CSV")),
    "text after a quote": ('question\n"a"b\n', None, ("line 2", "not CSV")),
    "a name twice": ("question,question\na,b\n", None, ("line 1", "two columns have the name question")),
    "an index": (",question\n0,a\n1,b\n", ("a", "b"), ()),
    "one column": ("text\na\n\nb\n", ("a", "b"), ()),
    "bars": ("id|text\n1|a\n", ("a",), ()),
    "spaces in names": (" question , answer\na,1\n", ("a",), ()),
    "a quoted name with commas": ('"question","note, long; x"\na,1\n', ("a",), ()),
    "empty values": ("question,answer\na,\n,x\nb,2\nc,3\n", ("a", "b", "c"), ()),
    "a quote within": ('question\nsay "a" now\n', ('say "a" now',), ()),
    "zero bytes": ("question\na\0b\nc\nd\n" + "x\n" * 2000, None, ("binary data",)),
    "a late zero byte": (
        "question\n" + "".join(f"q {n}\n" for n in range(900)) + "a\0b\n",
        None,
        ("line 902", "zero byte"),
    ),
    "a very long value": ("question\n" + "x" * 200_000 + "\n", ("x" * 200_000,), ()),
    "a line for Excel": ('sep=;\nid;question\n1;"a, b"\n', ("a, b",), ()),
    "blank lines first": ("\n\nquestion\na\n", ("a",), ()),
}


def csv_files() -> Iterator[OddFile]:
    for text, texts, words in CSV_FILES.values():
        yield OddFile("table.csv", text.encode(), texts, words)


def parquet(columns: Mapping[str, Any] | pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(dict(columns)), sink, **options)
    return bytes(sink.getvalue())


def parquet_files() -> Iterator[OddFile]:
    text = pa.array(PLAIN)
    for column in (text, text.cast(pa.large_string()), text.dictionary_encode(), text.cast(pa.string_view())):
        yield OddFile("table.parquet", parquet({"question": column, "answer": [1, 2, 3]}), PLAIN)
    others = {
        "float": [0.5, None, 2.0],
        "bytes": [b"\xff"] * 3,
        "when": pa.array([1, 2, 3], pa.timestamp("ns")),
        "null": [None] * 3,
    }
    yield OddFile("table.parquet", parquet({"text": text, **others}), PLAIN)
    for compression in ("snappy", "gzip", "zstd", "brotli"):
        yield OddFile("table.bin", parquet({"text": text}, compression=compression, row_group_size=1), PLAIN)
    twice = pa.Table.from_arrays([text, text], names=["text", "text"])
    yield OddFile("table.parquet", parquet(twice), words=("two columns have the name text",))
    yield OddFile("table.parquet", parquet({"text": [b"a"] * 3}), words=("field text is", "no text"))
    nested = {"meta": [{"question": {"en": one}} for one in PLAIN]}
    yield OddFile("n.parquet", parquet(nested), PLAIN, data={"fields": {"text": "meta.question.en"}})
    yield OddFile("n.parquet", parquet(nested), words=("data.fields.text",))
    chat = [[{"role": "user", "content": one}, {"role": "assistant", "content": "x"}] for one in PLAIN]
    yield OddFile("c.parquet", parquet({"messages": chat}), PLAIN)
    options = pa.array([["x", "y"]] * 3, pa.large_list(pa.large_string()))
    yield OddFile("o.parquet", parquet({"question": text, "choices": options, "answer": [0, 1, 0]}), PLAIN)
    yield OddFile("i.parquet", parquet({"text": [1, 2]}), words=("field text is a number",))
    yield OddFile(
        "i.parquet", parquet({"text": [1, 2]}), words=("row 1", "is a number"), data={"fields": {"text": "text"}}
    )
    yield OddFile("b.parquet", parquet({"text": [b"a"]}), words=("is binary data",), data={"fields": {"text": "text"}})
    yield OddFile("e.parquet", parquet({"text": pa.array([], pa.string())}), words=("contains no items",))
    yield OddFile("b.parquet", parquet({"text": pa.array(["a", None, None])}), words=("2 of 3 records", "row 2"))
    whole = parquet({"text": [f"{n} apples" for n in range(500)]}, compression="none")
    for cut in (8, 100, len(whole) // 2, len(whole) - 5):
        yield OddFile("cut.parquet", whole[:cut], words=("Parquet data is damaged",))
    yield OddFile("bad.parquet", whole.replace(b"3 apples", b"3 \xff\xfeples"), words=("Parquet data is damaged",))


def mapped_files() -> Iterator[OddFile]:
    """Records with fields of many names and shapes."""
    yield from named_files()
    yield from reference_files()
    yield from chat_files()


def named_files() -> Iterator[OddFile]:
    """Records whose text is in a field of a usual name, or at a path of the spec."""
    alpaca = [
        {"instruction": "Add.", "input": "1, 2", "output": "3"},
        {"instruction": "Sing.", "input": "", "output": "la"},
    ]
    yield OddFile("alpaca.json", json.dumps(alpaca).encode(), ("Add.\n\n1, 2", "Sing."))
    full = [{**one, "text": "Below is an instruction."} for one in alpaca]
    yield OddFile("alpaca.jsonl", lines(full).encode(), ("Add.\n\n1, 2", "Sing."))
    yield OddFile(
        "squad.json", nested({"context": "Sky is blue.", "question": "What is?"}), ("Sky is blue.\n\nWhat is?",)
    )
    yield OddFile("lance.json", json.dumps([{"prompt": "a", "response": "b"}]).encode(), ("a",))
    yield OddFile("math.jsonl", nested({"problem": "a", "solution": "long", "answer": "b"}), ("a",))
    for name in ("question", "prompt", "text", "problem", "query", "instruction", "input", "inputs", "task", "PROMPT"):
        yield OddFile("named.jsonl", nested({name: "a", "id": 3}), ("a",))
    paths = {
        "meta.q": {"meta": {"q": "a"}},
        "qs.0": {"qs": ["a"]},
        "/a.b/0": {"a.b": ["a"]},
        "a.b": {"a.b": "a"},
        "/x~1y": {"x/y": "a"},
    }
    for path, record in paths.items():
        yield OddFile("deep.jsonl", nested(record), ("a",), data={"fields": {"text": path}})
    yield OddFile("d.jsonl", nested({"q": "a"}), words=("no field 'p' (it has q)",), data={"fields": {"text": "p"}})


def reference_files() -> Iterator[OddFile]:
    """Records with references and choices of many shapes."""
    fields = {"text": "q", "reference": "answers.0"}
    yield OddFile("d.jsonl", nested({"q": "a", "answers": ["b"]}), ("a",), data={"fields": fields})
    yield OddFile(
        "d.jsonl", nested({"q": "a", "answers": []}), words=("no field 'answers.0'",), data={"fields": fields}
    )
    fields = {"text": "q", "reference": "x"}
    yield OddFile(
        "d.jsonl", nested({"q": "a", "x": {}}), words=("line 1", "field 'x' is an object"), data={"fields": fields}
    )
    four = [{"question": "a", "choices": ["x", "y"], "answer": answer} for answer in ("x", "B", 1, None)]
    for record in four:
        yield OddFile("choices.jsonl", nested(record), ("a",))
    for answer in ("z", 2, "C", "-1"):
        yield OddFile("choices.jsonl", nested({**four[0], "answer": answer}), words=("line 1", "none of the 2 choices"))
    arc = {"question": "a", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}
    yield OddFile("arc.jsonl", nested(arc), ("a",))
    ultra = {"prompt": "b", "messages": [{"role": "user", "content": "a"}]}
    yield OddFile("two.jsonl", nested(ultra), words=("prompt, messages could all hold",))
    fields = {"text": "q", "choices": "c"}
    for bad in ("x", 3, {"long": 1}, [["x"]], [{}]):
        yield OddFile(
            "c.jsonl", nested({"q": "a", "c": bad}), words=("line 1", "field 'c' is"), data={"fields": fields}
        )
    yield OddFile(
        "few.jsonl",
        lines([{"text": f"q {n}"} for n in range(9)]).encode(),
        None,
        ("no field 'x'",),
        {"fields": {"text": "x"}},
    )


def chat_files() -> Iterator[OddFile]:
    """Records with chat messages."""
    user, reply = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
    system = {"role": "system", "content": "s"}
    for chat in ([user], [user, reply], [system, user, reply, user], [user, user]):
        yield OddFile("chat.jsonl", nested({"messages": chat}), ("a",))
    yield OddFile(
        "parts.jsonl", nested({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}), ("a",)
    )
    yield OddFile(
        "gpt.json",
        json.dumps([{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}]).encode(),
        ("a",),
    )
    yield OddFile("mute.jsonl", nested({"messages": [system, reply]}), words=("without text",))
    yield OddFile("odd.jsonl", nested({"messages": ["a", "b"]}), words=("data.fields.text",))
    yield OddFile("odd.jsonl", nested({"messages": [{"role": "user"}]}), words=("without text",))

"""The data set of a run: the fresh items of the best generator with each taker's answer and score, and a card.

An item that several final seeds produced is kept once, in its first spelling. The score of an unscored answer is null,
never 0.
"""

import json
from collections.abc import Iterator

from swarm_core.answer_check import TAKERS_DISAGREE, WRONG_ANSWER, AnswerCheck
from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.objectives.scores import Unscored
from swarm_core.objectives.verdict import WORDS
from swarm_core.ports import Judge
from swarm_core.rollout import AnsweredItem, TakerAnswer
from swarm_trainer.report import front_report
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.report.usage_report import Json

CARD_HEADER = """---
configs:
- config_name: default
  data_files: data.jsonl
tags: [synthetic, dataswarm]
---
"""
"""The metadata that the Hugging Face Hub reads from a data set card."""


def format_records(result: SearchResult, judge: Judge) -> str:
    """Return the data set as JSON Lines: one item per line. Raises ValueError if a score is not finite."""
    records = build_records(result, judge)
    return "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)


def build_records(result: SearchResult, judge: Judge) -> Iterator[dict[str, Json]]:
    """Yield one record for each distinct item, in order of generation."""
    seen: set[str] = set()
    for seed, rollout in enumerate(result.best.rollouts):
        for item in rollout.items:
            form = canonicalize_item(item.item, judge)
            if form not in seen:
                seen.add(form)
                yield build_record(item, rollout.takers, seed)


def build_record(item: AnsweredItem, takers: tuple[str, ...], seed: int) -> dict[str, Json]:
    """Return the record of an item. `seed`: the number of the final seed that produced it."""
    return {**item_to_json(item.item), "seed": seed, "answers": build_answers(item, takers)}


def build_answers(item: AnsweredItem, takers: tuple[str, ...]) -> dict[str, Json]:
    """Return the answer of each taker to an item, by the taker's name."""
    return {taker: build_answer(answer) for taker, answer in zip(takers, item.answers, strict=True)}


def item_to_json(item: Item) -> dict[str, Json]:
    """Return the item for users of the data set: its text, and reference and choices if it has them."""
    found: dict[str, Json] = {"text": item.text}
    if item.reference is not None:
        found["reference"] = item.reference
    if item.choices:
        found["choices"] = list(item.choices)
    return found


def build_answer(answer: TakerAnswer) -> dict[str, Json]:
    """Return an answer with its score, or with the reason why it has none."""
    if isinstance(answer.score, Unscored):
        return {"text": answer.text, "score": None, "unscored": str(answer.score.reason)}
    ruled = {} if answer.ruled is None else {"ruled": str(answer.ruled)}
    return {"text": answer.text, "score": answer.score, **ruled}


def format_terms(result: SearchResult) -> str:
    """Return a table of the values that a weighted sum adds, and a blank line; empty without terms."""
    if not result.terms:
        return ""
    rows = "".join(
        f"| {term.name} | {term.weight:g} | {term.best.value:.3f} | {term.initial.value:.3f} | {term.gain.value:+.3f}"
        f" | {term.gain.low:+.3f} to {term.gain.high:+.3f} |\n"
        for term in result.terms
    )
    columns = "| value | weight | this generator | best initial generator | difference | 95 % interval |"
    return f"{columns}\n|{'---|' * 6}\n{rows}\n"


def format_answer_check(result: SearchResult, check: AnswerCheck | None) -> str:
    """Return the paragraph that says how references were checked, and a blank line; empty if there are none.

    `check`: the check of the run; None if its generators write questions alone.
    """
    rollouts = result.best.rollouts
    items = [one.item for rollout in rollouts for one in rollout.items]
    if check is None or not items:
        return ""
    takers = len(rollouts[0].takers)
    if not check.checks:
        return "`reference` is the answer that the generator wrote. Nobody checked it.\n\n"
    failed = sum(rollout.rejected()[name] for rollout in rollouts for name in (WRONG_ANSWER, TAKERS_DISAGREE))
    passed = len(items)
    limit = ""
    if check.asks_takers(items[0]):
        limit = f" So no item is harder than {check.count_needed(takers)} right answers of {takers}."
    return (
        f"`reference` is the answer that the generator wrote. It was checked before the item counted:"
        f" {check.describe(items, takers)}. Of {passed + failed} answers, {passed} passed"
        f" ({100 * passed / (passed + failed):.1f} %).{limit}\n\n"
    )


def format_card(result: SearchResult, judge: Judge, name: str, domain: str, check: AnswerCheck | None = None) -> str:
    """Return the data set card: Markdown with the metadata of the Hugging Face Hub. `check`: of writers' answers."""
    best, initial, gain = result.best, result.initial, result.gain
    count = sum(1 for _ in build_records(result, judge))
    takers = "\n".join(f"| {taker} | {value:.3f} |" for taker, value in best.fresh.parts if taker.startswith("taker "))
    initial_interval = f"{initial.fresh.low:.3f} to {initial.fresh.high:.3f}"
    comparison = f"""| | {result.objective.lower()} on fresh items | 95 % interval |
|---|---|---|
| this generator (`{best.name}`) | {best.fresh.value:.3f} | {best.fresh.low:.3f} to {best.fresh.high:.3f} |
| best initial generator (`{initial.name}`) | {initial.fresh.value:.3f} | {initial_interval} |
| difference ({WORDS[gain.verdict]}) | {gain.value:+.3f} | {gain.low:+.3f} to {gain.high:+.3f} |

"""
    generator = "the best generator"
    for point in [] if result.front is None else result.front.points:
        if point.generator is best:
            comparison = front_report.format_card_table(point)
            generator = f"one generator ({front_report.describe_roles(point)}) of the front"
    return f"""{CARD_HEADER}# {name}

{count} items about {domain}, generated by {generator} of a swarm search for the objective
**{result.objective}**. Each item has the answers and scores of {len(best.rollouts[0].takers)} test takers.

{comparison}{format_terms(result)}| test taker | mean score |
|---|---|
{takers}

{format_answer_check(result, check)}\
The items passed the gates (parsed, verifiable, not repeated, not in the held-out seed data). A model generated them, so
check items that no verifier checked before you use them.
"""

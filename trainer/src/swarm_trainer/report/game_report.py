"""What a finished game leaves as files: result, history, summary, picture, and the hard items with their answers."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from swarm_core.commit import Commit
from swarm_core.item_pool import Pool
from swarm_trainer.report import dataset, game_figure, history, result
from swarm_trainer.report.game_result import Comparison, GameResult
from swarm_trainer.report.result import Provenance
from swarm_trainer.report.summary import format_passed_over
from swarm_trainer.report.usage_report import Json


@dataclass(frozen=True, slots=True)
class GameRecord:
    """What the game was about."""

    domain: str
    origin: Provenance
    commits: tuple[Commit, ...]
    pool: Pool
    """The last one."""


def write(folder: Path, about: GameRecord, duel: GameResult) -> None:
    """Write every file but the adapters."""
    domain, name = about.domain, f"{about.domain}: generators against takers"
    files = {
        "result.json": serialize_result(duel, about),
        "history.jsonl": history.serialize(about.commits),
        "summary.txt": format_summary(duel, name),
        "dataset/data.jsonl": "".join(serialize_items(about.pool)),
        "dataset/README.md": format_card(duel, about.pool, domain),
    }
    (folder / "dataset").mkdir()
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    game_figure.draw(duel, name, folder / "search.png")


def serialize_result(duel: GameResult, about: GameRecord) -> str:
    """`result.json`: the generators' verdict as of a SwarmRun, and the takers'. `digest` covers every other field."""
    content: dict[str, Json] = {
        **result.search_result_to_json(duel.generators, about.origin),
        "takers": {truth.source: comparison_to_json(truth) for truth in duel.comparisons},
        "rounds": [asdict(one) for one in duel.rounds],
        "matrix": [list(row) for row in duel.matrix],
        "elo": {"generators": list(duel.ratings[0]), "takers": list(duel.ratings[1])},
        "finding": duel.finding,
    }
    return result.serialize_with_digest(content)


def comparison_to_json(truth: Comparison) -> dict[str, Json]:
    gain = truth.gain
    return {
        "items": truth.items,
        "baseline": truth.baseline,
        "initial": truth.initial,
        "final": truth.final,
        "gain": {"value": gain.value, "low": gain.low, "high": gain.high},
    }


def format_summary(duel: GameResult, name: str) -> str:
    """Plain text, under 80 columns: did it work, how sure is that, and what got harder."""
    parts = [
        format_headline(duel, name),
        format_rounds(duel),
        format_matrix(duel),
        format_examples(duel),
        format_counts(duel),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def format_headline(duel: GameResult, name: str) -> Iterator[str]:
    yield name
    yield duel.finding
    gain = duel.generators.gain
    if gain.low > 0:
        yield "The last generators are harder for the initial takers than the initial ones."
    else:
        yield "No generator is shown to be harder for the initial takers than the initial ones."
    yield ""
    yield f"{'at the end against the start':<33}{'initial':>8}{'final':>8}{'gain':>8}   95 % interval"
    for truth in duel.comparisons:
        who = {"real": "real items", "rivals": "rivals' items", "game": "the game's items"}[truth.source]
        yield format_gain_row(
            f"takers on {who} ({truth.items})", truth.initial, truth.final, truth.gain.low, truth.gain.high
        )
    best, initial = duel.generators.best.fresh.value, duel.generators.initial.fresh.value
    yield format_gain_row("generators, difficulty", initial, best, gain.low, gain.high)
    yield from format_passed_over(duel.generators)


def format_gain_row(what: str, initial: float, final: float, low: float, high: float) -> str:
    return f"{what:<33}{initial:>8.3f}{final:>8.3f}{final - initial:>+8.3f}   {low:+.3f} to {high:+.3f}"


def format_rounds(duel: GameResult) -> Iterator[str]:
    yield "round  difficulty  takers: before  after  held out: real  rivals   Elo: gen.  takers"
    for index, one in enumerate(duel.rounds):
        ratings = [f"{side[index]:+.0f}" if index < len(side) else "-" for side in duel.ratings]
        yield (
            f"{one.number:>5}  {format_score(one.difficulty):>10}  {format_score(one.before):>14} "
            f" {format_score(one.after):>5}"
            f"  {format_score(one.real):>14}  {format_score(one.rivals):>6}   {ratings[0]:>9}  {ratings[1]:>6}"
        )


def format_score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def format_matrix(duel: GameResult) -> Iterator[str]:
    yield "what generators (rows, by round) win against takers (columns, by round), in %"
    for number, row in enumerate(duel.matrix):
        yield f"{number:>5}  " + " ".join(f"{100 * value:>3.0f}" for value in row)


def format_examples(duel: GameResult) -> Iterator[str]:
    yield "what the best generator writes, by round"
    for number, items in enumerate(duel.examples):
        joined = "   ".join(" ".join(item.split()) for item in items)
        yield f"{number:>5}  {joined if len(joined) <= 70 else joined[:69] + '…'}"


def format_counts(duel: GameResult) -> Iterator[str]:
    counts, last = duel.generators.counts, [one for one in duel.rounds if one.after is not None][-1]
    rejected = ", ".join(f"{count} {gate}" for gate, count in counts.rejected.items()) or "none"
    yield f"game ended: {duel.generators.stop}"
    yield f"last pool: {last.seeds} seed items left; {last.archive} hard items in the archive"
    yield f"items asked of generators {counts.asked:,}, accepted {counts.items:,}; rejected: {rejected}"


def serialize_items(pool: Pool) -> Iterable[str]:
    """The data set: what generators wrote and takers met, archived items included, each once."""
    written = {entry.text: entry for entry in (*pool.archive, *pool.entries) if entry.round >= 0}
    archived = {entry.text for entry in pool.archive}
    for entry in written.values():
        fields = {
            **dataset.item_to_json(entry.item),
            "round": entry.round,
            "model": entry.model,
            "answer": entry.answer,
            "missed": entry.text in archived,
        }
        yield json.dumps(fields, ensure_ascii=False, allow_nan=False) + "\n"


def format_card(duel: GameResult, pool: Pool, domain: str) -> str:
    """The card, in Markdown with the hub's header."""
    return f"""{dataset.CARD_HEADER}# {domain}: hard items of a game

{sum(1 for _ in serialize_items(pool))} items about {domain}, written by generators that sought what takers fail on.
`answer` is the verified answer, `round` when the item was written, `missed` whether the best taker of a round got it
wrong. No item stands in the held-out data.

{duel.finding}
"""

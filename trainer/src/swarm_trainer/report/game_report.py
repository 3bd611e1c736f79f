"""The output files of a finished game: result, history, summary, figure, and the hard items with their answers."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from swarm_core.commit import Commit
from swarm_core.item_pool import Pool
from swarm_core.objectives.verdict import Verdict
from swarm_core.ports import ArtifactStore
from swarm_trainer.report import dataset, game_figure, history, result, summary
from swarm_trainer.report.game_result import Comparison, GameResult
from swarm_trainer.report.result import Provenance
from swarm_trainer.report.summary import format_passed_over
from swarm_trainer.report.usage_report import Json


@dataclass(frozen=True, slots=True)
class GameRecord:
    """The domain, the origin and the commits of a game."""

    domain: str
    origin: Provenance
    commits: tuple[Commit, ...]
    pool: Pool
    """The last item pool."""


def write(folder: Path, record: GameRecord, game: GameResult, store: ArtifactStore) -> None:
    """Write all files except the adapters to `folder`. `store` has the rollouts. Raises OSError, StoreError."""
    domain, name = record.domain, f"{record.domain}: generators against takers"
    files = {
        "result.json": serialize_result(game, record),
        "history.jsonl": history.format_history(record.commits, store),
        "summary.txt": format_summary(game, name),
        "dataset/data.jsonl": "".join(serialize_items(record.pool)),
        "dataset/README.md": format_card(game, record.pool, domain),
    }
    (folder / "dataset").mkdir()
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    game_figure.draw(game, name, folder / "search.png")


def serialize_result(game: GameResult, record: GameRecord) -> str:
    """Return `result.json`: the generators' result as in a SwarmRun, and the takers'. `digest` covers all of it."""
    content: dict[str, Json] = {
        **result.search_result_to_json(game.generators, record.origin),
        "takers": {comparison.source: comparison_to_json(comparison) for comparison in game.comparisons},
        "rounds": [asdict(one) for one in game.rounds],
        "matrix": [list(row) for row in game.matrix],
        "elo": {"generators": list(game.ratings[0]), "takers": list(game.ratings[1])},
        "finding": game.finding,
    }
    return result.serialize_with_digest(content)


def comparison_to_json(comparison: Comparison) -> dict[str, Json]:
    """Return the comparison as `result.json` holds it. Its verdict is null if takers were selected by these items."""
    verdict = comparison.verdict
    return {
        "items": comparison.items,
        "baseline": comparison.baseline,
        "initial": comparison.initial,
        "final": comparison.final,
        "gain": {**result.gain_to_json(comparison.gain), "verdict": verdict and str(verdict)},
        "selected": comparison.selected,
    }


def format_summary(game: GameResult, name: str) -> str:
    """Return the summary as plain text, under 80 columns: the gains, their intervals, and items of each round."""
    parts = [
        format_headline(game, name),
        format_rounds(game),
        format_matrix(game),
        format_examples(game),
        format_counts(game),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


GENERATORS_FINDING: Mapping[Verdict, str] = {
    Verdict.GAIN: "The last generators are harder for the initial takers than the initial generators.",
    Verdict.LOSS: "The last generators are easier for the initial takers than the initial generators.",
    Verdict.NOT_RESOLVED: "Whether the last generators are harder for the initial takers is not resolved.",
}


def format_headline(game: GameResult, name: str) -> Iterator[str]:
    """Yield the finding and the table of gains."""
    yield name
    yield game.finding
    gain = game.generators.gain
    yield GENERATORS_FINDING[gain.verdict]
    yield ""
    yield f"{'at the end against the start':<33}{'initial':>8}{'final':>8}{'gain':>8}   95 % interval"
    for comparison in game.comparisons:
        items = {"real": "real items", "rivals": "rivals' items", "game": "the game's items"}[comparison.source]
        label, change = f"takers on {items} ({comparison.items})", comparison.gain
        yield format_gain_row(label, comparison.initial, comparison.final, change.low, change.high)
    best, initial = game.generators.best.fresh.value, game.generators.initial.fresh.value
    yield format_gain_row("generators, difficulty", initial, best, gain.low, gain.high)
    if any(comparison.selected for comparison in game.comparisons):
        yield "The takers were selected by their answers to the game's items. So a gain on"
        yield "them is too large, and its interval is no verdict."
    yield from format_passed_over(game.generators)


def format_gain_row(label: str, initial: float, final: float, low: float, high: float) -> str:
    """Format one row of the table of gains."""
    return f"{label:<33}{initial:>8.3f}{final:>8.3f}{final - initial:>+8.3f}   {low:+.3f} to {high:+.3f}"


def format_rounds(game: GameResult) -> Iterator[str]:
    """Yield the table of rounds."""
    yield "round  difficulty  takers: before  after  held out: real  rivals   Elo: gen.  takers"
    for index, one in enumerate(game.rounds):
        ratings = [f"{side[index]:+.0f}" if index < len(side) else "-" for side in game.ratings]
        yield (
            f"{one.number:>5}  {format_score(one.difficulty):>10}  {format_score(one.before):>14} "
            f" {format_score(one.after):>5}"
            f"  {format_score(one.real):>14}  {format_score(one.rivals):>6}   {ratings[0]:>9}  {ratings[1]:>6}"
        )


def format_score(value: float | None) -> str:
    """Format a score with three decimals, and a missing one as a dash."""
    return "-" if value is None else f"{value:.3f}"


def format_matrix(game: GameResult) -> Iterator[str]:
    """Yield the win rates of the generators against the takers, in percent."""
    yield "wins of generators (rows, by round) against takers (columns, by round), in %"
    for number, row in enumerate(game.matrix):
        yield f"{number:>5}  " + " ".join(f"{100 * value:>3.0f}" for value in row)


def format_examples(game: GameResult) -> Iterator[str]:
    """Yield sample items of each round's best generator."""
    yield "items of the best generator, by round"
    for number, items in enumerate(game.examples):
        joined = "   ".join(" ".join(item.split()) for item in items)
        yield f"{number:>5}  {joined if len(joined) <= 70 else joined[:69] + '…'}"


def format_counts(game: GameResult) -> Iterator[str]:
    """Yield why the game ended, the state of the last pool and the counts of items."""
    counts, last = game.generators.counts, [one for one in game.rounds if one.after is not None][-1]
    rejected = ", ".join(f"{count} {gate}" for gate, count in counts.rejected.items()) or "none"
    yield f"game ended: {game.generators.stop}"
    yield f"last pool: {last.seeds} seed items left; {last.archive} hard items in the archive"
    yield f"items requested {counts.asked:,}, accepted {counts.items:,}; rejected: {rejected}"
    yield from summary.format_answers(counts)


def serialize_items(pool: Pool) -> Iterable[str]:
    """Yield the data set as JSON lines: each generated item of the last pool and its archive, once."""
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


def format_card(game: GameResult, pool: Pool, domain: str) -> str:
    """Return the data set card: Markdown with the metadata of the Hugging Face Hub."""
    return f"""{dataset.CARD_HEADER}# {domain}: hard items of a game

{sum(1 for _ in serialize_items(pool))} items about {domain}. Their generators searched for items that takers get wrong.
`answer` is the verified answer, `round` is the round in which the item was generated, and `missed` says whether the
best taker of a round got it wrong. No item is in the held-out data.

{game.finding}
"""

"""What a finished game leaves as files: result, history, summary, picture, and the hard items with their answers."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from swarm_core.commit import Commit
from swarm_core.pool import Pool
from swarm_trainer.report import board, dataset, history, result
from swarm_trainer.report.account import Json
from swarm_trainer.report.duel import Duel, Truth
from swarm_trainer.report.result import Origin
from swarm_trainer.report.summary import passed


@dataclass(frozen=True, slots=True)
class Subject:
    """What the game was about."""

    domain: str
    origin: Origin
    commits: tuple[Commit, ...]
    pool: Pool
    """The last one."""


def write(folder: Path, about: Subject, duel: Duel) -> None:
    """Write every file but the adapters."""
    domain, name = about.domain, f"{about.domain}: generators against takers"
    files = {
        "result.json": outcome(duel, about),
        "history.jsonl": history.text(about.commits),
        "summary.txt": summary(duel, name),
        "dataset/data.jsonl": "".join(lines(about.pool)),
        "dataset/README.md": card(duel, about.pool, domain),
    }
    (folder / "dataset").mkdir()
    for path, text in files.items():
        (folder / path).write_text(text, encoding="utf-8")
    board.draw(duel, name, folder / "search.png")


def outcome(duel: Duel, about: Subject) -> str:
    """`result.json`: the generators' verdict as of a SwarmRun, and the takers'. `digest` covers every other field."""
    content: dict[str, Json] = {
        **result.fields(duel.generators, about.origin),
        "takers": {truth.source: told(truth) for truth in duel.truths},
        "rounds": [asdict(one) for one in duel.rounds],
        "matrix": [list(row) for row in duel.matrix],
        "elo": {"generators": list(duel.ratings[0]), "takers": list(duel.ratings[1])},
        "finding": duel.finding,
    }
    return result.sealed(content)


def told(truth: Truth) -> dict[str, Json]:
    gain = truth.gain
    return {
        "items": truth.items,
        "baseline": truth.baseline,
        "initial": truth.initial,
        "final": truth.final,
        "gain": {"value": gain.value, "low": gain.low, "high": gain.high},
    }


def summary(duel: Duel, name: str) -> str:
    """Plain text, under 80 columns: did it work, how sure is that, and what got harder."""
    parts = [opening(duel, name), table(duel), played(duel), harder(duel), accounts(duel)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def opening(duel: Duel, name: str) -> Iterator[str]:
    yield name
    yield duel.finding
    gain = duel.generators.gain
    if gain.low > 0:
        yield "The last generators are harder for the initial takers than the initial ones."
    else:
        yield "No generator is shown to be harder for the initial takers than the initial ones."
    yield ""
    yield f"{'at the end against the start':<33}{'initial':>8}{'final':>8}{'gain':>8}   95 % interval"
    for truth in duel.truths:
        who = {"real": "real items", "rivals": "rivals' items", "game": "the game's items"}[truth.source]
        yield line(f"takers on {who} ({truth.items})", truth.initial, truth.final, truth.gain.low, truth.gain.high)
    best, initial = duel.generators.best.fresh.value, duel.generators.initial.fresh.value
    yield line("generators, difficulty", initial, best, gain.low, gain.high)
    yield from passed(duel.generators)


def line(what: str, initial: float, final: float, low: float, high: float) -> str:
    return f"{what:<33}{initial:>8.3f}{final:>8.3f}{final - initial:>+8.3f}   {low:+.3f} to {high:+.3f}"


def table(duel: Duel) -> Iterator[str]:
    yield "round  difficulty  takers: before  after  held out: real  rivals   Elo: gen.  takers"
    for index, one in enumerate(duel.rounds):
        ratings = [f"{side[index]:+.0f}" if index < len(side) else "-" for side in duel.ratings]
        yield (
            f"{one.number:>5}  {shown(one.difficulty):>10}  {shown(one.before):>14}  {shown(one.after):>5}"
            f"  {shown(one.real):>14}  {shown(one.rivals):>6}   {ratings[0]:>9}  {ratings[1]:>6}"
        )


def shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def played(duel: Duel) -> Iterator[str]:
    yield "what generators (rows, by round) win against takers (columns, by round), in %"
    for number, row in enumerate(duel.matrix):
        yield f"{number:>5}  " + " ".join(f"{100 * value:>3.0f}" for value in row)


def harder(duel: Duel) -> Iterator[str]:
    yield "what the best generator writes, by round"
    for number, items in enumerate(duel.examples):
        joined = "   ".join(" ".join(item.split()) for item in items)
        yield f"{number:>5}  {joined if len(joined) <= 70 else joined[:69] + '…'}"


def accounts(duel: Duel) -> Iterator[str]:
    counts, last = duel.generators.counts, [one for one in duel.rounds if one.after is not None][-1]
    rejected = ", ".join(f"{count} {gate}" for gate, count in counts.rejected.items()) or "none"
    yield f"game ended: {duel.generators.stop}"
    yield f"last pool: {last.seeds} seed items left; {last.archive} hard items in the archive"
    yield f"items asked of generators {counts.asked:,}, accepted {counts.items:,}; rejected: {rejected}"


def lines(pool: Pool) -> Iterable[str]:
    """The data set: what generators wrote and takers met, archived items included, each once."""
    written = {entry.text: entry for entry in (*pool.archive, *pool.entries) if entry.round >= 0}
    archived = {entry.text for entry in pool.archive}
    for entry in written.values():
        fields = {**asdict(entry), "missed": entry.text in archived}
        yield json.dumps(fields, ensure_ascii=False, allow_nan=False) + "\n"


def card(duel: Duel, pool: Pool, domain: str) -> str:
    """The card, in Markdown with the hub's header."""
    return f"""{dataset.HEADER}# {domain}: hard items of a game

{sum(1 for _ in lines(pool))} items about {domain}, written by generators that sought what takers fail on. `answer` is
the verified answer, `round` when the item was written, `missed` whether the best taker of a round got it wrong. No item
stands in the held-out data.

{duel.finding}
"""

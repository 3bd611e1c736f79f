"""The decoding loop: a batch of prompts, token by token, until every row has ended.

Prompts are padded at the left, so that all rows write in the same column; padding is masked and positions count from
each row's own first token. Keys and values are kept; rows that have ended leave the batch when enough of them have.

Each row's result is a function of its prompt, adapter, temperature, seed and stops. Its numbers are too, up to
rounding: matrix products add in another order for another number of rows or columns, about 1e-6 in a float32 logit.
That changes a token only if two are as likely as that, or a draw falls that close to the edge between two: about one
token in a million in float32, more often in bfloat16. The same batch gives the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from swarm_core.ports import Request
from swarm_core.recipe import ModelName
from swarm_trainer.inference import sampling
from swarm_trainer.inference.batched_lora import BatchedLora
from swarm_trainer.inference.stop_strings import StopDetector
from swarm_trainer.lora.base import LoadedModel

COMPACTION_SHARE = 0.25
"""Ended rows leave once they are this share of the batch: leaving copies the cache of those that stay."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request as tokens."""

    ids: list[int]
    adapter: ModelName | None
    request: Request


@dataclass(slots=True)
class RowOutput:
    """What a row has written so far."""

    tokens: list[int] = field(default_factory=list)
    """Without an end token."""
    counted: int = 0
    """Tokens generated, the end token included."""
    ended: bool = False
    """At an end token or a stop."""
    broken: bool = False
    """The model gave no probabilities."""
    over: bool = False


@dataclass(slots=True)
class Batch:
    """The rows still written, and what the next forward pass needs."""

    rows: list[int]
    """Their places in the whole batch."""
    ids: Tensor
    """[rows, columns new to the cache]"""
    mask: Tensor
    """[rows, columns]: 0 is padding."""
    positions: Tensor
    """[rows, columns new to the cache]"""
    temperatures: Tensor
    """[rows]"""
    cache: DynamicCache


def generate(loaded: LoadedModel, bank: BatchedLora, stops: StopDetector, rows: Sequence[Row]) -> list[RowOutput]:
    """Complete every row, each with its own adapter, which `batched_lora` must hold."""
    written = [RowOutput() for _ in rows]
    seeds = sampling.wrap_seeds([row.request.seed for row in rows])
    with torch.inference_mode(), bank.apply_adapters([row.adapter for row in rows]):
        batch = _start_batch(loaded, rows)
        for step in range(max(row.request.max_tokens for row in rows)):
            logits = loaded.model(
                input_ids=batch.ids,
                attention_mask=batch.mask,
                position_ids=batch.positions,
                past_key_values=batch.cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            u = torch.from_numpy(sampling.uniforms(seeds[batch.rows], step))
            chosen = sampling.sample_tokens(logits, batch.temperatures, u.to(loaded.device))
            broken = torch.isnan(logits).any(-1).tolist()
            for place, token, lost in zip(batch.rows, chosen.tolist(), broken, strict=True):
                _append_token(written[place], token, lost, rows[place].request, loaded.end_tokens, stops)
            if all(written[place].over for place in batch.rows):
                break
            _advance(batch, chosen, loaded.model.config.max_position_embeddings)
            _drop_finished(batch, bank, written)
    return written


def _start_batch(loaded: LoadedModel, rows: Sequence[Row]) -> Batch:
    longest = max(len(row.ids) for row in rows)
    ids = torch.tensor([[0] * (longest - len(row.ids)) + row.ids for row in rows])
    mask = torch.tensor([[0] * (longest - len(row.ids)) + [1] * len(row.ids) for row in rows])
    return Batch(
        rows=list(range(len(rows))),
        ids=ids.to(loaded.device),
        mask=mask.to(loaded.device),
        positions=(mask.cumsum(1) - 1).clamp(min=0).to(loaded.device),
        temperatures=torch.tensor([row.request.temperature for row in rows], dtype=torch.float64).to(loaded.device),
        cache=DynamicCache(config=loaded.model.config),
    )


def _append_token(
    row: RowOutput, token: int, broken: bool, request: Request, ends: frozenset[int], stops: StopDetector
) -> None:
    """Add a token to a row, unless it is over."""
    if row.over:
        return
    row.counted += 1
    if broken:
        row.broken = True
    elif token in ends:
        row.ended = True
    else:
        row.tokens.append(token)
        row.ended = bool(request.stop) and stops.reached(row.tokens, request.stop)
    row.over = row.ended or row.broken or len(row.tokens) >= request.max_tokens


def _advance(batch: Batch, chosen: Tensor, limit: int) -> None:
    """Make the chosen tokens the next column. Rows that are over stop at the last position that the model knows."""
    batch.ids = chosen[:, None]
    batch.mask = torch.cat([batch.mask, torch.ones_like(batch.mask[:, :1])], 1)
    batch.positions = (batch.positions[:, -1:] + 1).clamp(max=limit - 1)


def _drop_finished(batch: Batch, bank: BatchedLora, written: Sequence[RowOutput]) -> None:
    """Let the rows that are over leave, if they are enough of them."""
    staying = [index for index, place in enumerate(batch.rows) if not written[place].over]
    if len(staying) > (1.0 - COMPACTION_SHARE) * len(batch.rows):
        return
    kept = torch.tensor(staying, device=batch.ids.device)
    batch.rows = [batch.rows[index] for index in staying]
    batch.ids, batch.mask, batch.positions = batch.ids[kept], batch.mask[kept], batch.positions[kept]
    batch.temperatures = batch.temperatures[kept]
    batch.cache.batch_select_indices(kept)
    bank.keep(kept)

"""The decoding loop: a batch of prompts, token by token, until every row has ended.

Prompts are padded on the left, so that all rows write in the same column. Padding is masked, and positions count from
each row's own first token. The loop keeps keys and values. Ended rows leave the batch when there are enough of them.

The result of a row depends only on its prompt, adapter, temperature, top_p, seed and stops. So do its numbers, up to
rounding: matrix products add in another order for another number of rows or columns, which changes a float32 logit by
about 1e-6. That changes a token only if two tokens are equally likely to within that, or a draw falls that close to the
edge between two. It happens for about one token in a million in float32, and more often in bfloat16. The same batch
gives the same bits.
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
"""Ended rows leave the batch once they are this share of it. Leaving copies the cache of the rows that stay."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request as tokens."""

    ids: list[int]
    adapter: ModelName | None
    request: Request


@dataclass(frozen=True, slots=True)
class TokenScore:
    """The natural log-probability of a generated token under the model, and the likeliest tokens in its place."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]
    """(token, log-probability) pairs, likeliest first."""


@dataclass(frozen=True, slots=True)
class RowStep:
    """The result of one forward pass for one row."""

    token: int
    broken: bool
    """The model's probabilities are NaN."""
    score: TokenScore | None


@dataclass(slots=True)
class RowOutput:
    """The output of one row so far."""

    tokens: list[int] = field(default_factory=list)
    """Without the end token."""
    token_count: int = 0
    """Tokens generated, with the end token."""
    ended: bool = False
    """The row ended at an end token or at a stop."""
    broken: bool = False
    """The model's probabilities are NaN."""
    done: bool = False
    scores: list[TokenScore] = field(default_factory=list)
    """One per generated token, with the end token, if the request asks for log-probabilities."""


@dataclass(slots=True)
class Batch:
    """The rows that still run, and the inputs of the next forward pass."""

    rows: list[int]
    """Their indices in the whole batch."""
    ids: Tensor
    """[rows, columns new to the cache]"""
    mask: Tensor
    """[rows, columns]: 0 is padding."""
    positions: Tensor
    """[rows, columns new to the cache]"""
    temperatures: Tensor
    """[rows]"""
    top_p: Tensor | None
    """[rows]. None if it is 1 for every row, which saves a sort of the vocabulary."""
    cache: DynamicCache


def generate(loaded: LoadedModel, adapters: BatchedLora, stops: StopDetector, rows: Sequence[Row]) -> list[RowOutput]:
    """Complete every row with its own adapter, which `adapters` must hold. Returns one output per row, in order.

    Raises torch.OutOfMemoryError if the batch does not fit.
    """
    outputs = [RowOutput() for _ in rows]
    seeds = sampling.wrap_seeds([row.request.seed for row in rows])
    with torch.inference_mode(), adapters.apply_adapters([row.adapter for row in rows]):
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
            chosen = sampling.sample_tokens(logits, batch.temperatures, u.to(loaded.device), batch.top_p)
            steps = _read_step(logits, chosen, [rows[index].request.logprobs for index in batch.rows])
            for index, row_step in zip(batch.rows, steps, strict=True):
                _append_token(outputs[index], row_step, rows[index].request, loaded.end_tokens, stops)
            if all(outputs[index].done for index in batch.rows):
                break
            _advance(batch, chosen, loaded.max_length)
            _drop_finished(batch, adapters, outputs)
    return outputs


def _start_batch(loaded: LoadedModel, rows: Sequence[Row]) -> Batch:
    longest = max(len(row.ids) for row in rows)
    top_p = [row.request.top_p for row in rows]
    ids = torch.tensor([[0] * (longest - len(row.ids)) + row.ids for row in rows])
    mask = torch.tensor([[0] * (longest - len(row.ids)) + [1] * len(row.ids) for row in rows])
    return Batch(
        rows=list(range(len(rows))),
        ids=ids.to(loaded.device),
        mask=mask.to(loaded.device),
        positions=(mask.cumsum(1) - 1).clamp(min=0).to(loaded.device),
        temperatures=torch.tensor([row.request.temperature for row in rows], dtype=torch.float64).to(loaded.device),
        top_p=torch.tensor(top_p, dtype=torch.float64).to(loaded.device) if min(top_p) < 1.0 else None,
        cache=DynamicCache(config=loaded.model.config),
    )


def _read_step(logits: Tensor, chosen: Tensor, wanted: Sequence[int | None]) -> list[RowStep]:
    """The result of a forward pass for each row, from `logits` [rows, vocabulary] and the `chosen` tokens [rows].

    `wanted` is `Request.logprobs` of each row.
    """
    broken = torch.isnan(logits).any(-1).tolist()
    scores = _score_tokens(logits, chosen, wanted)
    return [
        RowStep(token, lost, scores.get(index))
        for index, (token, lost) in enumerate(zip(chosen.tolist(), broken, strict=True))
    ]


def _score_tokens(logits: Tensor, chosen: Tensor, wanted: Sequence[int | None]) -> dict[int, TokenScore]:
    """The scores of the rows that ask for them, by row index."""
    counts = {index: count for index, count in enumerate(wanted) if count is not None}
    if not counts:
        return {}
    rows = torch.tensor(list(counts), device=logits.device)
    logprobs = torch.log_softmax(logits[rows].double(), -1)
    own = logprobs.gather(-1, chosen[rows][:, None])[:, 0].tolist()
    values, tokens = logprobs.topk(min(max(counts.values()), logprobs.shape[-1]))
    top = [list(zip(*pair, strict=True)) for pair in zip(tokens.tolist(), values.tolist(), strict=True)]
    return {
        index: TokenScore(token, logprob, tuple(pairs[:count]))
        for (index, count), token, logprob, pairs in zip(counts.items(), chosen[rows].tolist(), own, top, strict=True)
    }


def _append_token(row: RowOutput, step: RowStep, request: Request, ends: frozenset[int], stops: StopDetector) -> None:
    """Add a token to a row, unless the row is done."""
    if row.done:
        return
    row.token_count += 1
    if step.score is not None:
        row.scores.append(step.score)
    if step.broken:
        row.broken = True
    elif step.token in ends:
        row.ended = True
    else:
        row.tokens.append(step.token)
        row.ended = bool(request.stop) and stops.is_reached(row.tokens, request.stop)
    row.done = row.ended or row.broken or len(row.tokens) >= request.max_tokens


def _advance(batch: Batch, chosen: Tensor, limit: int | None) -> None:
    """Make the chosen tokens the next column. Rows that are done stay at the last position, if the model has one."""
    batch.ids = chosen[:, None]
    batch.mask = torch.cat([batch.mask, torch.ones_like(batch.mask[:, :1])], 1)
    batch.positions = (batch.positions[:, -1:] + 1).clamp(max=limit - 1 if limit else None, min=0)


def _drop_finished(batch: Batch, adapters: BatchedLora, outputs: Sequence[RowOutput]) -> None:
    """Drop the rows that are done, if they are a large enough share of the batch."""
    staying = [index for index, row in enumerate(batch.rows) if not outputs[row].done]
    if len(staying) > (1.0 - COMPACTION_SHARE) * len(batch.rows):
        return
    kept = torch.tensor(staying, device=batch.ids.device)
    batch.rows = [batch.rows[index] for index in staying]
    batch.ids, batch.mask, batch.positions = batch.ids[kept], batch.mask[kept], batch.positions[kept]
    batch.temperatures = batch.temperatures[kept]
    batch.top_p = None if batch.top_p is None else batch.top_p[kept]
    batch.cache.batch_select_indices(kept)
    adapters.select_rows(kept)

"""Inference in this process: transformers models, with all adapters of a base in one batch.

The tensors of a recipe are summed when it is first requested. They stay in memory while they are in use and as long as
there is room, and are never written to disk. Requests are sorted (by base, adapter and length), cut into batches, and
answered in the caller's order. The order and the batches depend only on the list of requests. So on a CPU, with a fixed
number of threads, the same list gives the same bits.

Limits: one process and one device; a batch waits for its longest row. Only causal language models with linear layers.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from swarm_core.errors import BadInputError
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, InferenceError, Request, RequestFailure, TokenLogprob
from swarm_core.recipe import Digest, ModelName, Recipe
from swarm_trainer.inference import choices, decoding, prompt_encoder
from swarm_trainer.inference.batched_lora import BatchedLora
from swarm_trainer.inference.decoding import Row, RowOutput, TokenScore
from swarm_trainer.inference.stop_strings import StopDetector, truncate_at_stop
from swarm_trainer.lora import adapter, base, combine
from swarm_trainer.lora.base import BaseModelConfig, LoadedModel


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Settings of the engine: device, precision and batch size."""

    device: str = "cpu"
    """A torch device, or `auto`: the accelerator if there is one, otherwise the CPU."""
    dtype: str = "float32"
    threads: int | None = None
    """CPU threads while completing. None leaves torch's number."""
    max_model_len: int = 4096
    """Maximum number of tokens of prompt and completion together."""
    batch_rows: int = 128
    """Maximum number of requests in one batch. More than 128 is no faster on a CPU, because a small model's activations
    outgrow its caches. Use fewer where memory is short.
    """


@dataclass(frozen=True, slots=True)
class Engine:
    """A base in memory, with its adapters."""

    loaded: LoadedModel
    adapters: BatchedLora
    stops: StopDetector


class LocalInference:
    """The `Inference` port on this machine."""

    def __init__(
        self, bases: Mapping[Digest, Path], adapters: Callable[[Digest], Path], settings: LocalSettings | None = None
    ) -> None:
        """`bases` gives the folder of each base, `adapters` the PEFT folder of an adapter."""
        self._bases = dict(bases)
        self._adapters = adapters
        self._settings = settings or LocalSettings()
        self._live: dict[ModelName, Recipe] = {}
        self._engines: dict[Digest, Engine] = {}
        self._checked: set[tuple[Digest, Digest]] = set()

    def serve(self, live: Sequence[Recipe]) -> None:
        """Check that every recipe's base and adapters exist and fit, and load the bases. Nothing is summed yet.

        Loading changes defaults of the whole process, so no engine may be completing in another thread meanwhile.
        Raises InferenceError for a recipe that cannot be served and when memory runs out.
        """
        with _as_inference_error():
            for recipe in live:
                self._check(recipe)
            wanted = {recipe.base for recipe in live}
            self._engines = {digest: engine for digest, engine in self._engines.items() if digest in wanted}
            for digest in sorted(wanted):
                self._get_engine(digest)
        self._live = {recipe.name: recipe for recipe in live}

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """One result per request, in order. Raises InferenceError for a model that is not served and when memory runs
        out.
        """
        for request in requests:
            if request.model not in self._live:
                raise InferenceError(
                    f"model {request.model}: this model is not served; call serve() with its recipe first"
                )
        single = choices.expand(requests)
        results: list[Completion | RequestFailure] = [RequestFailure("not answered", UnscoredReason.REFUSED)] * len(
            single
        )
        with _as_inference_error(), _torch_threads(self._settings.threads):
            by_base: dict[Digest, list[int]] = {}
            for index, request in enumerate(single):
                by_base.setdefault(self._live[request.model].base, []).append(index)
            for digest, indices in by_base.items():
                answers = self._complete_base(self._get_engine(digest), [single[index] for index in indices])
                for index, answer in zip(indices, answers, strict=True):
                    results[index] = answer
        return choices.join(requests, results)

    def close(self) -> None:
        """Drop every model. Safe to call twice. Afterwards nothing is served until `serve` is called."""
        self._live, self._engines = {}, {}

    def _check(self, recipe: Recipe) -> None:
        """Raises BadInputError if the recipe cannot be served."""
        if recipe.base not in self._bases:
            raise BadInputError(f"base {recipe.base}: this engine has no such base; pass its folder in `bases`")
        base.parse_dtype(recipe.dtype)
        folder = self._bases[recipe.base]
        for digest in recipe.basis:
            if (recipe.base, digest) not in self._checked:
                adapter.check_base(self._adapters(digest), folder, f"adapter {digest}")
                self._checked.add((recipe.base, digest))

    def _get_engine(self, digest: Digest) -> Engine:
        if digest not in self._engines:
            settings = self._settings
            loaded = base.load(
                BaseModelConfig(self._bases[digest], settings.dtype, settings.device, settings.max_model_len)
            )
            longest = loaded.max_length
            if longest is not None and settings.max_model_len > longest:
                raise BadInputError(
                    f"maxModelLen {settings.max_model_len}: base {digest} takes at most {longest} tokens; lower"
                    " maxModelLen"
                )
            self._engines[digest] = Engine(loaded, BatchedLora(loaded.model), StopDetector(loaded.tokenizer))
        return self._engines[digest]

    def _complete_base(self, engine: Engine, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """Answer requests of one base."""
        rows = _tokenize_rows(engine, requests, self._live)
        results: list[Completion | RequestFailure | None] = [self._find_rejection(row) for row in rows]
        names = {name: number for number, name in enumerate(dict.fromkeys(request.model for request in requests))}
        order = sorted(
            (index for index, result in enumerate(results) if result is None),
            key=lambda index: (names[requests[index].model], len(rows[index].ids), requests[index].max_tokens, index),
        )
        for chunk in _split_batches(order, self._settings.batch_rows):
            self._load_adapters(engine, [rows[index].adapter for index in chunk])
            outputs = decoding.generate(engine.loaded, engine.adapters, engine.stops, [rows[index] for index in chunk])
            for index, row in zip(chunk, outputs, strict=True):
                results[index] = _to_result(engine, rows[index], row)
        return [result for result in results if result is not None]

    def _find_rejection(self, row: Row) -> RequestFailure | None:
        """The failure of a request that no model can answer; None for any other request."""
        message = prompt_encoder.rejection_reason(row.request, row.ids, self._settings.max_model_len)
        return None if message is None else RequestFailure(message, UnscoredReason.REFUSED)

    def _load_adapters(self, engine: Engine, adapters: Sequence[ModelName | None]) -> None:
        """Make the adapters of a batch available, summing those that are not in memory."""
        names = [name for name in dict.fromkeys(adapters) if name is not None]
        for name in names:
            if name not in engine.adapters:
                recipe = self._live[name]
                folders = [self._adapters(digest) for digest in recipe.basis]
                engine.adapters.add(
                    name, combine.compute_signature(recipe, folders), dict(combine.combine_tensors(recipe, folders))
                )
        engine.adapters.evict(names)


def _tokenize_rows(engine: Engine, requests: Sequence[Request], live: Mapping[ModelName, Recipe]) -> list[Row]:
    ids = prompt_encoder.tokenize_requests(engine.loaded.tokenizer, requests)
    return [
        Row(tokens, request.model if live[request.model].basis else None, request)
        for tokens, request in zip(ids, requests, strict=True)
    ]


def _split_batches(order: Sequence[int], rows: int) -> Iterator[Sequence[int]]:
    """Cut `order` into the fewest parts of at most `rows` entries, as equal in size as possible."""
    parts = math.ceil(len(order) / rows)
    for part in range(parts):
        yield order[len(order) * part // parts : len(order) * (part + 1) // parts]


def _to_result(engine: Engine, asked: Row, row: RowOutput) -> Completion | RequestFailure:
    request = asked.request
    if row.broken:
        return RequestFailure(
            "the model's probabilities are not numbers because its weights overflow in this dtype; use a wider dtype",
            UnscoredReason.UNREADABLE,
        )
    text, stopped = truncate_at_stop(engine.stops.decode_continuation(row.tokens), request.stop)
    logprobs = None if request.logprobs is None else _decode_scores(engine.loaded.tokenizer, row.scores)
    completion = Completion(text, row.token_count, row.ended or stopped, logprobs=logprobs)
    restored = prompt_encoder.restore_open_tag(engine.loaded.tokenizer, request, asked.ids, completion)
    return engine.stops.special.separate(restored)


def _decode_scores(tokenizer: PreTrainedTokenizerBase, scores: Sequence[TokenScore]) -> tuple[TokenLogprob, ...]:
    """The scores with each token decoded alone, special tokens included."""

    def decode(token: int) -> str:
        return str(tokenizer.decode([token], clean_up_tokenization_spaces=False))

    return tuple(
        TokenLogprob(
            decode(score.token), score.logprob, tuple((decode(token), logprob) for token, logprob in score.top)
        )
        for score in scores
    )


@contextmanager
def _as_inference_error() -> Iterator[None]:
    """Turn errors of the engine as a whole into InferenceError."""
    try:
        yield
    except BadInputError as error:
        raise InferenceError(str(error)) from error
    except torch.OutOfMemoryError as error:
        raise InferenceError("out of device memory; lower batch_rows or max_model_len") from error


@contextmanager
def _torch_threads(count: int | None) -> Iterator[None]:
    """A context manager: inside it torch computes with `count` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)

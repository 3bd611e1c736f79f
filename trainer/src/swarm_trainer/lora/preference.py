"""Preference training of one LoRA: from pairs of a preferred and a rejected text to an adapter, by DPO.

    loss = -log sigmoid(beta (log p(y_w|x) / p_ref(y_w|x) - log p(y_l|x) / p_ref(y_l|x)) - margin)

This is equation 7 of Rafailov et al. 2023 (arXiv 2305.18290), with margin 0 for `Dpo`. x is the prompt, y_w the chosen
and y_l the rejected text, and p_ref the model with the adapter that the training starts from. A new adapter starts with
B = 0, so its reference is the base model. `DpoNll` adds the negative log-likelihood of the chosen texts, per token of a
forward pass (as Pang et al. 2024, arXiv 2404.19733, who take it per token of each text). `DpoMargin` has
margin = scale (s_w - s_l) for scores s, the offset of Amini et al. 2024 (arXiv 2402.10571) with the identity as its f.

trl computes the losses (`dpo_trainer`). Tokens, start, optimizer and learning rates are those of supervised fine-tuning
(`training`).

Limits: on a CPU the same arguments give the same bytes, for one version of torch and trl and one number of threads. An
adapter on the output layer is refused, because trl would not train it. With gradient accumulation, the mean is over the
forward passes of a step, so a last pass that is smaller counts as much as the others.
"""

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import peft
from peft.tuners.tuners_utils import BaseTunerLayer

from swarm_core.errors import BadInputError
from swarm_trainer.lora import base, preference_pairs, training
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.preference_pairs import PreferencePair, PreferenceSettings
from swarm_trainer.lora.signature import Signature
from swarm_trainer.lora.training import StepCallback, TrainingResult


@dataclass(frozen=True, slots=True)
class PreferenceTuning:
    """Preference training on pairs of a preferred and a rejected text. It is a `TrainingStage`."""

    pairs: Sequence[PreferencePair]
    settings: PreferenceSettings

    def train(
        self, base_model: BaseModelConfig, start: Path | None, seed: int, out: Path, progress: StepCallback
    ) -> TrainingResult:
        """Train as the port says. The adapter at `start` is the reference."""
        settings = replace(self.settings, training=replace(self.settings.training, start=start))
        return train(base_model, self.pairs, settings, seed, out, progress)


def train(
    base_model: BaseModelConfig,
    pairs: Sequence[PreferencePair],
    settings: PreferenceSettings,
    seed: int,
    out: Path,
    progress: StepCallback,
) -> TrainingResult:
    """Train one LoRA on `pairs`, and write it to `out` as a PEFT folder.

    Raises BadInputError if the base model cannot be read, lacks the target modules or a required chat template, if the
    adapter has the output layer, if no pair fits max_length, or if training diverges; CorruptError if `out` exists
    with other content.
    """
    from swarm_trainer.lora import dpo_trainer  # noqa: PLC0415 (brings trl, which only this training needs)

    loaded = base.load(base_model)
    fitting, truncated = preference_pairs.tokenize(loaded.tokenizer, pairs, settings.training)
    if not fitting:
        raise BadInputError(
            f"maxLength {settings.training.max_length}: no two texts that differ fit in any of {len(pairs)} preference"
            " pairs; raise it or use other pairs"
        )
    with _isolate_randomness(seed), _make_scratch(out) as scratch, base.silence_transformers():
        model, signature = training.add_lora(loaded, settings.training, seed)
        _check_output_layer(model, signature)
        config = dpo_trainer.build_config(settings, loaded.device, seed, scratch)
        losses = dpo_trainer.optimize(model, loaded.tokenizer, fitting, settings, config, progress)
    digest = training.save_adapter(out, model, signature)
    last = training.average_last_epoch(losses, settings.training.epochs)
    return TrainingResult(digest, len(losses), last, truncated, len(pairs) - len(fitting))


def _check_output_layer(model: peft.PeftModel, signature: Signature) -> None:
    """Raises BadInputError if the adapter has the layer that predicts the tokens: trl uses its weight alone."""
    output = model.get_base_model().get_output_embeddings()
    if isinstance(output, BaseTunerLayer):
        raise BadInputError(
            f"targetModules {', '.join(signature.target_modules)}: preference training cannot adapt the output layer of"
            " the base model; leave it out"
        )


@contextmanager
def _make_scratch(out: Path) -> Iterator[Path]:
    """Make a folder beside `out` for the `with` block: transformers wants one, though nothing is saved in it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _isolate_randomness(seed: int) -> Iterator[None]:
    """During the `with` block, all generators that transformers seeds belong to the training; then restore them."""
    state, arrays = random.getstate(), np.random.get_state()
    try:
        with training.isolate_randomness(seed):
            yield
    finally:
        random.setstate(state)
        np.random.set_state(arrays)

"""trl's DPOTrainer, for pairs that are tokenized already and a starting adapter that is the reference.

It writes no file, sends nothing, and reports to a callback alone. The log-probabilities of the reference are computed
once, before the first step. Importing this module imports trl, so import it where it is used.

Limits: two methods of trl's class are overridden that are not part of its documented interface, `_prepare_dataset` and
`_send_telemetry`. So its minor version is pinned, and tests compare losses with the formula. One device.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import peft
import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import DPOConfig, DPOTrainer

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_trainer.lora.preference_pairs import PreferenceSettings, TokenizedPair
from swarm_trainer.lora.training import MAX_GRADIENT_NORM, StepCallback, compute_rate_factor


class PairTrainer(DPOTrainer):
    """Trains on rows of `prompt_ids`, `chosen_ids` and `rejected_ids`, and reports each step to `report`."""

    def __init__(self, report: StepCallback, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.losses: list[float] = []
        self._report = report
        self.remove_callback(PrinterCallback)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Record and report the loss of a step. Raises BadInputError if it is not finite."""
        super().log(logs, start_time)
        if "grad_norm" not in logs:  # the summary after the last step
            return
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs["grad_norm"]):
            raise BadInputError(
                f"learningRate {self.args.learning_rate}: the loss is {logs['loss']} at step {self.state.global_step};"
                " lower it"
            )
        self.losses.append(logs["loss"])
        self._report(self.state.global_step, self.state.max_steps, logs["loss"])

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset  # trl tokenizes text in its own way; ours never turns text into control tokens

    def _send_telemetry(self) -> None:
        return


def optimize(
    model: peft.PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[TokenizedPair],
    settings: PreferenceSettings,
    config: DPOConfig,
    report: StepCallback,
) -> list[float]:
    """Train the model's adapter in place; return the loss of each step. The adapter at the start is the reference.

    Dropout is off: the reference has none, so it would look like a preference. Raises BadInputError if a loss is not
    finite.
    """
    _disable_dropout_rates(model)
    trainer = PairTrainer(
        report,
        model=model,
        args=config,
        train_dataset=Dataset.from_list([_to_row(pair) for pair in pairs]),
        processing_class=tokenizer,
        optimizers=_build_optimizer(model, settings, len(pairs)),
    )
    trainer.train_dataset = Dataset.from_list(list(_add_reference(trainer, pairs, settings)))
    trainer.precompute_ref_logps = True  # the rows have them from here on
    trainer.train()
    return trainer.losses


def _disable_dropout_rates(model: torch.nn.Module) -> None:
    """Set the rates to 0 that modules keep as numbers, such as OPT's. trl turns off the modules that are dropouts."""
    for module in model.modules():
        for name in [name for name, value in vars(module).items() if "drop" in name and isinstance(value, float)]:
            setattr(module, name, 0.0)


def _to_row(pair: TokenizedPair) -> dict[str, Any]:
    return {"prompt_ids": pair.prompt, "chosen_ids": pair.chosen, "rejected_ids": pair.rejected}


def _add_reference(
    trainer: PairTrainer, pairs: Sequence[TokenizedPair], settings: PreferenceSettings
) -> Iterator[dict[str, Any]]:
    """Yield the rows with the log-probabilities of both texts under the reference.

    A margin m inside the sigmoid, beta (chosen - rejected) - m, is a reference under which the chosen text is likelier
    by m / beta.
    """
    size = settings.training.batch_size
    for start in range(0, len(pairs), size):
        batch = pairs[start : start + size]
        inputs = trainer.data_collator([_to_row(pair) for pair in batch])
        moved = {name: tensor.to(trainer.args.device) for name, tensor in inputs.items()}
        chosen, rejected = (part.tolist() for part in trainer.compute_ref_log_probs(trainer.model, moved))
        for index, pair in enumerate(batch):
            margin = settings.margin * pair.gap / settings.beta
            yield {
                **_to_row(pair),
                "ref_chosen_logps": chosen[index] + margin,
                "ref_rejected_logps": rejected[index],
            }


def build_config(settings: PreferenceSettings, device: torch.device, seed: int, scratch: Path) -> DPOConfig:
    """Return the arguments of a training that saves nothing and reports every step.

    `scratch`: a folder that transformers may write to.
    """
    training, likelihood = settings.training, settings.likelihood > 0
    config = DPOConfig(
        str(scratch),
        beta=settings.beta,
        loss_type=["sigmoid", "sft"] if likelihood else ["sigmoid"],
        loss_weights=[1.0, settings.likelihood] if likelihood else None,
        max_length=None,  # the pairs are cut already
        router_aux_loss_coef=0.0,  # no adapter trains the router of a mixture of experts
        per_device_train_batch_size=training.batch_size,
        gradient_accumulation_steps=training.gradient_accumulation,
        num_train_epochs=training.epochs,
        learning_rate=training.learning_rate,
        max_grad_norm=MAX_GRADIENT_NORM,
        gradient_checkpointing=training.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        use_cpu=device.type == "cpu",
        bf16=False,  # the base keeps its type, and the adapter is float32, as in supervised fine-tuning
        seed=streams.derive_seed(seed, "training") % (1 << 32),  # numpy's seeds have 32 bits
        remove_unused_columns=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    assert config.device.type == device.type  # computing the device also counts the GPUs
    config._n_gpu = min(1, config.n_gpu)  # one worker trains on one device; trl refuses to see several
    return config


def _build_optimizer(
    model: peft.PeftModel, settings: PreferenceSettings, pairs: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """Return the optimizer and the schedule of supervised fine-tuning."""
    training = settings.training
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=training.learning_rate, weight_decay=0.0)
    steps = training.epochs * math.ceil(pairs / (training.batch_size * training.gradient_accumulation))

    def rate_factor(step: int) -> float:
        # The schedule is asked once more after the last step, and that rate is never used.
        return compute_rate_factor(min(step, steps - 1), steps, training.warmup_ratio)

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate_factor)

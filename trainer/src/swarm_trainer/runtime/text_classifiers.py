"""The classifiers of a run, and the engines through which its parts ask them.

A classifier is loaded by the process that measures, on the device of `spec.execution.local`. It is hashed again before
that, as base models are.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm_core import classification
from swarm_core.api import parts, resolution
from swarm_core.api.resolution import UriUse
from swarm_core.api.resolved import PartUse
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.classification import LANGUAGE_IDENTIFIER, ClassifierNeeds
from swarm_core.errors import BadInputError, name_subject
from swarm_core.gates.gate_context import GateContext
from swarm_core.ports import Inference, Judge
from swarm_core.recipe import ModelName
from swarm_trainer.inference.classifiers import Classifier, Classifiers, ClassifyingInference
from swarm_trainer.inference.language_identifier import LanguageIdentifier
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context

if TYPE_CHECKING:
    from swarm_trainer.inference.sequence_classifier import SequenceClassifier


def attach(context: Context, engine: Inference | None) -> ClassifyingInference:
    """Return an engine that also answers for the classifiers of the run. `engine`: None if it has no other models."""
    return ClassifyingInference(engine, context.memo.get("text classifiers", lambda: build(context)))


def build(context: Context) -> Classifiers:
    """Build the classifiers of the run. None is loaded yet."""
    loaders: dict[ModelName, Callable[[], Classifier]] = {LANGUAGE_IDENTIFIER: LanguageIdentifier}
    for use, model, _ in list_uses(context):
        loaders[classification.name_classifier(model)] = _build_loader(context, use, model)
    return Classifiers(loaders)


def _build_loader(context: Context, use: UriUse, model: ClassifierModel) -> "Callable[[], SequenceClassifier]":
    return lambda: load(context, use, model)


def load(context: Context, use: UriUse, model: ClassifierModel) -> "SequenceClassifier":
    """Load a classifier. Raises BadInputError, which names the field, if it cannot be used or has changed."""
    from swarm_trainer.inference import sequence_classifier  # noqa: PLC0415 (brings torch)

    pinned = pins.load(context.store).get(use.uri)
    if pinned is not None:
        pins.check(use, inputs.pin(use, context).digest, pinned)
    device = str(context.resolved.execution.local.device)
    with name_subject(use.field):
        return sequence_classifier.load(inputs.locate(use, context), model.dtype, device, model.max_tokens)


def list_uses(context: Context) -> Iterator[tuple[UriUse, ClassifierModel, PartUse]]:
    """List the classifiers of the judge and the gates: the use of the URI, the settings, and the part."""
    resolved = context.resolved
    uses = {use.field: use for use in resolution.list_uris(resolved)}
    for part in (*parts.list_judges(resolved), *parts.list_gates(resolved)):
        named = parts.find_classifier(part)
        if named is not None:
            yield uses[f"{named[0]}.uri"], named[1], part


def check(context: Context, judge: Judge) -> None:
    """Check that every classifier can be used, and is what its part needs. `judge`: the judge of the run.

    Raises BadInputError, which names the field.
    """
    check_judge(context)
    for use, model, part in list_uses(context):
        if part.group == "gates":
            check_part(context, use, model, parts.build_spec_part(part, GateContext(judge)))


def check_judge(context: Context) -> None:
    """Check the classifiers of the judge. Raises as `check` does."""
    for use, model, part in list_uses(context):
        if part.group != "gates":
            check_part(context, use, model, parts.build_spec_part(part))


def check_part(context: Context, use: UriUse, model: ClassifierModel, part: Any) -> None:
    """Check that the classifier of one part is what it needs. Raises BadInputError."""
    folder = inputs.locate(use, context)
    with name_subject(use.field):
        check_classifier(folder, model, part.classifier_needs)


def check_classifier(folder: Path, model: ClassifierModel, needs: ClassifierNeeds) -> None:
    """Check that the folder has a classifier, by its files, and that it is what a part needs. Raises BadInputError."""
    from swarm_trainer.inference import classifier_checks  # noqa: PLC0415 (brings torch)

    found = classifier_checks.inspect(folder)
    if needs.label is None and len(found.labels) != 1:
        raise BadInputError(
            f"{folder}: it has {len(found.labels)} outputs, and a reward model has one; give a reward model"
        )
    if needs.label is not None and needs.label not in found.labels:
        raise BadInputError(
            f"label {needs.label!r}: the classifier has {', '.join(map(repr, found.labels[:10]))}; name one of them"
        )
    if needs.multi_label is not None and found.multi_label not in (None, needs.multi_label):
        several = "several labels at a time" if found.multi_label else "one label at a time"
        raise BadInputError(
            f"multiLabel: the classifier gives {several}; write multiLabel: {str(found.multi_label).lower()}"
        )
    if needs.chat and not found.has_chat_template:
        raise BadInputError(f"{folder}: it has no chat template, which input Chat needs; write input: Pair")
    if model.max_tokens is not None and model.max_tokens > found.most_tokens:
        raise BadInputError(
            f"maxTokens {model.max_tokens}: the classifier reads at most {found.most_tokens} tokens; lower it"
        )

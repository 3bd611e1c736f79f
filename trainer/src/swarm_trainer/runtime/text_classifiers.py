"""The classifiers of a run, and the engines through which its parts ask them."""

from swarm_core.classification import LANGUAGE_IDENTIFIER
from swarm_core.ports import Inference
from swarm_trainer.inference.classifiers import Classifiers, ClassifyingInference
from swarm_trainer.inference.language_identifier import LanguageIdentifier
from swarm_trainer.runtime.context import Context


def attach(context: Context, engine: Inference | None) -> ClassifyingInference:
    """Return an engine that also answers for the classifiers of the run. `engine`: None if it has no other models."""
    return ClassifyingInference(engine, context.memo.get("text classifiers", build))


def build() -> Classifiers:
    """Build the classifiers of the run. None is loaded yet."""
    return Classifiers({LANGUAGE_IDENTIFIER: LanguageIdentifier})

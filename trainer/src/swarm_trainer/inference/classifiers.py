"""Answers requests to classifiers in this process, behind the `Inference` port of the engine that answers all others.

A part asks a classifier as it asks any model (`swarm_core.classification`). Each classifier is loaded at its first
request and then shared by all lanes.

Limits: one text at a time is labeled, by one lane; the lanes wait for each other.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Protocol

from swarm_core.ports import Completion, Inference, InferenceError, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName, Recipe


class Classifier(Protocol):
    """A model that labels texts."""

    def label(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the labels of each text, in order; a RequestFailure for a text that it cannot read."""
        ...


class Classifiers:
    """The classifiers of a process, by the names that requests have for them."""

    def __init__(self, loaders: Mapping[ModelName, Callable[[], Classifier]]) -> None:
        self._loaders = loaders
        self._loaded: dict[ModelName, Classifier] = {}
        self._lock = Lock()

    def has_model(self, model: ModelName) -> bool:
        """Return whether `model` is one of the classifiers."""
        return model in self._loaders

    def label(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the labels of each text, in order. Raises BadInputError if a classifier cannot be loaded."""
        places: dict[ModelName, list[int]] = {}
        for place, request in enumerate(requests):
            places.setdefault(request.model, []).append(place)
        found: dict[int, Reply] = {}
        with self._lock:
            for model, mine in places.items():
                if model not in self._loaded:
                    self._loaded[model] = self._loaders[model]()
                found.update(zip(mine, self._loaded[model].label([requests[place] for place in mine]), strict=True))
        return [found[place] for place in range(len(requests))]


class ClassifyingInference:
    """The `Inference` port over an engine and classifiers. Several lanes may share the classifiers."""

    def __init__(self, own: Inference | None, classifiers: Classifiers) -> None:
        """`own`: the engine that answers all other requests; None if there are no others."""
        self._own, self._classifiers = own, classifiers

    def serve(self, live: Sequence[Recipe]) -> None:
        """Have the engine serve `live`; the classifiers are always available. Raises InferenceError."""
        if self._own is not None:
            self._own.serve(live)

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """Return one result per request, in order. Raises as the engine does, and BadInputError if a classifier cannot
        be loaded."""
        labeled = [place for place, request in enumerate(requests) if self._classifiers.has_model(request.model)]
        results = dict(zip(labeled, self._classifiers.label([requests[place] for place in labeled]), strict=True))
        others = [place for place in range(len(requests)) if place not in results]
        if others and self._own is None:
            raise InferenceError(f"{requests[others[0]].model} cannot be asked: no engine serves it")
        if others and self._own is not None:
            results.update(zip(others, self._own.complete([requests[place] for place in others]), strict=True))
        return [results[place] for place in range(len(requests))]

    def close(self) -> None:
        """Close the engine. Safe to call twice."""
        if self._own is not None:
            self._own.close()

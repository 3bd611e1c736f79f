"""The language identifier: a classifier whose labels are languages (`py3langid`).

Its values are probabilities, which sum to 1. It reads any length of text, and its model comes with the package, as
arrays without pickles.

Source: Lui and Baldwin, "langid.py: An Off-the-shelf Language Identification Tool" (ACL 2012).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from swarm_core.ports import Completion, Reply, Request


class LanguageIdentifier:
    """Gives every language that it knows its probability. The model is loaded at the first request."""

    @cached_property
    def model(self) -> Any:
        """The model: a `py3langid.langid.LanguageIdentifier`."""
        from py3langid import langid  # noqa: PLC0415 (only runs with the gate Language need it)

        return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)

    def label(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the languages of each text by ISO 639 code, in the order of the codes."""
        return [
            Completion("", 0, finished=True, labels=tuple(sorted(self.model.rank(request.prompt))))
            for request in requests
        ]

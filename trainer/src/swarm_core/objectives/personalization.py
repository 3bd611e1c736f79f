"""Personalization: how similar the items are to those of a corpus, such as the questions of one user.

    personalization = mean_i f_i * accepted / asked,   f_i the mean BM25 score of item i against its k nearest documents

The host measures f_i (`swarm_trainer.evaluation.corpus_similarity`) and stores it with the item, as the feature
`corpus`. Source: the released code of Data Swarms (arXiv 2506.00741), objective "realistic", with k = 5. The factor
accepted / asked is an addition of dataswarm (`objective`), and so are the limits against keyword stuffing: a repeated
word counts once, words beyond `maxWords` dilute the score, and an item has 100 at most. The gate `Seed` rejects a copy
of a document; without the gate, a copy has 0. The range is [0, 100].

Limits: BM25 compares words. It sees neither meaning nor other forms of a word, and a list of well-chosen keywords
scores higher than a question. `form: MatchedWords` of the corpus pays most for items whose words one document has. The
value depends on the corpus, so values compare only within one experiment. No taker is asked.
"""

from math import fsum
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.objectives.objective import Needs, Sample

FEATURE = "corpus"
"""The name of the feature that holds the similarity of each item to the corpus."""
HIGHEST = 100.0
"""The highest similarity of an item."""


class Personalization:
    """The objective that rises with the similarity of items to a corpus; it asks no taker."""

    needs: ClassVar[Needs] = Needs(takers=0, corpus=True)
    of_means: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (0.0, HIGHEST)
    revision: ClassVar[int] = 1
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "Personalization":
        return cls()

    def value(self, sample: Sample) -> float:
        """Return the value of `sample`; 0 if no item was accepted. Raises ValueError for items without the feature."""
        if sample.accepted == 0:
            return 0.0
        found = sample.features.get(FEATURE, ())
        if len(found) != sample.accepted:
            raise ValueError(f"{len(found)} of {sample.accepted} items have the feature {FEATURE!r}; measure all items")
        return fsum(found) / len(found) * sample.accepted_share

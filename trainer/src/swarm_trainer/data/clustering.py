"""Divides seed items into clusters, one for each initial generator, by k-means over embeddings of the texts.

The result is deterministic: fixed restarts, a seed, one thread, and clusters numbered by their first items.

`TfidfEmbedder` needs no download and compares texts by their character n-grams. `ModelEmbedder` compares them by the
mean-pooled last hidden states of a model in a folder.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import threadpoolctl
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from transformers import AutoModel

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_trainer.lora import base

KMEANS_RESTARTS = 10
"""Restarts of k-means, of which the tightest result is kept. A single bad start may split one cluster and merge two."""
MAX_FEATURES = 1024
"""The number of character n-grams, the most frequent ones: it limits memory to 8 KiB per text."""
BATCH_SIZE = 32
"""The number of texts embedded at once."""


class Embedder(Protocol):
    """Maps texts to vectors."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return vectors [texts, dimensions], float64, each of norm 1 or 0."""
        ...


@dataclass(frozen=True, slots=True)
class TfidfEmbedder:
    """TF-IDF vectors of character n-grams of length 1 to 3, case-sensitive."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return vectors [texts, n-grams], float64, each of norm 1, or 0 for a text without a known n-gram."""
        vectorizer = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 3), max_features=MAX_FEATURES, sublinear_tf=True, lowercase=False
        )
        points: NDArray[np.float64] = vectorizer.fit_transform(texts).toarray()
        return points


@dataclass(frozen=True, slots=True)
class ModelEmbedder:
    """The mean-pooled last hidden states of the Hugging Face model in `folder`."""

    folder: Path
    device: str = "cpu"
    max_length: int = 512
    """The number of tokens of each text that are read; longer texts are cut."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return vectors [texts, hidden size], float64, each of norm 1, or 0 for a text without tokens.

        Raises BadInputError if the folder has no model that transformers can read.
        """
        device = base.resolve_device(self.device)
        with base.translate_read_errors(self.folder, "embedding model"):
            tokenizer = base.read_tokenizer(self.folder)
            model = AutoModel.from_pretrained(
                self.folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
        model.to(device).eval()
        rows = []
        for start in range(0, len(texts), BATCH_SIZE):
            batch = base.tokenize_whole_texts(tokenizer, texts[start : start + BATCH_SIZE], self.max_length)
            longest = max(1, *map(len, batch))
            lengths = torch.tensor([len(ids) for ids in batch], device=device)
            padded = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in batch], device=device)
            mask = torch.arange(longest, device=device) < lengths[:, None]  # [rows, longest]
            with torch.inference_mode():
                hidden = model(input_ids=padded, attention_mask=mask.long()).last_hidden_state.double()
            mean = (hidden * mask[..., None]).sum(1) / lengths.clamp(min=1)[:, None]
            rows.append(torch.nn.functional.normalize(mean, dim=1).cpu().numpy())
        return np.concatenate(rows)


def cluster(texts: Sequence[str], count: int, embedder: Embedder, seed: int, min_size: int = 1) -> tuple[int, ...]:
    """Return the cluster, 0 to count - 1, of each text. Raises BadInputError if one has fewer than `min_size` texts."""
    if len(texts) < count * min_size:
        raise BadInputError(
            f"{len(texts)} seed items for {count} clusters: each needs at least {min_size}, so {count * min_size} are"
            " needed; give more items, or fewer generators or shots"
        )
    clusters = renumber(_run_kmeans(embedder.embed(texts), count, seed))
    check_sizes(clusters, count, min_size)
    return clusters


def check_sizes(clusters: Sequence[int], count: int, min_size: int) -> None:
    """Check that each cluster from 0 to count - 1 has `min_size` items. Raises BadInputError with the sizes."""
    sizes = Counter(clusters)
    if any(sizes[number] < min_size for number in range(count)):
        listed = ", ".join(str(sizes[number]) for number in range(count))
        raise BadInputError(
            f"clusters of {listed} seed items: each needs {min_size};"
            " give more or more varied items, or fewer generators"
        )


def renumber(labels: Sequence[int]) -> tuple[int, ...]:
    """Return the same clusters, numbered in the order in which they first appear."""
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(label, len(numbers)) for label in labels)


def _run_kmeans(points: NDArray[np.float64], count: int, seed: int) -> list[int]:
    kmeans = KMeans(
        count, n_init=KMEANS_RESTARTS, algorithm="lloyd", random_state=streams.derive_seed(seed, "clusters") % 2**32
    )
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
        # It warns of fewer distinct points than clusters; `check_sizes` reports that as an error in the user's terms.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [int(label) for label in kmeans.fit_predict(points)]

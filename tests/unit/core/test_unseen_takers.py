"""Takers that the search never asks: what is refused, and what they are to the digest, the inputs, keys and servers."""

from typing import Any

import adversarial_documents
import pytest
import swarmrun_documents as documents

from swarm_core.api import endpoint_access, loading, resolution
from swarm_core.api.resolution import UriRole
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine.work import Kind
from swarm_core.errors import BadInputError
from swarm_core.experiment import Experiment, PinnedRemoteTaker, PinnedTaker
from swarm_core.programs.program_protocol import build_outline
from swarm_core.recipe import digest_bytes

BASE, ADAPTER, OTHER = (digest_bytes(name.encode()) for name in "abc")
FAR = {"url": "https://models.test", "model": "small"}


def resolve(*unseen: dict[str, Any], **patch: Any) -> ResolvedSpec:
    document = documents.patched({"spec.evaluation.unseen": list(unseen), **patch})
    return resolution.resolve_run(loading.parse_object(document, "run.yaml"))


def test_without_unseen_takers_the_digest_is_that_of_a_spec_that_does_not_name_them() -> None:
    plain = resolution.resolve_run(loading.parse_object(documents.minimal(), "run.yaml"))
    assert resolution.spec_digest(resolve()) == resolution.spec_digest(plain)
    assert resolution.spec_digest(resolve(documents.UNSEEN)) != resolution.spec_digest(plain)


def test_their_files_are_inputs_and_only_the_conclusion_asks_their_servers() -> None:
    resolved = resolve(documents.UNSEEN, {"name": "more", "adapter": "takers/more"})
    uses = [(use.role, use.uri, use.field, use.swarm) for use in resolution.list_uris(resolved)][-2:]
    assert uses == [
        (UriRole.TAKER_MODEL, "models/other", "spec.evaluation.unseen[0].model", "takers"),
        (UriRole.TAKER_ADAPTER, "takers/more", "spec.evaluation.unseen[1].adapter", "takers"),
    ]
    outline = build_outline(resolved)
    assert outline.needs_of(Kind.ITERATE).servers == ("models/base",)
    assert outline.needs_of(Kind.CONCLUDE).servers == ("models/base", "models/other")


def test_their_endpoints_have_keys_like_those_of_takers() -> None:
    secret = {"name": "keys", "key": "far"}
    resolved = resolve({"name": "far-off", "endpoint": {**FAR, "apiKeySecretRef": secret}})
    (access,) = resolved.access
    assert (access.owner, access.field) == ("takers/far-off", "spec.evaluation.unseen[0].endpoint")
    assert set(endpoint_access.secrets_by_variable(resolved.access)) == {"DATASWARM_API_KEY_TAKERS_FAR_OFF"}


def test_an_endpoint_that_the_search_asks_is_refused_whatever_the_form_of_its_url() -> None:
    takers = [{"name": "near", "endpoint": {**FAR, "url": "https://models.test/v1/"}}]
    with pytest.raises(BadInputError, match=r"spec\.evaluation\.unseen\[0\]\.endpoint: .* is this model"):
        resolve({"name": "far", "endpoint": FAR}, **{"spec.takers": takers})
    resolve({"name": "far", "endpoint": {**FAR, "model": "large"}}, **{"spec.takers": takers})


def test_a_judge_of_an_unseen_takers_family_is_refused() -> None:
    marks = {"type": "Model", "model": {"endpoint": {"url": "https://models.test", "model": "gpt-4o"}}}
    with pytest.raises(BadInputError, match="taker far"):
        resolve({"name": "far", "endpoint": {**FAR, "model": "gpt-4o-mini"}}, **{"spec.judge": marks})


def test_the_manifest_has_them_only_if_there_are_any() -> None:
    known = PinnedTaker("known", BASE, ADAPTER)
    plain = Experiment(BASE, BASE, (known,), BASE)
    assert b"unseen" not in plain.to_bytes()
    unseen = (PinnedTaker("other", OTHER), PinnedRemoteTaker("far", "https://models.test/v1", "small"))
    experiment = Experiment(BASE, BASE, (known,), BASE, unseen=unseen)
    assert Experiment.from_bytes(experiment.to_bytes()) == experiment
    assert [name for name, _ in experiment.unseen_models("float32")] == ["other", "far"]
    assert len(experiment.unseen_recipes("float32")) == 1


def test_a_game_has_no_unseen_takers() -> None:
    document = documents.patched({"spec.evaluation.unseen": [documents.UNSEEN]}, adversarial_documents.minimal())
    with pytest.raises(BadInputError, match="unseen"):
        loading.parse_object(document, "run.yaml")

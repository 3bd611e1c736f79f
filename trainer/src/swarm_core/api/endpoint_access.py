"""The endpoints of a spec, split in two: the identity of each model, and the access to it (keys and rate limits).

The identity is part of the experiment's digest. The access is not.
"""

from collections.abc import Iterable, Iterator

from swarm_core.api import judging
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.judging import GateSpec, JudgeSpec
from swarm_core.api.resolved import EndpointAccess, EndpointIdentity
from swarm_core.api.takers import Taker
from swarm_core.blocks import endpoints
from swarm_core.blocks.endpoints import EndpointSpec, SecretKeyRef


def identify_endpoint(endpoint: EndpointSpec) -> EndpointIdentity:
    """Return the identity of an endpoint: its URL in normal form, the model, and the parameters of requests."""
    return EndpointIdentity(
        url=endpoints.normalize_url(endpoint.url),
        model=endpoint.model,
        max_tokens_field=endpoint.max_tokens_field,
        omit=tuple(sorted(set(endpoint.omit))),
        extra_body=endpoint.extra_body,
    )


def list_accesses(
    takers: Iterable[Taker], judge: JudgeSpec, gates: Iterable[GateSpec] | None, evaluation: Evaluation | None = None
) -> Iterator[EndpointAccess]:
    """The access to each endpoint of the takers, the judge and the gates, in the order of the spec, and then to those
    of the takers that the search never asks and of the rivals.

    No two takers have the same name.
    """
    yield from _list_taker_accesses(takers, "spec.takers")
    for place, (path, member) in enumerate(judging.list_members(judge)):
        if member.endpoint is not None:
            owner = endpoints.JUDGE_OWNER if judge.panel is None else endpoints.member_owner(place)
            yield _build_access(owner, f"spec.judge.{path}{member.endpoint[0]}", member.endpoint[1])
    for index, gate in enumerate(gates or ()):
        if gate.endpoint is not None:
            field = f"spec.gates[{index}].{gate.endpoint[0]}"
            yield _build_access(endpoints.gate_owner(index), field, gate.endpoint[1])
    if evaluation is not None:
        yield from _list_taker_accesses(evaluation.unseen, "spec.evaluation.unseen")
        for index, rival in enumerate(evaluation.rivals):
            if rival.endpoint is not None:
                field = f"spec.evaluation.rivals[{index}].{rival.endpoint[0]}"
                yield _build_access(endpoints.rival_owner(index), field, rival.endpoint[1])


def _list_taker_accesses(takers: Iterable[Taker], field: str) -> Iterator[EndpointAccess]:
    """The access to each endpoint of some takers. `field`: the path of the field that lists them."""
    for index, taker in enumerate(takers):
        if taker.endpoint is not None:
            yield _build_access(endpoints.taker_owner(taker.name), f"{field}[{index}].endpoint", taker.endpoint)


def secrets_by_variable(accesses: Iterable[EndpointAccess]) -> dict[str, SecretKeyRef]:
    """Return the Secrets that endpoints name, by the environment variable that holds each of them in a worker."""
    return {endpoints.key_variable(one.owner): one.secret for one in accesses if one.secret is not None}


def _build_access(owner: str, field: str, endpoint: EndpointSpec) -> EndpointAccess:
    return EndpointAccess(
        owner=owner,
        field=field,
        remote=identify_endpoint(endpoint),
        secret=endpoint.api_key_secret_ref,
        env=endpoint.api_key_env,
        file=endpoint.api_key_file,
        concurrency=endpoint.concurrency,
        requests_per_minute=endpoint.requests_per_minute,
        tokens_per_minute=endpoint.tokens_per_minute,
        deadline_seconds=endpoint.deadline_seconds,
        attempt_seconds=endpoint.attempt_seconds,
    )

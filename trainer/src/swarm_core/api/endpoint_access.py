"""From the endpoints of a spec to who is asked and how: what is identity apart from what is not."""

from collections.abc import Iterable, Iterator

from swarm_core.api import endpoints
from swarm_core.api.endpoints import EndpointSpec, SecretKeyRef
from swarm_core.api.judging import JudgeSpec
from swarm_core.api.resolved import EndpointAccess, EndpointIdentity
from swarm_core.api.takers import Taker


def identify_endpoint(endpoint: EndpointSpec) -> EndpointIdentity:
    """Who is asked for what: the part of an endpoint that is identity."""
    return EndpointIdentity(url=endpoints.normalize_url(endpoint.url), model=endpoint.model)


def list_accesses(takers: Iterable[Taker], judge: JudgeSpec) -> Iterator[EndpointAccess]:
    """How each endpoint of the takers and the judge is asked, in the order of the spec."""
    for index, taker in enumerate(takers):
        if taker.endpoint is not None:
            yield _build_access(endpoints.taker_owner(taker.name), f"spec.takers[{index}].endpoint", taker.endpoint)
    if judge.endpoint is not None:
        yield _build_access(endpoints.JUDGE_OWNER, *judge.endpoint)


def secrets_by_variable(ways: Iterable[EndpointAccess]) -> dict[str, SecretKeyRef]:
    """The Secrets that endpoints name, by the environment variable that is to hold each in a worker."""
    return {endpoints.key_variable(way.owner): way.secret for way in ways if way.secret is not None}


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
    )

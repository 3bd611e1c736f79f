"""From the endpoints of a spec to who is asked and how: what is identity apart from what is not."""

from collections.abc import Iterable, Iterator

from swarm_core.api import endpoints
from swarm_core.api.endpoints import Endpoint, SecretKey
from swarm_core.api.resolved import Access, Remote
from swarm_core.api.spec import SwarmRunSpec


def remote(endpoint: Endpoint) -> Remote:
    """Who is asked for what: the part of an endpoint that is identity."""
    return Remote(url=endpoints.address(endpoint.url), model=endpoint.model)


def ways(spec: SwarmRunSpec) -> Iterator[Access]:
    """How each endpoint of the spec is asked, in its order."""
    for index, taker in enumerate(spec.takers):
        if taker.endpoint is not None:
            yield _way(endpoints.taker(taker.name), f"spec.takers[{index}].endpoint", taker.endpoint)
    if spec.judge.model is not None:
        yield _way(endpoints.JUDGE, "spec.judge.model.endpoint", spec.judge.model.endpoint)


def secrets(ways: Iterable[Access]) -> dict[str, SecretKey]:
    """The Secrets that endpoints name, by the environment variable that is to hold each in a worker."""
    return {endpoints.key_variable(way.owner): way.secret for way in ways if way.secret is not None}


def _way(owner: str, field: str, endpoint: Endpoint) -> Access:
    return Access(
        owner=owner,
        field=field,
        remote=remote(endpoint),
        secret=endpoint.api_key_secret_ref,
        env=endpoint.api_key_env,
        file=endpoint.api_key_file,
        concurrency=endpoint.concurrency,
        requests_per_minute=endpoint.requests_per_minute,
        tokens_per_minute=endpoint.tokens_per_minute,
        deadline_seconds=endpoint.deadline_seconds,
    )

"""Fetch one input in its own process, because the library of the hub reads the environment when it is imported.

python fetch_once.py ROLE URI [PIN] prints path, digest and pinned URI as JSON, or the error
"""

import json
import sys

from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_trainer.sources import fetch_cache, fetching
from swarm_trainer.sources.fetching import FetchContext, Pin


def main(role: str, uri: str, pin: str | None = None) -> dict[str, str]:
    use = UriUse(UriRole[role], uri, "spec.field")
    context = FetchContext(
        fetch_cache.FetchCache(fetch_cache.default_root()),
        lambda place, shape: fetching.find_source(place, shape, None),
    )
    try:
        found = (
            fetching.fetch(use, context) if pin is None else fetching.fetch_pinned(use, Pin(**json.loads(pin)), context)
        )
    except (BadInputError, StoreError) as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"path": str(found.path), "digest": found.pin.digest, "at": found.pin.at}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

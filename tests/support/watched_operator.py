"""The operator with a way to inspect its cache: `kopf run -m watched_operator`.

On SIGUSR1 it writes the uids and versions in its cache, by kind, to the file that DATASWARM_DUMP names.
"""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import kopf

import swarm_operator.main  # noqa: F401  (registers the handlers)
from swarm_operator.api_client import object_cache, resources


@kopf.on.startup()
async def dump_when_asked(memo: kopf.Memo, **_: Any) -> None:
    def dump() -> None:
        held = memo.process.host.cache
        known = {
            kind: {
                object_cache.object_uid(thing): object_cache.resource_version(thing) for thing in held.list_kind(kind)
            }
            for kind in resources.list_cached_kinds()
        }
        path = Path(os.environ["DATASWARM_DUMP"])
        path.with_suffix(".part").write_text(json.dumps(known))
        path.with_suffix(".part").rename(path)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, dump)

"""The operator with the chain in place of the pure half: `kopf run -m chain_operator`.

On SIGUSR1 it writes what its cache holds to the file that DATASWARM_DUMP names: uids and versions by kind.
"""

import asyncio
import json
import os
import signal
import sys
import types
from pathlib import Path
from typing import Any

import chain

stand_in = types.ModuleType("swarm_operator.reconcile")
stand_in.reconcile = chain.reconcile  # type: ignore[attr-defined]
sys.modules["swarm_operator.reconcile"] = stand_in

import kopf  # noqa: E402

from swarm_operator import cache, main, resources  # noqa: E402

assert main.reconcile is stand_in


@kopf.on.startup()
async def dump_when_asked(memo: kopf.Memo, **_: Any) -> None:
    def dump() -> None:
        held = memo.process.host.cache
        known = {
            kind: {cache.uid(thing): cache.version(thing) for thing in held.everything(kind)}
            for kind in resources.CACHED
        }
        path = Path(os.environ["DATASWARM_DUMP"])
        path.with_suffix(".part").write_text(json.dumps(known))
        path.with_suffix(".part").rename(path)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, dump)

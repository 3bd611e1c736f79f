"""A worker process with the real loop and a fake `carry_out`, for tests of the host: no torch, no models.

What each item does is read from `.behaviour.json` in the run folder, by work item key; what the rest does is the
command line's `--default`: `ok`, `print`, `error`, `refuse`, `hang`, `die`, `full`; with ` once`, the first time only.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.run_store import receipt_store
from swarm_trainer.runtime.context import Progress
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.worker import loop

ITERATIONS = 3
CLUSTERS = 2


def main(folder: Path) -> None:
    (folder / ".worker.pid").write_text(str(os.getpid()))

    def carry_out(item: WorkItem, report: Callable[[Progress], None]) -> Receipt:
        report(Progress(item.key, "begun", tokens=100, fitness=(("p00", 0.25), ("p01", None))))
        behave(folder, item, report)
        store = LocalStore(folder / "store")
        found = receipt_store.load(store, item.key)
        if found is not None:
            return found
        data = store.publish(receipt_store.key(item.key), receipt(item, store, folder).to_bytes())
        return Receipt.from_bytes(data)

    loop.main(carry_out)


def behave(folder: Path, item: WorkItem, report: Callable[[Progress], None]) -> None:
    """Do what the test wants to happen before the item's work."""
    match once(folder, item.key, wanted(folder, item.key)):
        case "ok":
            pass
        case "print":
            print("noise from python")
            os.write(1, b"noise from a library\n")
        case "error":
            raise RuntimeError("the verb failed")
        case "refuse":
            raise BadInputError("data.jsonl line 3: not JSON; correct the line")
        case "full":
            raise OSError(28, os.strerror(28), "store")
        case "hang":
            report(Progress(item.key, "hanging"))
            threading.Event().wait()
        case "die":
            print("the last thing it did", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        case other:
            raise AssertionError(f"behaviour {other!r}")


def wanted(folder: Path, key: str) -> str:
    path = folder / ".behaviour.json"
    behaviour: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return behaviour.get(key, sys.argv[sys.argv.index("--default") + 1] if "--default" in sys.argv else "ok")


def once(folder: Path, key: str, behaviour: str) -> str:
    """The behaviour without its `once`, and `ok` the second time."""
    first, _, rest = behaviour.rpartition(" once")
    if not behaviour.endswith(" once"):
        return behaviour
    mark = folder / f".once.{key}"
    if mark.exists():
        return "ok"
    mark.touch()
    return first or rest


def receipt(item: WorkItem, store: ArtifactStore, folder: Path) -> Receipt:
    """What the real verbs would say; every digest is a function of the item, parent included."""
    made = digest_bytes(canonical_json([item.key, item.parent]))
    match item.kind:
        case Kind.PREPARE:
            return Receipt(item.key, {"experiment": made}, {"clusters": CLUSTERS})
        case Kind.TRAIN:
            return Receipt(item.key, {"adapter": made})
        case Kind.ITERATE:
            last = item.index + 1 >= ITERATIONS
            return Receipt(item.key, {"commit": made}, iteration_scalars(item.index, last))
        case Kind.CONCLUDE:
            return Receipt(item.key, bundle(store, folder, made), {"best": 0.5, "initial": 0.4, "gain": 0.1})


def iteration_scalars(index: int, last: bool) -> dict[str, float | str | bool | None]:
    return {
        "best": 0.4 + index / 100,
        "initial": 0.4,
        "mean": 0.3,
        "stop": "Iterations" if last else "",
        "items": 10,
        "fitness": "p00=0.2500,p01=",
    }


def bundle(store: ArtifactStore, folder: Path, made: Digest) -> dict[str, Digest]:
    out = folder / "cache" / "bundle"
    for part, text in {
        "result.json": json.dumps({"digest": made, "gain": {"value": 0.1}}),
        "summary.txt": "best 0.500, initial 0.400\n",
        "history.jsonl": "{}\n",
        "dataset/data.jsonl": "{}\n",
        "adapter/adapter_config.json": "{}",
    }.items():
        (out / part).parent.mkdir(parents=True, exist_ok=True)
        (out / part).write_text(text)
    return {"bundle": tree.put_tree(store, out), "result": store.put(out / "result.json")}


if __name__ == "__main__":
    main(Path(sys.argv[sys.argv.index("--run") + 1]))

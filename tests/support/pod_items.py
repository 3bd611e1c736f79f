"""Finds the work item of a pod as its container does: from its arguments and variables."""

from typing import Any

from swarm_core.engine.work import WorkItem
from swarm_operator.common import names
from swarm_trainer.pod import work


def item_of_pod(pod: Any) -> WorkItem:
    """The item of a pod. For a pod of an Indexed Job, that of its index."""
    container, metadata = pod["spec"]["containers"][0], pod["metadata"]
    words = container["args"]
    told = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    completion = (metadata.get("annotations") or {}).get(names.COMPLETION_INDEX_ANNOTATION)
    if completion is not None:
        told[work.INDEX_VARIABLE] = str(completion)
    return work.select_item(WorkItem.from_json(words[words.index("--item") + 1]), told)

"""The cache: late, repeated and lost reports of objects, lists, and our own writes."""

import random
from typing import Any

from swarm_operator.api_client.cluster import Listing
from swarm_operator.api_client.object_cache import Cache
from swarm_operator.common import names


def thing(uid: str, version: int, run: str | None = None, **rest: Any) -> dict[str, Any]:
    labels = {names.RUN_UID_LABEL: run} if run else {}
    metadata = {"name": f"n-{uid}", "namespace": "a", "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"metadata": metadata | rest.pop("metadata", {}), **rest}


def versions(cache: Cache, kind: str = "Job") -> dict[str, str]:
    return {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in cache.list_kind(kind)}


def test_news_is_told_to_the_run_it_belongs_to_once() -> None:
    cache = Cache()
    assert cache.record("Job", thing("j", 5, "r")) == "r"
    assert cache.record("Job", thing("j", 5, "r")) is None
    assert cache.record("SwarmRun", thing("r", 6)) == "r"


def test_an_older_word_changes_nothing() -> None:
    cache = Cache()
    cache.record("Job", thing("j", 5, "r"))
    assert cache.record("Job", thing("j", 4, "r")) is None
    assert versions(cache) == {"j": "5"}


def test_what_is_gone_never_comes_back() -> None:
    cache = Cache()
    cache.record("Job", thing("j", 5, "r"))
    assert cache.record_deleted("Job", thing("j", 7, "r")) == "r"
    assert cache.record("Job", thing("j", 6, "r")) is None
    assert cache.record_list("Job", None, Listing((thing("j", 6, "r"),), "9"), cache.newest_version("Job")) == set()
    assert versions(cache) == {}


def test_a_list_sweeps_what_it_lacks() -> None:
    cache = Cache()
    cache.record("Job", thing("old", 3, "r"))
    cache.record("Job", thing("kept", 4, "q"))
    assert cache.record_list("Job", None, Listing((thing("kept", 4, "q"),), "9"), cache.newest_version("Job")) == {"r"}
    assert versions(cache) == {"kept": "4"}


def test_what_was_created_while_a_list_was_on_its_way_stays() -> None:
    cache = Cache()
    before = cache.newest_version("Job")
    cache.record("Job", thing("new", 12, "r"))
    cache.record_list("Job", None, Listing((), "9"), before)
    assert versions(cache) == {"new": "12"}


def test_a_list_of_one_namespace_sweeps_no_other() -> None:
    cache = Cache()
    cache.record("Job", thing("here", 3, "r"))
    cache.record("Job", thing("there", 4, "q", metadata={"namespace": "b"}))
    cache.record_list("Job", "b", Listing((), "9"), cache.newest_version("Job"))
    assert versions(cache) == {"here": "3"}


def test_a_server_set_back_to_an_older_state_is_believed() -> None:
    cache = Cache()
    cache.record("Job", thing("lost", 50, "r"))
    cache.record_list("Job", None, Listing((thing("j", 7, "r"),), "9"), cache.newest_version("Job"))
    assert versions(cache) == {"j": "7"}
    assert cache.record("Job", thing("j", 10, "r")) == "r"


def test_a_run_is_observed_with_its_own_children_in_order() -> None:
    cache = Cache()
    cache.record("Pod", thing("p2", 3, "r"))
    cache.record("Pod", thing("p1", 4, "r"))
    cache.record("Job", thing("j", 5, "r"))
    cache.record("Job", thing("x", 6, "other"))
    assert cache.observe("r") is None
    cache.record("SwarmRun", thing("r", 7))
    observed = cache.observe("r")
    assert observed is not None
    assert [child["metadata"]["uid"] for child in observed.children] == ["j", "p1", "p2"]
    assert [child["kind"] for child in observed.children] == ["Job", "Pod", "Pod"], "a list leaves kinds out"


def test_an_object_without_the_label_of_a_run_is_nobodys() -> None:
    cache = Cache()
    assert cache.record("Pod", thing("p", 3)) is None


def test_whatever_the_order_of_words_the_cache_ends_as_the_server() -> None:
    draw = random.Random(5)
    for _ in range(200):
        cache, history, alive, version = Cache(), [], {}, 0
        for _ in range(20):
            version += 1
            uid = draw.choice("abcd") + str(version // 8)
            if uid in alive and draw.random() < 0.4:
                del alive[uid]
                history.append(("record_deleted", thing(uid, version, "r")))
            elif uid in alive or not any(
                word == "record_deleted" and one["metadata"]["uid"] == uid for word, one in history
            ):
                alive[uid] = str(version)
                history.append(("record", thing(uid, version, "r")))
        told = [one for one in history if draw.random() < 0.7] + draw.sample(history, 5)
        draw.shuffle(told)
        for word, one in told:
            getattr(cache, word)("Job", one)
        now = tuple(thing(uid, int(seen), "r") for uid, seen in alive.items())
        cache.record_list("Job", None, Listing(now, str(version)), version)
        assert versions(cache) == alive

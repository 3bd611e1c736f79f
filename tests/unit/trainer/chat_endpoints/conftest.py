"""An endpoint that answers as it is told, and clients of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted_http_server
from chat_desk import Desk
from scripted_chat_server import ChatServer

from swarm_core.api.lifecycle import Budget
from swarm_trainer.inference import retrying_client
from swarm_trainer.stores.local import LocalStore


@pytest.fixture
def site() -> Iterator[ChatServer]:
    with scripted_http_server.run_server(ChatServer()) as made:
        yield made


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts that follow each other at once."""
    monkeypatch.setattr(retrying_client, "MAX_BACKOFF_SECONDS", 0.001)


@pytest.fixture
def desk(site: ChatServer, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def open_desk(budget: Budget = Budget(), url: str = "", **terms: Any) -> Desk:  # noqa: B008 - frozen
        desks.append(Desk(url or site.url, LocalStore(tmp_path / "store"), budget, **terms))
        return desks[-1]

    yield open_desk
    for one in desks:
        one.joint.close()

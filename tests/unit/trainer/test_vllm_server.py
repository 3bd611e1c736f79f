"""A server of our own: its flags follow from what is served, and its death is told and mended. A stand-in serves."""

import itertools
import os
import signal
import sys
from pathlib import Path

import pytest

from swarm_core.errors import BadInputError
from swarm_core.ports import InferenceError
from swarm_core.recipe import Digest, build_single
from swarm_trainer.inference import vllm_server
from swarm_trainer.inference.vllm_server import ServerConfig, VllmServer

BASE = Digest("b" * 64)
HEALTHY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
BROKEN = "print('loading'); raise ValueError('no such model')"


def served(**changes: object) -> ServerConfig:
    return ServerConfig(
        **{"base": BASE, "folder": Path("/models/base"), "name": build_single(BASE).name, **NEEDS, **changes}
    )


NEEDS = {"rank": 9, "adapters_per_batch": 3, "live_adapters": 10, "max_model_len": 128}


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What runs in place of vLLM, given its port; the last of them."""
    codes = [HEALTHY]
    monkeypatch.setattr(vllm_server, "build_command", lambda _, port: [sys.executable, "-c", codes[-1], str(port)])
    return codes


def host(tmp_path: Path) -> VllmServer:
    return VllmServer(served(), tmp_path / "store", tmp_path / "log")


def test_flags_follow_from_what_is_served() -> None:
    words = vllm_server.build_command(served(), 8000)
    flags = dict(itertools.pairwise(words))
    assert flags["--max-lora-rank"] == "16"
    assert flags["--max-loras"] == "3"
    assert flags["--max-cpu-loras"] == "21"
    assert flags["--served-model-name"] == build_single(BASE).name
    assert "--enforce-eager" in words
    assert "--enforce-eager" not in vllm_server.build_command(served(cpu=False), 8000)


def test_a_base_without_adapters_is_served_without_lora() -> None:
    assert not [word for word in vllm_server.build_command(served(rank=0), 8000) if "lora" in word]


def test_on_a_cpu_engine_and_worker_are_one_process(tmp_path: Path) -> None:
    """Two would wait for each other spinning."""
    here, there = (vllm_server.build_environment(served(cpu=cpu), tmp_path, tmp_path, "key") for cpu in (True, False))
    assert here["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert "VLLM_ENABLE_V1_MULTIPROCESSING" not in there


def test_ranks_are_rounded_up_to_vllms() -> None:
    assert [vllm_server.round_up_rank(rank) for rank in (0, 1, 8, 9, 64, 65, 300, 512)] == [
        8,
        8,
        8,
        16,
        64,
        128,
        320,
        512,
    ]
    with pytest.raises(BadInputError, match="rank 513: vLLM serves adapters of rank 512 at most"):
        vllm_server.round_up_rank(513)


def test_a_server_answers_until_it_is_stopped(tmp_path: Path, code: list[str]) -> None:
    one = host(tmp_path)
    place = one.endpoint()
    assert vllm_server.is_healthy(place.url)
    assert one.endpoint() == place
    one.stop()
    one.stop()
    assert not one.is_alive()
    assert not vllm_server.is_healthy(place.url)


def test_a_server_that_died_is_started_again_under_another_key(tmp_path: Path, code: list[str]) -> None:
    one = host(tmp_path)
    before = one.endpoint()
    assert one._process is not None
    os.kill(one._process.pid, signal.SIGKILL)
    one._process.wait()
    after = one.endpoint()
    assert vllm_server.is_healthy(after.url)
    assert before.key != after.key
    assert (one.is_alive(before), one.is_alive(after), one.is_alive()) == (False, True, True)
    one.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path, code: list[str]) -> None:
    code.append(BROKEN)
    with pytest.raises(InferenceError, match="vLLM ended before it served /models/base: ValueError: no such model"):
        host(tmp_path).endpoint()


def test_a_server_that_is_never_ready_is_given_up_and_ended(
    tmp_path: Path, code: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_server, "STARTUP_SECONDS", 0.4)
    code.append("import time; print('loading', flush=True); time.sleep(600)")
    one = host(tmp_path)
    with pytest.raises(InferenceError, match="did not serve /models/base within 0 s"):
        one.endpoint()
    assert not one.is_alive()

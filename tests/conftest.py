"""What tests share: tiny language models (two layers, random weights, one token per character), S3 servers, vLLM.

Torch and boto3 are imported inside the fixtures, so that tests of the core do not pay for them.
"""

# ruff: noqa: PLC0415
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from s3_servers import Server

WHOLE_CLUSTER = "tests/e2e/test_cluster"
SHARED = {"tests/cluster/": "a control plane", WHOLE_CLUSTER: "a whole cluster"}
"""Where tests lie that share one thing of their session."""
SERVERS = {"versitygw", "moto", "rclone", "vllm", "need_vllm"}
"""Fixtures, and parameters that name one: tests with them need a server, and run with `make test-all` alone."""
LONG = {"cluster", "e2e_cluster"}
"""Marks of tests that need a cluster."""


@pytest.hookimpl(tryfirst=True)  # before pytest itself selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as long what needs a server or a cluster."""
    # What takes longest comes first: no worker of several waits for it in the end.
    items.sort(key=lambda item: not item.nodeid.startswith(WHOLE_CLUSTER))
    for item in items:
        if needed_by(item) & SERVERS or any(item.get_closest_marker(mark) for mark in LONG):
            item.add_marker(pytest.mark.long)


def needed_by(item: pytest.Item) -> set[str]:
    """A test's fixtures, and its parameters as far as they are words."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return {*getattr(item, "fixturenames", ()), *(value for value in values if isinstance(value, str))}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What one worker of several (`-n`) gets at a time, in the order of collection: see `company`.

    Groups by mark (`--dist loadgroup` of pytest-xdist 3.8) do nothing under pytest 9.2, which keeps its ids elsewhere.
    """
    from xdist.scheduler import LoadScopeScheduling

    short = config.option.markexpr == "not long"

    class Companies(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return company(nodeid, short)

    config.option.loadscopereorder = False
    return Companies(config, log)


def company(nodeid: str, short: bool) -> str:
    """What a test runs together with: its shared thing; else its file; the short ones of `e2e` share a finished run."""
    file = nodeid.partition("::")[0]
    if short and file.startswith("tests/e2e/"):
        return "a finished run"
    return next((thing for place, thing in SHARED.items() if file.startswith(place)), file)


if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers of `-n` share the cores. Threads of one that wait for work by spinning slow the others down, thirtyfold.
    SHARE = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    os.environ.setdefault("OMP_NUM_THREADS", str(SHARE))

ALPHABET = "0123456789+-*= abcdefghijklmnopqrstuvwxyzQA:.\n"
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}"
)


def _write_tokenizer(folder: Path, chat: bool) -> None:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokens = ["<pad>", "<bos>", "<eos>", "<unk>", *ALPHABET]
    tokenizer = Tokenizer(models.WordLevel({token: index for index, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
    fast.chat_template = CHAT_TEMPLATE if chat else None
    fast.save_pretrained(folder)


@pytest.fixture(scope="session")
def make_base(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a Llama of a few thousand parameters into a new folder and returns it."""
    from swarm_trainer.lora.base import silence_transformers

    def make(hidden: int = 32, seed: int = 0, chat: bool = True) -> Path:
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        folder = tmp_path_factory.mktemp("base")
        config = LlamaConfig(
            vocab_size=4 + len(ALPHABET),
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
            # Larger than usual, so that a model nobody trained still prefers some tokens to others.
            initializer_range=0.2,
        )
        with torch.random.fork_rng(), silence_transformers():
            torch.manual_seed(seed)
            LlamaForCausalLM(config).save_pretrained(folder)
            _write_tokenizer(folder, chat)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_base(make_base: Callable[..., Path]) -> Path:
    """A base with a chat template."""
    return make_base()


@pytest.fixture(scope="session")
def make_adapter(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes an adapter with random A and B for a base into a new folder and returns it."""

    def make(
        base: Path,
        seed: int = 1,
        rank: int = 4,
        alpha: float = 8.0,
        targets: tuple[str, ...] = ("q_proj", "v_proj", "down_proj"),
        size: float = 0.2,
    ) -> Path:
        import torch

        from swarm_trainer.lora import export
        from swarm_trainer.lora.base_layers import read_linear_shapes
        from swarm_trainer.lora.signature import Signature

        shapes = {name: shape for name, shape in read_linear_shapes(base).items() if name.rpartition(".")[2] in targets}
        signature = Signature(rank, alpha, tuple(sorted(targets)), tuple(sorted(shapes.items())))
        generator = torch.Generator().manual_seed(seed)
        tensors = [(name, size * torch.randn(shape, generator=generator)) for name, shape in signature.tensors.items()]
        folder = tmp_path_factory.mktemp("adapters") / "adapter"
        export.save(folder, tensors, signature)
        return folder

    return make


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers' credentials in the environment, and no other source of them."""
    from s3_servers import KEYS

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """A real S3 gateway. Without its program the test is skipped, in CI only where nobody promised one."""
    import s3_servers

    if s3_servers.gateway() is None:
        if os.environ.get("CI") and os.environ.get("KUBEBUILDER_ASSETS"):
            pytest.fail("no versitygw in KUBEBUILDER_ASSETS nor on PATH: CI runs no test suite without it")
        pytest.skip("no versitygw: put it into the folder KUBEBUILDER_ASSETS or on PATH")
    with s3_servers.versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """moto's S3 server."""
    import s3_servers

    with s3_servers.moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """rclone's S3 server, which ignores conditions."""
    import s3_servers

    with s3_servers.rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture(scope="session")
def need_vllm() -> None:
    """Skip the test without vLLM; fail it where vLLM is required."""
    if importlib.util.find_spec("vllm") is None:
        if os.environ.get("DATASWARM_VLLM") == "required":
            pytest.fail("vLLM is required (DATASWARM_VLLM) and not installed; `make vllm` installs it")
        pytest.skip("vLLM is not installed; `make vllm` installs it")

"""Measures the cost of our client and plugin next to vLLM's own serving benchmark, and the gain over a generation loop.

One vLLM server of the arena's base runs as a run starts it, with eight adapters, each a sum that the plugin makes on
first use. All methods send the same prompts in the same order, to the adapters in turn, greedy, at the same
concurrency. The requests in flight are those of one lane of a run (`ClientSettings.concurrency`), and those of several
lanes:

- *ours*: `OpenAIInference.complete`, as every lane of a run calls it.
- *vLLM's*: `vllm bench serve` (its module; the command looks for a distribution named vllm), in its own process.
- *loop*: transformers and PEFT, one prompt at a time, as the code released with Data Swarms generates; with a part of
  the prompts, and as many threads as the server has.

The methods take turns in every round, after one round that does not count. The figures are medians of output tokens per
second, and of processor seconds per thousand tokens, which other work on the machine distorts less. Processor seconds
are those of the server (minus its idle use while vLLM's benchmark starts) and of this process, which is our client or
the loop. The cost of an adapter's first use (recipe from the store, sum into memory, load) is the time of its first
request minus that of its second, measured before the rounds.

Needs `make vllm`, and pandas for vLLM's benchmark (`pip install pandas`). Limits: a model of 0.86 million parameters on
a CPU, where requests cost more than tokens. This is hard on a client and easy on an engine.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import processes
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from swarm_core.ports import Completion, Request
from swarm_core.recipe import Digest, Recipe, build_mixture, build_single
from swarm_core.text import prompts
from swarm_trainer.inference import plugin_environment
from swarm_trainer.inference.openai import OpenAIInference
from swarm_trainer.inference.retrying_client import ClientSettings
from swarm_trainer.inference.vllm_server import ServerConfig, VllmServer
from swarm_trainer.lora import combine
from swarm_trainer.stores import tree
from swarm_trainer.stores.local import LocalStore

ARENA = Path(__file__).parents[1] / "examples" / "arithmetic"
TAKERS = ("adder", "beginner", "multiplier", "subtractor")
WORDING = prompts.Wording(prompts.PromptStyle.PLAIN, "arithmetic")
ADAPTERS, MAX_MODEL_LENGTH, TOKENS, SHOTS = 8, 128, 40, 3
IDLE_SECONDS = 10.0
OURS, THEIRS, LOOP = "ours", "vllm bench serve", "transformers, one at a time"
VLLM_BENCH_PROGRAM = (
    "import sys; from vllm.benchmarks import serve; from vllm.utils.argparse_utils import FlexibleArgumentParser"
)
VLLM_BENCH_PROGRAM += "; p = FlexibleArgumentParser(); serve.add_cli_args(p); serve.main(p.parse_args())"


@dataclass(frozen=True, slots=True)
class Rate:
    """One method, once."""

    tokens: int
    """The number of generated tokens."""
    seconds: float
    server: float = 0.0
    """Processor seconds of the server, over all its processes."""
    here: float = 0.0
    """Processor seconds of this process."""

    @property
    def value(self) -> float:
        return self.tokens / self.seconds

    @property
    def costs(self) -> tuple[float, float]:
        """Processor seconds per thousand tokens: of the server, and of this process."""
        return 1000 * self.server / self.tokens, 1000 * self.here / self.tokens


def append_rate(rates: list[Rate], method: Callable[[int], Rate], at_once: int) -> None:
    """Measure `method` with so many requests at once, and append its rate to `rates`."""
    rates.append(method(at_once))


@dataclass
class ServingBenchmark:
    """A server with its adapters, and the requests."""

    folder: Path
    options: argparse.Namespace
    rates: dict[tuple[str, int], list[Rate]] = field(default_factory=dict)
    """The rates by method and number of requests in flight."""

    def __post_init__(self) -> None:
        self.store, self.base = LocalStore(self.folder / "store"), tree.digest_tree(ARENA / "base")
        basis = [tree.put_tree(self.store, ARENA / "takers" / name) for name in TAKERS]
        self.recipes = [build_mixture(self.base, basis, draw_weights(number)) for number in range(ADAPTERS)]
        self.requests = build_requests(self.recipes, self.options.requests)
        self.host = VllmServer(
            build_server_settings(self.base, self.options.threads), self.store.root, self.folder / "vllm.log"
        )
        self.clients = {number: self.client(number) for number in self.options.concurrency}

    def client(self, at_once: int) -> OpenAIInference:
        """Build our client with `at_once` requests in flight."""
        return OpenAIInference({self.base: self.host}, self.store, ClientSettings(MAX_MODEL_LENGTH, at_once))

    def close(self) -> None:
        for client in self.clients.values():
            client.close()

    def measure_first_uses(self) -> list[float]:
        """Return the seconds that each adapter's first request takes longer than its second. The server is warm."""
        bare = build_single(self.base)
        for client in self.clients.values():
            client.serve([bare, *self.recipes])
        for _ in range(5):
            self.time_request(bare)
        return [self.time_request(recipe) - self.time_request(recipe) for recipe in self.recipes]

    def time_request(self, recipe: Recipe) -> float:
        """Return the seconds of one short request."""
        begin = time.perf_counter()
        self.clients[self.options.concurrency[0]].complete([Request(recipe.name, "Q: 1+1\nA:", 1, 0.0, 0)])
        return time.perf_counter() - begin

    def measure_ours(self, at_once: int) -> Rate:
        """Measure our client."""
        begin, used = time.perf_counter(), time.process_time()
        results = self.clients[at_once].complete(self.requests)
        seconds, used = time.perf_counter() - begin, time.process_time() - used
        return Rate(sum(result.tokens for result in results if isinstance(result, Completion)), seconds, here=used)

    def measure_theirs(self, at_once: int) -> Rate:
        """Measure vLLM's benchmark. Raises SystemExit with its output if it fails, or if one of its requests fails."""
        endpoint, result_file = self.host.endpoint(), self.folder / "found.json"
        asked = self.folder / "prompts.jsonl"
        asked.write_text("".join(json.dumps({"prompt": request.prompt}) + "\n" for request in self.requests))
        flags = {
            "--backend": "openai", "--base-url": endpoint.url, "--endpoint": "/v1/completions",
            "--model": build_single(self.base).name, "--tokenizer": str(ARENA / "base"),
            "--dataset-name": "custom", "--dataset-path": str(asked), "--custom-output-len": str(TOKENS),
            "--num-prompts": str(len(self.requests)), "--max-concurrency": str(at_once),
            "--temperature": "0", "--lora-assignment": "round-robin", "--result-filename": str(result_file),
        }  # fmt: skip
        switches = ["--disable-shuffle", "--skip-chat-template", "--disable-tqdm", "--save-result", "--lora-modules"]
        words = [word for pair in flags.items() for word in pair]
        command = [
            sys.executable,
            "-c",
            VLLM_BENCH_PROGRAM,
            *words,
            *switches,
            *(recipe.name for recipe in self.recipes),
        ]
        process = subprocess.run(
            command,
            env={**os.environ, "OPENAI_API_KEY": endpoint.key or ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode or json.loads(result_file.read_text())["completed"] != len(self.requests):
            raise SystemExit(f"vllm bench serve: {process.stdout[-1000:]}\n{process.stderr[-2000:]}")
        result = json.loads(result_file.read_text())
        return Rate(result["total_output_tokens"], result["duration"])

    def read_server_seconds(self) -> float:
        """Return the processor seconds that the server's processes have used so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        mark = f"{plugin_environment.STORE}={self.store.root}"
        stats = [(Path("/proc") / str(pid) / "stat").read_text() for pid in processes.find_by_word(mark)]
        return sum(sum(map(int, stat.rpartition(")")[2].split()[11:13])) for stat in stats) / ticks

    def measure(self) -> None:
        """Run all rounds."""
        loop = TransformersLoop(self)
        methods: list[tuple[str, Callable[[int], Rate]]] = [(OURS, self.measure_ours), (THEIRS, self.measure_theirs)]
        turns = [(name, at_once, method) for at_once in self.options.concurrency for name, method in methods]
        idle = self.measure_server_seconds(lambda: time.sleep(IDLE_SECONDS)) / IDLE_SECONDS
        for number in range(self.options.rounds + 1):
            for name, at_once, method in [*turns, (LOOP, 1, loop.run)] if number else [*turns[:2], (LOOP, 1, loop.run)]:
                begin, rates = time.perf_counter(), list[Rate]()
                spent = self.measure_server_seconds(partial(append_rate, rates, method, at_once))
                waited = time.perf_counter() - begin - rates[0].seconds
                rate = replace(rates[0], server=spent - idle * waited)
                self.rates.setdefault((name, at_once), []).extend([rate] if number else [])
                figures = f"{rate.value:.0f} tokens/s, {rate.tokens} tokens, server {rate.costs[0]:.3f} s per 1000"
                load = f"here {rate.costs[1]:.3f}, load {os.getloadavg()[0]:.1f}"
                print(f"{name}, {at_once} in flight: {figures}, {load}", flush=True)

    def measure_server_seconds(self, work: Callable[[], object]) -> float:
        """Return the processor seconds of the server during `work`."""
        before = self.read_server_seconds()
        work()
        return self.read_server_seconds() - before


class TransformersLoop:
    """Generation with transformers, one prompt after another."""

    def __init__(self, bench: ServingBenchmark) -> None:
        torch.set_num_threads(bench.options.threads)
        folders = [ARENA / "takers" / name for name in TAKERS]
        self.tokenizer = AutoTokenizer.from_pretrained(ARENA / "base")
        model = AutoModelForCausalLM.from_pretrained(ARENA / "base")
        for recipe in bench.recipes:
            out = bench.folder / "loop" / recipe.name
            combine.write(recipe, folders, out)
            if isinstance(model, PeftModel):
                model.load_adapter(out, adapter_name=recipe.name)
            else:
                model = PeftModel.from_pretrained(model, out, adapter_name=recipe.name)
        self.model = model.eval()
        self.requests = bench.requests[: bench.options.loop]

    def run(self, _: int = 1) -> Rate:
        """Measure the loop."""
        tokens, begin, used = 0, time.perf_counter(), time.process_time()
        for request in self.requests:
            self.model.set_adapter(request.model)
            ids = self.tokenizer(request.prompt, return_tensors="pt")
            with torch.inference_mode():
                written = self.model.generate(
                    input_ids=ids["input_ids"],
                    attention_mask=ids["attention_mask"],
                    max_new_tokens=TOKENS,
                    do_sample=False,
                )
            tokens += written.shape[1] - ids["input_ids"].shape[1]
        return Rate(tokens, time.perf_counter() - begin, here=time.process_time() - used)


def build_server_settings(base: Digest, threads: int) -> ServerConfig:
    """Build the server's settings."""
    name = build_single(base).name
    return ServerConfig(
        base, ARENA / "base", name, 8, ADAPTERS, ADAPTERS, max_model_len=MAX_MODEL_LENGTH, threads=threads
    )


def draw_weights(number: int) -> list[float]:
    """Return random coefficients that sum to 1."""
    draw = random.Random(number)
    drawn = [draw.random() for _ in TAKERS]
    return [value / sum(drawn) for value in drawn]


def build_requests(recipes: Sequence[Recipe], count: int) -> list[Request]:
    """Build generation prompts like those of a search, to every adapter in turn."""
    seeds = [json.loads(line)["text"] for line in (ARENA / "seeds.jsonl").read_text().splitlines()]
    draw = random.Random(0)
    return [
        Request(
            model=recipes[number % len(recipes)].name,
            prompt=prompts.format_generation(WORDING, draw.sample(seeds, SHOTS)),
            max_tokens=TOKENS,
            temperature=0.0,
            seed=number,
        )
        for number in range(count)
    ]


def format_rates(rates: dict[tuple[str, int], list[Rate]]) -> Iterator[str]:
    """Yield one line for every number of requests in flight, and one for the loop."""
    figures = "ours, output tokens/s, median (min to max) | vllm bench serve | ours / vllm | ours / loop"
    yield f"| in flight | {figures} | in processor time | server, client: processor s per 1000 tokens |"
    yield "|---|---|---|---|---|---|---|"
    loop = rates[LOOP, 1]
    for at_once in sorted(at_once for name, at_once in rates if name == OURS):
        ours, theirs = rates[OURS, at_once], rates[THEIRS, at_once]
        server, client = compute_median_costs(ours)
        rate = compute_median_rate(ours)
        ratios = f"{rate / compute_median_rate(theirs):.2f} | {rate / compute_median_rate(loop):.1f}"
        cells = (
            f"{format_spread(ours)} | {format_spread(theirs)} | {ratios} |"
            f" {compute_median_costs(loop)[1] / (server + client):.1f}"
        )
        yield f"| {at_once} | {cells} | {server:.2f}, {client:.3f} |"
    loop_cost = compute_median_costs(loop)[1]
    yield f"| {LOOP} | {format_spread(loop)} | goal: | at least 0.95 | at least 10 | | {loop_cost:.2f} |"


def compute_median_rate(rates: Sequence[Rate]) -> float:
    return median(rate.value for rate in rates)


def format_spread(rates: Sequence[Rate]) -> str:
    values = [rate.value for rate in rates]
    return f"{compute_median_rate(rates):.0f} ({min(values):.0f} to {max(values):.0f})"


def compute_median_costs(rates: Sequence[Rate]) -> tuple[float, float]:
    """Return the medians of the server's and of this process's cost."""
    return median(rate.costs[0] for rate in rates), median(rate.costs[1] for rate in rates)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1024)
    lane = ClientSettings().concurrency
    parser.add_argument("--concurrency", type=int, nargs="+", default=[lane], help="requests in flight; each in turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loop", type=int, default=24, help="prompts of the one-at-a-time loop")
    parser.add_argument("--threads", type=int, default=1, help="threads of the server's engine, and of the loop")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = ServingBenchmark(Path(folder), options)
        try:
            first = bench.measure_first_uses()
            print(f"first use of an adapter: median {median(first):.3f} s, maximum {max(first):.3f} s", flush=True)
            bench.measure()
        finally:
            bench.close()
    print("\n".join(format_rates(bench.rates)))
    print(f"\n{options.requests} requests, {ADAPTERS} adapters, {options.rounds} rounds;", end=" ")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

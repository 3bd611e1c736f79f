"""What a step of the swarm costs: time and memory, beside the released code's way and beside load + save alone.

Four particles over four adapters of 135 MB (rank 64 on q, k, v and o of 32 layers 2048 wide, float32, random numbers),
all on one disk, every way in every repetition, medians. A step is what lies between the scores of one iteration and
four adapter folders for the next.

- *ours*: `optimization.tell` and `optimization.ask` on coefficients, then the four recipes side by side
  (`combine.write_many`) or one by one (`combine.write`).
- *released way*: the pattern of the code released with Data Swarms (arXiv 2506.00741), transcribed: every term of the
  update is a merge of adapters on disk, five merges and twelve loads per particle. Its checkpoint copies, which depend
  on the scores, are left out: five of them (four personal bests, one global) are a row of their own.
- *load + save*: `load_file` and `save_file` of four adapters, and nothing else.

What bounds it: load + save maps every byte and writes it, nothing else. Ours reads and writes as many, and takes 28
passes over 134 MB for the sums, in the caches (four recipes, four products and three additions each), and four to find
what is not finite. A product and a sum in one pass would round once, and give other bits.

Limits: the files are in the page cache, so this is the processor's and the memory's cost; `--durable` adds a sync of
the disk to every time. Ours uses every core, the released way `--threads` in torch, load + save one: other work on the
cores shifts the ratios, so the load is printed. Memory is Linux's VmHWM, which counts mapped files.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import torch
from safetensors.torch import load_file, save_file

from swarm_core import streams
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.standard import Standard
from swarm_core.recipe import Digest, build_mixture
from swarm_trainer.lora import combine, export
from swarm_trainer.lora.adapter import WEIGHTS_FILE
from swarm_trainer.lora.signature import Signature

PARTICLES = 4
LAYERS = tuple((f"model.layers.{layer}.self_attn.{side}_proj", (2048, 2048)) for layer in range(32) for side in "koqv")
SIGNATURE = Signature(64, 16.0, ("k_proj", "o_proj", "q_proj", "v_proj"), tuple(sorted(LAYERS)))
PLAN = Plan(basis=PARTICLES, particles=PARTICLES, iterations=100, patience=100, seed=1, optimizer=Standard())
BASE = Digest("b" * 64)
MB = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """One way, once."""

    wall: float
    processor: float
    """Seconds of all threads: what a busy machine cannot distort as much."""


def random_scores(swarm: SearchState) -> dict[str, float | None]:
    """Scores for everything asked."""
    return {probe.name: streams.uniform(7, swarm.iteration, probe.name) for probe in optimization.ask(swarm)}


def time_search_steps() -> list[float]:
    """Seconds of tell and ask in every iteration of a search."""
    swarm, times = optimization.start(PLAN), []
    while optimization.stopped(swarm) is None:
        scores, begin = random_scores(swarm), perf_counter()
        swarm = optimization.tell(swarm, scores)
        optimization.ask(swarm)
        times.append(perf_counter() - begin)
    return times


def write_random_adapters(folder: Path) -> None:
    """Random adapters: the initial ones, and what the released way keeps on disk about them."""
    for number, name in enumerate([f"x{k}" for k in range(PARTICLES)] + [f"v{k}" for k in range(PARTICLES)] + ["w"]):
        generator = torch.Generator().manual_seed(number)
        drawn = ((name, 0.01 * torch.randn(shape, generator=generator)) for name, shape in SIGNATURE.tensors.items())
        export.save(folder / name, drawn, SIGNATURE)


def materialize_ours(folder: Path, out: Path, *, beside: bool) -> None:
    swarm = optimization.tell(optimization.start(PLAN), random_scores(optimization.start(PLAN)))
    swarm = optimization.tell(swarm, random_scores(swarm))
    found = [probe.position for probe in optimization.ask(swarm) if probe.name.startswith("p")]
    basis = [Digest(f"{k}" * 64) for k in range(PARTICLES)]
    recipes = [build_mixture(BASE, basis, position) for position in found]
    folders, outs = [folder / f"x{k}" for k in range(PARTICLES)], [out / f"p{k}" for k in range(PARTICLES)]
    if beside:
        combine.write_many(recipes, folders, outs)
    else:
        for recipe, target in zip(recipes, outs, strict=True):
            combine.write(recipe, folders, target)


def merge_as_released(terms: Sequence[tuple[float, Path]], out: Path) -> None:
    """One merge of the released way: every adapter loaded whole, weighted and added, the sum saved."""
    loaded = [(weight, load_file(folder / WEIGHTS_FILE)) for weight, folder in terms]
    total = {name: loaded[0][0] * tensor for name, tensor in loaded[0][1].items()}
    for weight, tensors in loaded[1:]:
        for name, tensor in tensors.items():
            total[name] += weight * tensor
    out.mkdir(parents=True)
    save_file(total, out / WEIGHTS_FILE)


def materialize_as_released(folder: Path, out: Path) -> None:
    """Five merges per particle, one particle after the other: three differences, the velocity, the position.

    The personal best is another particle's place and the global best a third one's, which costs what any place costs.
    """
    for k in range(PARTICLES):
        x, v, mine = folder / f"x{k}", folder / f"v{k}", out / f"p{k}"
        best, leader, worst = folder / f"x{(k + 1) % PARTICLES}", folder / f"x{(k + 2) % PARTICLES}", folder / "w"
        merge_as_released([(1.0, best), (-1.0, x)], mine / "cognitive")
        merge_as_released([(1.0, leader), (-1.0, x)], mine / "social")
        merge_as_released([(1.0, x), (-1.0, worst)], mine / "repel")
        pulls = ((0.3, v), (0.3, mine / "cognitive"), (0.35, mine / "social"), (0.05, mine / "repel"))
        merge_as_released(pulls, mine / "velocity")
        merge_as_released([(1.0, x), (0.7, mine / "velocity")], mine / "position")


def copy_checkpoints(folder: Path, out: Path) -> None:
    for k in range(PARTICLES + 1):
        shutil.copytree(folder / f"x{k % PARTICLES}", out / f"best{k}")


def load_and_save(folder: Path, out: Path) -> None:
    out.mkdir(parents=True)
    for k in range(PARTICLES):
        save_file(load_file(folder / f"x{k}" / WEIGHTS_FILE), out / f"{k}.safetensors")


Method = Callable[[Path, Path], None]
Costs = dict[str, list[Cost]]
OURS, LOAD_AND_SAVE, RELEASED = "ours, side by side", "load + save alone", "released way"
METHODS: dict[str, Method] = {
    OURS: lambda folder, out: materialize_ours(folder, out, beside=True),
    "ours, one by one": lambda folder, out: materialize_ours(folder, out, beside=False),
    LOAD_AND_SAVE: load_and_save,
    RELEASED: materialize_as_released,
    "five checkpoint copies": copy_checkpoints,
}


def measure_cost(way: Method, folder: Path, out: Path, *, durable: bool) -> Cost:
    """The disk is at rest before, and is what it was after."""
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    wall, processor = perf_counter(), process_time()
    way(folder, out)
    if durable:
        os.sync()
    cost = Cost(perf_counter() - wall, process_time() - processor)
    shutil.rmtree(out)
    return cost


def process_memory(field: str) -> float:
    """Bytes of memory of this process: VmRSS now, VmHWM at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def memory_growth_in_child(name: str, folder: Path) -> float:
    """How far memory rises above what the imports need, in a process of its own."""
    command = [sys.executable, __file__, "--memory", name, "--folder", str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def memory_growth(name: str, folder: Path) -> float:
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far: that of the imports
    before = process_memory("VmRSS")
    METHODS[name](folder, folder / "out")
    shutil.rmtree(folder / "out")
    return process_memory("VmHWM") - before


def median_wall_times(costs: Costs) -> dict[str, float]:
    return {name: median(cost.wall for cost in found) for name, found in costs.items()}


def format_costs(costs: Costs, peaks: dict[str, float]) -> Iterator[str]:
    yield "| four particles, 135 MB each | wall, median (least) | processor | load + save = 1 | peak memory |"
    yield "|---|---|---|---|---|"
    wall = median_wall_times(costs)
    for name, found in costs.items():
        times = f"{wall[name]:.2f} s ({min(cost.wall for cost in found):.2f})"
        processor, ratio = median(cost.processor for cost in found), wall[name] / wall[LOAD_AND_SAVE]
        yield f"| {name} | {times} | {processor:.2f} s | {ratio:.2f} | {peaks[name] / MB:.0f} MB |"


def format_goals(costs: Costs, peaks: dict[str, float], step: float, size: float) -> Iterator[str]:
    """The goals, by the clock and by processor time; `step` in seconds, `size` of an adapter in bytes."""
    wall, busy = (
        median_wall_times(costs),
        {name: median(cost.processor for cost in found) for name, found in costs.items()},
    )
    faster, slower = wall[RELEASED] / wall[OURS], wall[OURS] / wall[LOAD_AND_SAVE]
    peak, most = peaks[OURS] / MB, (PARTICLES + 1) * size / MB
    yield "| goal | found | by processor time | wanted | met |"
    yield "|---|---|---|---|---|"
    for what, found, spent, wanted, met in (
        ("released way / ours", f"{faster:.1f}", f"{busy[RELEASED] / busy[OURS]:.1f}", "at least 10", faster >= 10),
        (
            "ours / load + save alone",
            f"{slower:.2f}",
            f"{busy[OURS] / busy[LOAD_AND_SAVE]:.2f}",
            "at most 1.3",
            slower <= 1.3,
        ),
        ("tell + ask", f"{step * 1e3:.2f} ms", "", "under 1 ms", step < 1e-3),
        ("peak memory", f"{peak:.0f} MB", "", f"at most {most:.0f} MB", peak <= most),
    ):
        yield f"| {what} | {found} | {spent} | {wanted} | {'yes' if met else 'no'} |"


def run_repetitions(repetitions: int, folder: Path, *, durable: bool) -> Costs:
    """Every way in every repetition; one more before, to warm up, does not count."""
    costs: Costs = {name: [] for name in METHODS}
    for repetition in range(repetitions + 1):
        for name, way in METHODS.items():
            cost = measure_cost(way, folder, folder / "out", durable=durable)
            costs[name] += [cost] if repetition else []
    return costs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch's, in the released way")
    parser.add_argument("--durable", action="store_true", help="times end when the disk has everything")
    parser.add_argument("--folder", type=Path, help="where to put 5 GB; default: the system's temporary folder")
    parser.add_argument("--memory", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.memory:
        print(memory_growth(arguments.memory, arguments.folder))
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        folder = Path(scratch)
        write_random_adapters(folder)
        costs = run_repetitions(arguments.repetitions, folder, durable=arguments.durable)
        peaks = {name: memory_growth_in_child(name, folder) for name in METHODS}
        size = (folder / "x0" / WEIGHTS_FILE).stat().st_size
    print(f"{arguments.repetitions} repetitions, {os.cpu_count()} cores, {arguments.threads} torch threads,", end=" ")
    print(f"load {os.getloadavg()[0]:.1f}{', durable' if arguments.durable else ''}\n")
    print("\n".join(format_costs(costs, peaks)), end="\n\n")
    print("\n".join(format_goals(costs, peaks, median(time_search_steps()), size)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

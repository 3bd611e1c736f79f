"""Measures the time and memory of a swarm's step, next to the released code's method and to load + save alone.

Four particles over four adapters of 135 MB (rank 64 on q, k, v and o of 32 layers of width 2048, float32, random
numbers), all on one disk. Every method runs in every repetition; the figures are medians. A step is the work between
the scores of one iteration and the four adapter folders of the next.

- *ours*: `optimization.tell` and `optimization.ask` on coefficients, then the four recipes together
  (`combine.write_many`) or one by one (`combine.write`).
- *released method*: the pattern of the code released with Data Swarms (arXiv 2506.00741), transcribed. Every term of
  the update is a merge of adapters on disk: five merges and twelve loads per particle. Its checkpoint copies depend on
  the scores and are left out; five of them (four personal bests, one global best) have their own row.
- *load + save*: `load_file` and `save_file` of four adapters, and nothing else.

The lower bound: load + save maps every byte and writes it. Ours reads and writes the same bytes. It also makes 28
passes over 134 MB for the sums, in the caches (four recipes, four products and three additions each), and four passes
to find values that are not finite. A product and a sum in one pass would round once, and give other bits.

Limits: the files are in the page cache, so the figures are the cost of processor and memory; `--durable` adds a sync of
the disk to every time. Ours uses every core, the released method `--threads` in torch, and load + save one core. Other
work on the cores shifts the ratios, so the load is printed. Memory is Linux's VmHWM, which counts mapped files.
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
    """One method, once."""

    wall: float
    processor: float
    """Seconds over all threads, which other work on the machine distorts less."""


def draw_scores(swarm: SearchState) -> dict[str, float | None]:
    """Return a score for every candidate."""
    return {
        candidate.name: streams.uniform(7, swarm.iteration, candidate.name) for candidate in optimization.ask(swarm)
    }


def time_search_steps() -> list[float]:
    """Return the seconds of tell and ask in every iteration of a search."""
    swarm, times = optimization.start(PLAN), []
    while optimization.stop_reason(swarm) is None:
        scores, begin = draw_scores(swarm), perf_counter()
        swarm = optimization.tell(swarm, scores)
        optimization.ask(swarm)
        times.append(perf_counter() - begin)
    return times


def write_random_adapters(folder: Path) -> None:
    """Write random adapters: the initial ones, and the other ones that the released method keeps on disk."""
    for number, name in enumerate([f"x{k}" for k in range(PARTICLES)] + [f"v{k}" for k in range(PARTICLES)] + ["w"]):
        generator = torch.Generator().manual_seed(number)
        drawn = ((name, 0.01 * torch.randn(shape, generator=generator)) for name, shape in SIGNATURE.tensors.items())
        export.save(folder / name, drawn, SIGNATURE)


def materialize_ours(folder: Path, out: Path, *, together: bool) -> None:
    """Write the next four adapters with our code, together or one by one."""
    swarm = optimization.tell(optimization.start(PLAN), draw_scores(optimization.start(PLAN)))
    swarm = optimization.tell(swarm, draw_scores(swarm))
    positions = [candidate.position for candidate in optimization.ask(swarm) if candidate.name.startswith("p")]
    basis = [Digest(f"{k}" * 64) for k in range(PARTICLES)]
    recipes = [build_mixture(BASE, basis, position) for position in positions]
    folders, outs = [folder / f"x{k}" for k in range(PARTICLES)], [out / f"p{k}" for k in range(PARTICLES)]
    if together:
        combine.write_many(recipes, folders, outs)
    else:
        for recipe, target in zip(recipes, outs, strict=True):
            combine.write(recipe, folders, target)


def merge_as_released(terms: Sequence[tuple[float, Path]], out: Path) -> None:
    """Make one merge of the released method: load every adapter whole, weight and add it, and save the sum."""
    loaded = [(weight, load_file(folder / WEIGHTS_FILE)) for weight, folder in terms]
    total = {name: loaded[0][0] * tensor for name, tensor in loaded[0][1].items()}
    for weight, tensors in loaded[1:]:
        for name, tensor in tensors.items():
            total[name] += weight * tensor
    out.mkdir(parents=True)
    save_file(total, out / WEIGHTS_FILE)


def materialize_as_released(folder: Path, out: Path) -> None:
    """Make five merges per particle, one particle after the other: three differences, the velocity, the position.

    Another particle's position stands for the personal best, and a third one's for the global best. Any position costs
    the same.
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
    """Copy five checkpoints."""
    for k in range(PARTICLES + 1):
        shutil.copytree(folder / f"x{k % PARTICLES}", out / f"best{k}")


def load_and_save(folder: Path, out: Path) -> None:
    """Load and save the four adapters."""
    out.mkdir(parents=True)
    for k in range(PARTICLES):
        save_file(load_file(folder / f"x{k}" / WEIGHTS_FILE), out / f"{k}.safetensors")


Method = Callable[[Path, Path], None]
Costs = dict[str, list[Cost]]
OURS, LOAD_AND_SAVE, RELEASED = "ours, together", "load + save alone", "released method"
METHODS: dict[str, Method] = {
    OURS: lambda folder, out: materialize_ours(folder, out, together=True),
    "ours, one by one": lambda folder, out: materialize_ours(folder, out, together=False),
    LOAD_AND_SAVE: load_and_save,
    RELEASED: materialize_as_released,
    "five checkpoint copies": copy_checkpoints,
}


def measure_cost(method: Method, folder: Path, out: Path, *, durable: bool) -> Cost:
    """Measure one method. The disk is synced before, and its content is the same afterwards."""
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    wall, processor = perf_counter(), process_time()
    method(folder, out)
    if durable:
        os.sync()
    cost = Cost(perf_counter() - wall, process_time() - processor)
    shutil.rmtree(out)
    return cost


def read_process_memory(field: str) -> float:
    """Return bytes of memory of this process: VmRSS is the current value, VmHWM the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def measure_memory_growth_in_child(name: str, folder: Path) -> float:
    """Return the bytes of peak memory beyond those after the imports, measured in a separate process."""
    command = [sys.executable, __file__, "--memory", name, "--folder", str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure_memory_growth(name: str, folder: Path) -> float:
    """Return the bytes of peak memory beyond those after the imports."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak, which the imports have set
    before = read_process_memory("VmRSS")
    METHODS[name](folder, folder / "out")
    shutil.rmtree(folder / "out")
    return read_process_memory("VmHWM") - before


def compute_median_wall_times(costs: Costs) -> dict[str, float]:
    return {name: median(cost.wall for cost in measured) for name, measured in costs.items()}


def format_costs(costs: Costs, peaks: dict[str, float]) -> Iterator[str]:
    yield "| four particles, 135 MB each | wall, median (min) | processor | load + save = 1 | peak memory |"
    yield "|---|---|---|---|---|"
    wall = compute_median_wall_times(costs)
    for name, measured in costs.items():
        times = f"{wall[name]:.2f} s ({min(cost.wall for cost in measured):.2f})"
        processor, ratio = median(cost.processor for cost in measured), wall[name] / wall[LOAD_AND_SAVE]
        yield f"| {name} | {times} | {processor:.2f} s | {ratio:.2f} | {peaks[name] / MB:.0f} MB |"


def format_goals(costs: Costs, peaks: dict[str, float], step: float, size: float) -> Iterator[str]:
    """Yield the goals, by wall time and by processor time. `step`: seconds; `size`: bytes of an adapter."""
    wall, busy = (
        compute_median_wall_times(costs),
        {name: median(cost.processor for cost in measured) for name, measured in costs.items()},
    )
    faster, slower = wall[RELEASED] / wall[OURS], wall[OURS] / wall[LOAD_AND_SAVE]
    peak, most = peaks[OURS] / MB, (PARTICLES + 1) * size / MB
    yield "| goal | measured | by processor time | required | met |"
    yield "|---|---|---|---|---|"
    for goal, measured, spent, required, met in (
        ("released method / ours", f"{faster:.1f}", f"{busy[RELEASED] / busy[OURS]:.1f}", "at least 10", faster >= 10),
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
        yield f"| {goal} | {measured} | {spent} | {required} | {'yes' if met else 'no'} |"


def run_repetitions(repetitions: int, folder: Path, *, durable: bool) -> Costs:
    """Run every method in every repetition; one more before them warms up and does not count."""
    costs: Costs = {name: [] for name in METHODS}
    for repetition in range(repetitions + 1):
        for name, method in METHODS.items():
            cost = measure_cost(method, folder, folder / "out", durable=durable)
            costs[name] += [cost] if repetition else []
    return costs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="torch's threads, in the released method"
    )
    parser.add_argument("--durable", action="store_true", help="include a sync of the disk in every time")
    parser.add_argument("--folder", type=Path, help="the folder for 5 GB; default: the system's temporary folder")
    parser.add_argument("--memory", choices=METHODS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.memory:
        print(measure_memory_growth(arguments.memory, arguments.folder))
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        folder = Path(scratch)
        write_random_adapters(folder)
        costs = run_repetitions(arguments.repetitions, folder, durable=arguments.durable)
        peaks = {name: measure_memory_growth_in_child(name, folder) for name in METHODS}
        size = (folder / "x0" / WEIGHTS_FILE).stat().st_size
    print(f"{arguments.repetitions} repetitions, {os.cpu_count()} cores, {arguments.threads} torch threads,", end=" ")
    print(f"load {os.getloadavg()[0]:.1f}{', durable' if arguments.durable else ''}\n")
    print("\n".join(format_costs(costs, peaks)), end="\n\n")
    print("\n".join(format_goals(costs, peaks, median(time_search_steps()), size)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

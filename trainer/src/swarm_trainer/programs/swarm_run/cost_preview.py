"""Describes what a SwarmRun costs at most, for `dataswarm validate`: tokens, calls, hours, memory and disk.

Sizes are read from models on this machine. Of a remote model nothing is known until it is fetched, and no size is
guessed.
"""

from collections.abc import Iterator, Mapping, Sequence

from swarm_core import costs
from swarm_core.api.execution import InferenceType
from swarm_core.api.resolved import RemoteTaker, ResolvedSpec, ResolvedTaker, TrainedAdapters
from swarm_core.costs import MemoryNeed, ModelSize, Writer
from swarm_trainer.programs.swarm_run import preview

TEXTS_AT_ONCE = {InferenceType.VLLM: 64, InferenceType.LOCAL: 128, InferenceType.AUTO: 128}
"""The most texts that each engine works on at one time: `ClientSettings.concurrency` and `LocalSettings.batch_rows`."""
GIB, MIB = 2**30, 2**20
UNKNOWN = "unknown"


def describe_costs(
    resolved: ResolvedSpec, sizes: Mapping[str, ModelSize], tokens_per_second: float | None
) -> Iterator[tuple[str, str]]:
    """Yield pairs of a subject and a line. `sizes`: those of the models on this machine, by URI."""
    writers = list_writers(resolved)
    yield "tokens", describe_tokens(resolved, writers)
    if resolved.access:
        yield "calls", describe_calls(resolved)
    yield "time", describe_time(sum(writer.written for writer in writers), tokens_per_second)
    for uri in list_models(resolved):
        yield "memory", describe_memory(resolved, uri, sizes.get(uri))
    yield "disk", describe_disk(resolved, sizes, sum(writer.written for writer in writers))


def list_writers(resolved: ResolvedSpec) -> tuple[Writer, Writer]:
    """Return the requests to the generators, and those to the takers and students that the run serves itself."""
    limits, rivals = preview.estimate_limits(resolved), preview.estimate_rival_limits(resolved)
    per_taker = (limits.answers + rivals.answers) // max(1, len(resolved.takers))
    unseen, student = preview.limit_unseen_items(resolved), resolved.evaluation.student
    answers = per_taker * count_local(resolved.takers) + unseen * count_local(resolved.unseen)
    answers += 0 if student is None else preview.count_student_answers(student)
    generation, answering = resolved.generation, resolved.answering
    return (
        Writer(
            (limits.requested + rivals.requested) // generation.shots,
            generation.max_tokens + generation.thinking_tokens,
        ),
        Writer(preview.count_tries(resolved) * answers, answering.max_tokens + answering.thinking_tokens),
    )


def count_local(takers: Sequence[ResolvedTaker | RemoteTaker]) -> int:
    """Count the takers that the run serves itself."""
    return len(takers) - preview.count_remote(takers)


def describe_tokens(resolved: ResolvedSpec, writers: tuple[Writer, Writer]) -> str:
    """Describe the most tokens that are written, read and trained on."""
    generators, takers = writers
    read, origin = costs.limit_read_tokens(writers, resolved.base.max_model_len), resolved.generators.origin
    trained = ""
    if isinstance(origin, TrainedAdapters):
        block = origin.training
        seen = resolved.generators.count * block.pairs * block.epochs * block.max_length
        trained = f"; training sees {seen:,}"
    written = f"{generators.written:,} written by generators, {takers.written:,} by takers of the run"
    return f"at most {written}; {read:,} read{trained}"


def describe_calls(resolved: ResolvedSpec) -> str:
    """Describe the most calls of models at endpoints, by role."""
    asked = preview.estimate_calls(resolved)
    return "at most " + ", ".join(f"{count:,} of {role}" for role, count in asked.items() if count)


def describe_time(tokens: int, tokens_per_second: float | None) -> str:
    """Describe the hours of an accelerator, and the rate that they rest on."""
    rate = tokens_per_second or costs.ASSUMED_RATE
    origin = "as given" if tokens_per_second else "assumed; --tokens-per-second takes the rate that you measured"
    hours = costs.estimate_hours(tokens, rate)
    return f"at most {hours:,.1f} accelerator-hours to write these tokens at {rate:,g} tokens per second ({origin})"


def list_models(resolved: ResolvedSpec) -> tuple[str, ...]:
    """Return the URIs of the models that the run serves itself, the base first."""
    takers = (taker.model for taker in resolved.every_taker if isinstance(taker, ResolvedTaker))
    return tuple(dict.fromkeys((resolved.base.model, *takers)))


def describe_memory(resolved: ResolvedSpec, uri: str, size: ModelSize | None) -> str:
    """Describe the memory of an accelerator that a copy of a model needs at most."""
    if size is None:
        return f"{uri}: {UNKNOWN} until it is fetched"
    texts, longest = TEXTS_AT_ONCE[resolved.execution.local.inference], resolved.base.max_model_len
    is_base = uri == resolved.base.model
    live = resolved.max_live_candidates + len(resolved.takers) if is_base else 0
    numbers = count_adapter_numbers(resolved, size) if is_base else 0
    need = costs.estimate_memory(size, str(resolved.base.dtype), texts, longest, live, numbers)
    return f"{uri}: {format_need(need)} ({texts} texts of {longest:,} tokens, {live} adapters); activations come on top"


def format_need(need: MemoryNeed) -> str:
    """Format what a model needs, in GiB."""
    parts_of_need = {"of weights": need.weights, "of keys and values": need.cache, "of adapters": need.adapters}
    return ", ".join(f"{format_gib(count)} {what}" for what, count in parts_of_need.items())


def format_gib(count: int | None) -> str:
    """Format a number of bytes in GiB, or in MiB if it is small."""
    if count is None:
        return UNKNOWN
    return f"{count / GIB:,.2f} GiB" if count >= GIB / 10 else f"{count / MIB:,.1f} MiB"


def count_adapter_numbers(resolved: ResolvedSpec, size: ModelSize) -> int | None:
    """Return the numbers in an adapter of the base; None for given adapters, whose rank their files state."""
    origin = resolved.generators.origin
    if not isinstance(origin, TrainedAdapters):
        return None
    return costs.count_adapter_numbers(size, origin.training.rank, origin.training.target_modules)


def count_kept_adapters(resolved: ResolvedSpec) -> int:
    """Count the adapters of generators that the store keeps at most: the initial ones, and the best sum, or those of a
    front. Those that rivals train or merge are not counted."""
    ends = 0 if resolved.pareto is None else len(resolved.pareto.terms)
    return resolved.generators.count + 1 + ends


def count_students(resolved: ResolvedSpec) -> int:
    """Count the adapters of students, all of which the store keeps."""
    student = resolved.evaluation.student
    return 0 if student is None else preview.STUDENT_DATA_SETS * student.seeds


def count_student_numbers(resolved: ResolvedSpec, size: ModelSize) -> int:
    """Return the numbers in an adapter of a student; 0 without one."""
    student = resolved.evaluation.student
    if student is None:
        return 0
    return costs.count_adapter_numbers(size, student.training.rank, student.training.target_modules)


def describe_disk(resolved: ResolvedSpec, sizes: Mapping[str, ModelSize], tokens: int) -> str:
    """Describe the disk that the store needs for texts and adapters, and the cache for models."""
    size, kept, students = sizes.get(resolved.base.model), count_kept_adapters(resolved), count_students(resolved)
    numbers = None if size is None else count_adapter_numbers(resolved, size)
    adapters, besides = None, " besides those of rivals" if resolved.rivals else ""
    if size is not None and numbers is not None:
        in_float32 = kept * numbers + students * count_student_numbers(resolved, size)
        adapters = costs.BYTES_PER_NUMBER["float32"] * in_float32
    stored = [sizes[uri].stored_bytes if uri in sizes else None for uri in list_models(resolved)]
    models = None if None in stored else sum(one for one in stored if one is not None)
    texts = format_gib(tokens * costs.BYTES_PER_TOKEN)
    return (
        f"at most {texts} of texts, at {costs.BYTES_PER_TOKEN} bytes per token; {kept + students} adapters{besides}:"
        f" {format_gib(adapters)}; weights of models: {format_gib(models)}"
    )

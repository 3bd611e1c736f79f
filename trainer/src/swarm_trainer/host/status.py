"""`status.json`: the run at a glance, for people and programs. A projection: it is written and never read back
here.
"""

import json
from dataclasses import asdict

from pydantic.alias_generators import to_camel

from swarm_core.engine import run_summary
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.programs import search_summary
from swarm_core.swarm_names import TAKERS
from swarm_trainer.host.run_folder import RunIdentity


def format_status(identity: RunIdentity, outline: Outline, state: EngineState) -> bytes:
    """The status as JSON: camelCase, missing numbers null, times in seconds since 1970-01-01 UTC."""
    search, takers = search_summary.summarize(state), state.search(TAKERS)
    particles = [{"name": name, "fitness": fitness} for name, fitness in search.particles]
    found = {**asdict(search), "particles": particles, "taker": takers.best, "held_out": takers.held_out}
    report = {**asdict(run_summary.summarize(outline, state)), **found}
    fields = {"name": identity.name, "specDigest": identity.digest, **report}
    return json.dumps(to_camel_keys(fields), indent=1, allow_nan=False).encode() + b"\n"


def to_camel_keys(value: object) -> object:
    """`value` with every key of every object in camelCase."""
    if isinstance(value, dict):
        return {to_camel(key): to_camel_keys(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_camel_keys(part) for part in value]
    return value

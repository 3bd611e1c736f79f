"""The parts that come with dataswarm: tables from the name that a spec gives to where the part is defined.

One more part is one file and one line here. A key is what a spec writes; a value is `module:attribute`.

Limits: holds names only and imports nothing of what they name.
"""

from collections.abc import Mapping
from types import MappingProxyType

PROGRAMS: Mapping[str, str] = MappingProxyType({
    "SwarmRun": "swarm_core.programs.swarm_run.program:PROGRAM",
    "AdversarialRun": "swarm_core.programs.adversarial_run.program:PROGRAM",
})  # fmt: skip
"""Kinds of run (`swarm_core.programs.program.Program`). Another distribution adds one by an entry point of
`dataswarm.programs` whose name is the kind."""

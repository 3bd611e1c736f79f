"""The catalog of built-in parts: tables from the name in a spec to the place of the definition.

To add a part, add a file, and a line here. The enums of the API are made from the keys. A line names a class with
`from_config`, its factory, and `revision`, which is raised when its results change. A key is in CamelCase and the name
of a plug-in is in lower case, so a plug-in never hides a built-in.

Limits: it has only names and imports no part, so the API, the CRD and the operator load none. `plugins.load_factory`
imports a part when it is first needed.
"""

from collections.abc import Mapping
from types import MappingProxyType

PLUGIN = "Plugin"
"""The type that a spec uses for a plug-in, which another distribution provides."""

OBJECTIVES: Mapping[str, str] = MappingProxyType({
    "Difficulty": "swarm_core.objectives.difficulty:Difficulty",
    "Separation": "swarm_core.objectives.separation:Separation",
})  # fmt: skip
VERIFIERS: Mapping[str, str] = MappingProxyType({
    "Arithmetic": "swarm_core.judges.arithmetic:ArithmeticJudge",
})  # fmt: skip
"""Judges that compute the correct answer and ask no model."""
JUDGES: Mapping[str, str] = MappingProxyType({
    "Model": "swarm_core.judges.rubric:RubricJudge",
})  # fmt: skip
"""Judges of other kinds. A spec chooses one of `VERIFIERS` with type `Verifier`."""
STANDARD_GATES: Mapping[str, str] = MappingProxyType({
    "Verifiable": "swarm_core.gates.verifiable:VerifiableGate",
    "HeldOut": "swarm_core.gates.held_out_gate:HeldOutGate",
    "Duplicate": "swarm_core.gates.duplicate:DuplicateGate",
    "Answerable": "swarm_core.gates.answerable:AnswerableGate",
})  # fmt: skip
"""The standard gates of a run, in the order in which items pass them.

Gates that ask no model come first. `Duplicate` follows, because it remembers the items that it admits. Gates that ask a
model come last, because asking is expensive.
"""
GATES: Mapping[str, str] = MappingProxyType({})
"""Gates that a spec may add. Items pass them after the standard gates."""

PROGRAMS: Mapping[str, str] = MappingProxyType({
    "SwarmRun": "swarm_core.programs.swarm_run.swarm_run_program:PROGRAM",
    "AdversarialRun": "swarm_core.programs.adversarial_run.adversarial_run_program:PROGRAM",
})  # fmt: skip
"""Kinds of run (`swarm_core.programs.program_protocol.Program`). Another distribution adds one by an entry point of
`dataswarm.programs` whose name is the kind."""

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "objectives": OBJECTIVES, "verifiers": VERIFIERS, "judges": JUDGES, "gates": {**STANDARD_GATES, **GATES},
})  # fmt: skip
"""Every table of parts by its group. The plug-ins of a group are the entry points of `dataswarm.GROUP`."""

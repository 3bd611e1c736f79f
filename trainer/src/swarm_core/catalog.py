"""The parts that come with dataswarm: tables from the name that a spec gives to where the part is defined.

One more part is one file and one line here; the enums of the API are made from the keys. A line names a class with
`from_config`, the factory, and `revision`, which is raised when results change. A key is in CamelCase, the name of a
plug-in in lower case, so no plug-in ever hides a built-in.

Limits: holds names only and imports nothing of what they name, so that the API, the CRD and the operator load no part.
`plugins.load` imports a part when it is first needed.
"""

from collections.abc import Mapping
from types import MappingProxyType

PLUGIN = "Plugin"
"""What a spec writes in place of a key for a part that another distribution brings."""

OBJECTIVES: Mapping[str, str] = MappingProxyType({
    "Difficulty": "swarm_core.objectives.difficulty:Difficulty",
    "Separation": "swarm_core.objectives.separation:Separation",
})  # fmt: skip
VERIFIERS: Mapping[str, str] = MappingProxyType({
    "Arithmetic": "swarm_core.judges.arithmetic:ArithmeticJudge",
})  # fmt: skip
"""Judges that know the right answer and ask nobody."""
JUDGES: Mapping[str, str] = MappingProxyType({
    "Model": "swarm_core.judges.rubric:RubricJudge",
})  # fmt: skip
"""Judges of other kinds; `Verifier` is written for one of `VERIFIERS`."""
STANDARD_GATES: Mapping[str, str] = MappingProxyType({
    "Verifiable": "swarm_core.gates.verifiable:VerifiableGate",
    "HeldOut": "swarm_core.gates.held_out_gate:HeldOutGate",
    "Duplicate": "swarm_core.gates.duplicate:DuplicateGate",
    "Answerable": "swarm_core.gates.answerable:AnswerableGate",
})  # fmt: skip
"""Gates that runs have of themselves, in the order in which items meet them: those that a program can tell first, then
`Duplicate`, because it remembers what it admits, and those that ask a model at the end, because asking costs."""
GATES: Mapping[str, str] = MappingProxyType({})
"""Gates that a spec may add. Items meet them after the standard ones."""

PROGRAMS: Mapping[str, str] = MappingProxyType({
    "SwarmRun": "swarm_core.programs.swarm_run.swarm_run_program:PROGRAM",
    "AdversarialRun": "swarm_core.programs.adversarial_run.adversarial_run_program:PROGRAM",
})  # fmt: skip
"""Kinds of run (`swarm_core.programs.program_protocol.Program`). Another distribution adds one by an entry point of
`dataswarm.programs` whose name is the kind."""

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "objectives": OBJECTIVES, "verifiers": VERIFIERS, "judges": JUDGES, "gates": {**STANDARD_GATES, **GATES},
})  # fmt: skip
"""Every table of parts by its group; the plug-ins of a group are the entry points of `dataswarm.GROUP`."""

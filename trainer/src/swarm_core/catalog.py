"""The parts that come with dataswarm: tables from the name that a spec gives to where the part is defined.

One more part is one file and one line here; the enums of the API are made from the keys. A key is in CamelCase, the
name of a plug-in in lower case, so no plug-in ever hides a built-in.

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
GATES: Mapping[str, str] = MappingProxyType({})
"""Gates that a spec may add to those that every run has."""

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "objectives": OBJECTIVES, "verifiers": VERIFIERS, "judges": JUDGES, "gates": GATES,
})  # fmt: skip
"""Every table by its group; the plug-ins of a group are the entry points of `dataswarm.GROUP`."""

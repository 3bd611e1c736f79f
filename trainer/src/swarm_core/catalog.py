"""The catalog of built-in parts: tables from the name in a spec to the place of the definition.

To add a part, add a file, and a line here. The blocks of the API are made from the keys and the classes. A line names a
class with `settings`, the class of its settings, `from_settings`, its factory, and `revision`, which is raised when its
results change. A key is in CamelCase and the name of a plug-in is in lower case, so a plug-in never hides a built-in.

Limits: it has only names and imports no part. The API imports every part, to make its blocks, so the module of a part
imports heavy libraries inside the functions that need them.
"""

from collections.abc import Mapping
from types import MappingProxyType

PLUGIN = "Plugin"
"""The type that a spec uses for a plug-in, which another distribution provides."""

OBJECTIVES: Mapping[str, str] = MappingProxyType({
    "Difficulty": "swarm_core.objectives.difficulty:Difficulty",
    "Separation": "swarm_core.objectives.separation:Separation",
    "Novelty": "swarm_core.objectives.novelty:Novelty",
    "Personalization": "swarm_core.objectives.personalization:Personalization",
    "Consistency": "swarm_core.objectives.consistency:Consistency",
})  # fmt: skip
VERIFIERS: Mapping[str, str] = MappingProxyType({
    "Arithmetic": "swarm_core.judges.arithmetic:ArithmeticJudge",
    "WordProblem": "swarm_core.judges.word_problem:WordProblemJudge",
    "Number": "swarm_core.judges.number:NumberJudge",
    "ExactMatch": "swarm_core.judges.exact_match:ExactMatchJudge",
    "MultipleChoice": "swarm_core.judges.multiple_choice:MultipleChoiceJudge",
    "GraphConnectivity": "swarm_core.judges.graph_connectivity:GraphConnectivityJudge",
    "ShortestPath": "swarm_core.judges.shortest_path:ShortestPathJudge",
})  # fmt: skip
"""Judges that compute the correct answer and ask no model."""
JUDGES: Mapping[str, str] = MappingProxyType({
    "Model": "swarm_core.judges.rubric:RubricJudge",
    "RewardModel": "swarm_core.judges.reward_model:RewardModelJudge",
})  # fmt: skip
"""Judges of other kinds. A spec chooses one of `VERIFIERS` with type `Verifier`."""
GATES: Mapping[str, str] = MappingProxyType({
    "Verifiable": "swarm_core.gates.verifiable:VerifiableGate",
    "HeldOut": "swarm_core.gates.held_out_gate:HeldOutGate",
    "Seed": "swarm_core.gates.seed_gate:SeedGate",
    "Duplicate": "swarm_core.gates.duplicate:DuplicateGate",
    "Contamination": "swarm_core.gates.contamination:ContaminationGate",
    "Language": "swarm_core.gates.language:LanguageGate",
    "Refusal": "swarm_core.gates.refusal_gate:RefusalGate",
    "Classifier": "swarm_core.gates.classifier_gate:ClassifierGate",
    "Answerable": "swarm_core.gates.answerable:AnswerableGate",
    "Criterion": "swarm_core.gates.criterion:CriterionGate",
})  # fmt: skip
DEFAULT_GATES = ("Verifiable", "HeldOut", "Seed", "Duplicate")
"""The gates of a run whose spec lists none, in the order in which items pass them. A judge may add some
(`default_gates` of its class). Gates that ask a model come last, because asking is expensive."""

RIVALS: Mapping[str, str] = MappingProxyType({
    "FewShotBase": "swarm_core.rivals.few_shot_base:FewShotBase",
    "UniformSoup": "swarm_core.rivals.uniform_soup:UniformSoup",
    "Slerp": "swarm_core.rivals.slerp:Slerp",
    "DareTies": "swarm_core.rivals.dare_ties:DareTies",
    "BestOfN": "swarm_core.rivals.best_of_n:BestOfN",
    "RandomSearch": "swarm_core.rivals.random_search:RandomSearch",
    "CmaEs": "swarm_core.rivals.cma_es:CmaEs",
    "Dpo": "swarm_core.rivals.dpo:Dpo",
    "Rewrite": "swarm_core.rivals.rewrite:Rewrite",
    "DescriptionSearch": "swarm_core.rivals.description_search:DescriptionSearch",
})  # fmt: skip
"""Rivals of a search (`swarm_core.rivals.rival.Rival`), in the order of the guide's table."""

OPTIMIZERS: Mapping[str, str] = MappingProxyType({
    "Standard": "swarm_core.optimizers.standard:Standard",
    "Published": "swarm_core.optimizers.published:Published",
    "RandomSearch": "swarm_core.optimizers.random_search:RandomSearch",
    "CmaEs": "swarm_core.optimizers.cma_es:CmaEs",
    "MultiObjective": "swarm_core.optimizers.multi_objective:MultiObjective",
})  # fmt: skip
"""Optimizers (`swarm_core.optimizers.optimizer.Optimizer`). A key is the `name` of its class. Standard and Published
are rules of the optimizer `ParticleSwarm`."""

PROGRAMS: Mapping[str, str] = MappingProxyType({
    "SwarmRun": "swarm_core.programs.swarm_run.swarm_run_program:PROGRAM",
    "AdversarialRun": "swarm_core.programs.adversarial_run.adversarial_run_program:PROGRAM",
})  # fmt: skip
"""Kinds of run (`swarm_core.programs.program_protocol.Program`). Another distribution adds one by an entry point of
`dataswarm.programs` whose name is the kind."""

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "objectives": OBJECTIVES, "verifiers": VERIFIERS, "judges": JUDGES, "gates": GATES, "rivals": RIVALS,
})  # fmt: skip
"""Every table of parts by its group. The plug-ins of a group are the entry points of `dataswarm.GROUP`."""

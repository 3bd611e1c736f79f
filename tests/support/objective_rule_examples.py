"""Examples of the rules of objectives with several terms, of formats and of the words of prompts."""

import part_documents
from rule_example import Example
from swarmrun_documents import (
    APART,
    CORPUS,
    FIRST,
    GOAL,
    GONE,
    HARD,
    OTHER_GOAL,
    PLUGIN,
    SECOND,
    UNSEEN,
    trade,
    weigh,
)

WEIGHTED_EXAMPLES = (
    Example(
        "questions alone have no answers to check; remove it, or set format to QuestionsAndAnswers or MultipleChoice",
        {"spec.generation": {"format": "QuestionsAndAnswers", "answerCheck": "Takers"}},
        {"spec.generation": {"answerCheck": "Takers"}},
    ),
    Example(
        "agreeingTakers counts takers, but answerCheck does not ask them; remove one of them",
        {"spec.generation": {"format": "MultipleChoice", "answerCheck": "JudgeAndTakers", "agreeingTakers": 1}},
        {"spec.generation": {"format": "MultipleChoice", "answerCheck": "Judge", "agreeingTakers": 1}},
    ),
    Example(
        "more takers must agree than there are; lower agreeingTakers, or list more takers",
        {"spec.generation": {"format": "MultipleChoice", "agreeingTakers": 2}},
        {"spec.generation": {"format": "MultipleChoice", "agreeingTakers": 3}},
    ),
    Example(
        "Plain prompts have no system text; remove system, or set base.template to Chat",
        {"spec.base.template": "Plain", "spec.prompts": {"generation": {"text": "List more:\n{examples}"}}},
        {"spec.base.template": "Plain", "spec.prompts": {"generation": {"system": "You write tests."}}},
    ),
    Example(
        "Plain prompts of takers have no system text; remove system, or set base.template to Chat",
        {"spec.base.template": "Plain", "spec.takers": [FIRST], "spec.prompts": {"answering": {"system": "Be brief."}}},
        {"spec.base.template": "Plain", "spec.takers.1": FIRST, "spec.prompts": {"answering": {"system": "Be brief."}}},
    ),
    Example(
        "Plain prompts of takers have no system text; remove system, or set base.template to Chat",
        {
            "spec.base.template": "Plain",
            "spec.takers": [FIRST],
            "spec.evaluation.unseen": [{"name": "more", "endpoint": part_documents.OMITTING}],
            "spec.prompts": {"answering": {"system": "Be brief."}},
        },
        {
            "spec.base.template": "Plain",
            "spec.takers": [FIRST],
            "spec.evaluation.unseen": [UNSEEN],
            "spec.prompts": {"answering": {"system": "Be brief."}},
        },
    ),
    Example(
        "weighted is given exactly when type is Weighted; write both, or neither",
        {"spec.objective": weigh(HARD, APART)},
        {"spec.objective": {"type": "Weighted"}},
    ),
    Example(
        "a term with a weight of 0 and no floor has no effect; give it a weight or atLeast, or remove it",
        {"spec.objective": weigh(HARD, {**APART, "weight": 0, "atLeast": 0.1})},
        {"spec.objective": weigh(HARD, {**APART, "weight": 0})},
    ),
    Example(
        "a weighted sum has either a preset or terms; write one of them",
        {"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper"}}},
        {"spec.objective": weigh(HARD, APART, preset="Paper")},
    ),
    Example(
        "a weighted sum has either a preset or terms; write one of them",
        {"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper", "normalize": "None"}}},
        {"spec.objective": {"type": "Weighted", "weighted": {"normalize": "Start"}}},
    ),
    Example(
        "a preset adds values as they are; remove normalize, or write the terms of the preset",
        {"spec.objective": weigh(HARD, APART, normalize="Start")},
        {"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper", "normalize": "Start"}}},
    ),
    Example(
        "one term without a floor is no sum; choose its objective as the type, or add a term or atLeast",
        {"spec.objective": weigh({**HARD, "atLeast": 0.2})},
        {"spec.objective": weigh(HARD)},
    ),
    Example(
        "all weights are 0, so there is nothing to maximize; give at least one term a weight above 0",
        {"spec.objective": weigh(HARD, {**APART, "weight": 0, "atLeast": 0.1})},
        {"spec.objective": weigh(*({**term, "weight": 0, "atLeast": 0.1} for term in (HARD, APART)))},
    ),
    Example(
        "another term has this name; give each term its own name",
        {"spec.objective": weigh(HARD, {"objective": PLUGIN, "weight": 1}, {**HARD, "name": "again"})},
        {"spec.objective": weigh(HARD, {"objective": PLUGIN, "weight": 1}, {**APART, "name": "mine"})},
    ),
    Example(
        "no term of this objective asks a taker; remove takers, or add a term that asks them",
        {"spec.objective": {**weigh({"objective": {"type": "Personalization"}, "weight": 1}, HARD), **CORPUS}},
        {
            "spec.objective": {
                **weigh({"objective": {"type": "Personalization"}, "weight": 1, "atLeast": 1}),
                **CORPUS,
            }
        },
    ),
    Example(
        "objective Separation needs at least 2 takers; list more takers, or choose another objective",
        {"spec.objective": weigh(HARD, APART)},
        {"spec.objective": weigh(HARD, APART), "spec.takers": [FIRST]},
    ),
    Example(
        "objective Novelty needs at least 2 takers; list more takers, or choose another objective",
        {
            "spec.objective": weigh(HARD, {"objective": {"type": "Novelty"}, "weight": 1}),
            "spec.takers": [FIRST, SECOND],
        },
        {"spec.objective": weigh(HARD, {"objective": {"type": "Novelty"}, "weight": 1}), "spec.takers": [FIRST]},
    ),
    Example(
        "an objective of type Personalization compares items with a corpus; write corpus with the uri of one",
        {"spec.objective": {**weigh({"objective": {"type": "Personalization"}, "weight": 1}, HARD), **CORPUS}},
        {"spec.objective": weigh({"objective": {"type": "Personalization"}, "weight": 1}, HARD)},
    ),
    Example(
        "only an objective of type Novelty, Plugin uses a reference set; remove reference, or set another type",
        {"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper"}, "reference": {"items": 9}}},
        {"spec.objective": {**weigh(HARD, APART), "reference": {"items": 9}}},
    ),
)
"""The rules of weighted sums."""
PARETO_EXAMPLES = (
    Example(
        "pareto is given exactly when type is Pareto; write both, or neither",
        trade(GOAL, OTHER_GOAL),
        {"spec.objective": {"type": "Pareto"}, "spec.swarm.rule": "MultiObjective"},
    ),
    Example(
        "another term has this name; give each term its own name",
        trade(GOAL, {**GOAL, "name": "again"}),
        trade(GOAL, GOAL),
    ),
    Example(
        "an objective of type Pareto needs rule MultiObjective, which keeps a front; set swarm.rule to MultiObjective",
        trade(GOAL, OTHER_GOAL),
        {**trade(GOAL, OTHER_GOAL), "spec.swarm.rule": "Standard"},
    ),
    Example(
        "an objective of type Pareto needs rule MultiObjective, which keeps a front; set swarm.rule to MultiObjective",
        trade(GOAL, {"objective": PLUGIN}),
        {**trade(GOAL, OTHER_GOAL), "spec.swarm.rule": GONE, "spec.swarm.optimizer": "CmaEs"},
    ),
    Example(
        "rule MultiObjective searches for a front; set objective.type to Pareto, or choose rule Standard or Published",
        trade(GOAL, OTHER_GOAL),
        {"spec.swarm.rule": "MultiObjective"},
    ),
    Example(
        "rivals are compared by one value, and an objective of type Pareto has a front; remove evaluation.rivals",
        {**trade(GOAL, OTHER_GOAL), "spec.evaluation.rivals": []},
        {**trade(GOAL, OTHER_GOAL), "spec.evaluation.rivals": [{"type": "UniformSoup"}]},
    ),
    Example(
        "unseen takers judge one generator by one value, and an objective of type Pareto has a front; remove"
        " evaluation.unseen",
        {**trade(GOAL, OTHER_GOAL), "spec.evaluation.unseen": []},
        {**trade(GOAL, OTHER_GOAL), "spec.evaluation.unseen": [{"name": f"u{n}", "model": f"m{n}"} for n in range(2)]},
    ),
    Example(
        "multiObjective belongs to rule MultiObjective; remove it, or set rule to MultiObjective",
        {**trade(GOAL, OTHER_GOAL), "spec.swarm.multiObjective": {"archive": 8}},
        {"spec.swarm.multiObjective": {"archive": 8}},
    ),
    Example(
        "objective Separation needs at least 2 takers; list more takers, or choose another objective",
        trade(GOAL, OTHER_GOAL),
        {**trade(GOAL, OTHER_GOAL), "spec.takers": [FIRST]},
    ),
    Example(
        "no term of this objective asks a taker; remove takers, or add a term that asks them",
        {
            "spec.objective": {**trade({"objective": {"type": "Personalization"}}, GOAL)["spec.objective"], **CORPUS},
            "spec.swarm.rule": "MultiObjective",
        },
        {
            "spec.objective": {
                **trade(*({"objective": {"type": "Personalization"}, "name": name} for name in "ab"))["spec.objective"],
                **CORPUS,
            },
            "spec.swarm.rule": "MultiObjective",
        },
    ),
)
"""The rules of Pareto fronts."""

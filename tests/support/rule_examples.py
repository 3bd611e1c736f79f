"""For every rule of the CRD one document that it accepts, and one that it refuses."""

import part_documents
from objective_rule_examples import PARETO_EXAMPLES, WEIGHTED_EXAMPLES
from rule_example import Example
from swarmrun_documents import (
    CLUSTER,
    ENDPOINT,
    EXACT,
    FAR_PLUGIN,
    FIRST,
    GONE,
    MARKS,
    MODEL,
    PANEL,
    PERSONAL,
    PLUGIN,
    SECOND,
    UNSEEN,
)

from swarm_core.api import judging, pods
from swarm_core.blocks.scalars import LOCAL_URI_HELP, RUN_URI_HELP, URI_HELP

WITH_PLUGIN = "plugin is given exactly when type is Plugin; write both, or neither"
EXAMPLES = (
    Example(WITH_PLUGIN, {"spec.objective": PLUGIN}, {"spec.objective": {"type": "Plugin"}}),
    Example(WITH_PLUGIN, {"spec.gates": [PLUGIN, PLUGIN]}, {"spec.gates": [PLUGIN, {"type": "Plugin"}]}),
    Example(WITH_PLUGIN, {"spec.judge": FAR_PLUGIN}, {"spec.judge": {"type": "Plugin"}}),
    Example(
        WITH_PLUGIN,
        {"spec.judge.verifier": PLUGIN},
        {"spec.judge.verifier": {**PLUGIN, "type": "Arithmetic"}},
    ),
    Example(
        "adapters are generators that are already trained; remove adapters, or remove training and clustering",
        {"spec.generators.adapters": ["a", "b"]},
        {"spec.generators.adapters": ["a", "b"], "spec.generators.training": {}},
    ),
    Example(
        "adapters are generators that are already trained; remove adapters, or remove training and clustering",
        {"spec.generators.training": {}, "spec.generators.clustering": {}},
        {"spec.generators.adapters": ["a", "b"], "spec.generators.clustering": {}},
    ),
    Example(
        "count differs from the number of adapters; remove count",
        {"spec.generators.adapters": ["a", "b"], "spec.generators.count": 2},
        {"spec.generators.adapters": ["a", "b"], "spec.generators.count": 3},
    ),
    Example(
        "kmeans belongs to type KMeans; remove it, or set type to KMeans",
        {"spec.generators.clustering": {"kmeans": {}}},
        {"spec.generators.clustering": {"type": "Field", "kmeans": {}}},
    ),
    Example(
        "field belongs to type Field; remove it, or set type to Field",
        {"spec.generators.clustering": {"type": "Field", "field": {"name": "topic"}}},
        {"spec.generators.clustering": {"field": {}}},
    ),
    Example(
        "model is given exactly when type is Model; write both, or neither",
        {"spec.generators.clustering.kmeans.embedder": MODEL},
        {"spec.generators.clustering.kmeans.embedder": {"type": "Model"}},
    ),
    Example(
        "model is given exactly when type is Model; write both, or neither",
        {"spec.generators.clustering.kmeans.embedder": {"type": "Tfidf"}},
        {"spec.generators.clustering.kmeans.embedder": {"model": {"uri": "models/embedder"}}},
    ),
    Example(
        "this rival is listed twice; remove one of them",
        {"spec.evaluation.rivals": [{"type": "UniformSoup"}, PLUGIN]},
        {"spec.evaluation.rivals": [PLUGIN, {"type": "UniformSoup"}, PLUGIN]},
    ),
    Example(
        "another taker has this name; give each taker its own name",
        {"spec.takers": [{"name": "a"}, {"name": "b"}]},
        {"spec.takers": [{"name": "a"}, {"name": "b"}, {"name": "a", "adapter": "x"}]},
    ),
    Example(
        "another taker has this name; give each unseen taker a name of its own",
        {"spec.evaluation.unseen": [{"name": "other", "model": "models/other"}, {"name": "more", "model": "m"}]},
        {"spec.evaluation.unseen": [{"name": "other", "model": "models/other"}, {"name": "bare", "model": "m"}]},
    ),
    Example(
        "a taker of the search is this model, so it is not unseen; give a model that no taker has, or remove that"
        " taker",
        {"spec.evaluation.unseen": [{**UNSEEN, "adapter": "takers/tuned"}]},
        {"spec.evaluation.unseen": [UNSEEN, {"name": "more", "model": "models/base", "adapter": "takers/tuned"}]},
    ),
    Example(
        "a search that asks no taker has nothing to transfer to others; remove unseen",
        {"spec.objective": PERSONAL, "spec.takers": [], "spec.evaluation.unseen": []},
        {"spec.objective": PERSONAL, "spec.takers": [], "spec.evaluation.unseen": [UNSEEN]},
    ),
    *(
        Example(
            f"objective {name} compares takers, so it is measured with at least 2 unseen ones; list more, or none",
            {"spec.objective.type": name, "spec.evaluation.unseen": [UNSEEN, {**UNSEEN, "name": "more"}]},
            {"spec.objective.type": name, "spec.evaluation.unseen": [UNSEEN]},
        )
        for name in ("Separation", "Novelty")
    ),
    *(
        Example(
            f"objective {name} needs at least {least} taker{'s' * (least > 1)}; list more takers, or choose another"
            " objective",
            {"spec.objective.type": name},
            {"spec.objective.type": name, "spec.takers": [{"name": "a"}] * (least - 1)},
        )
        for name, least in (("Difficulty", 1), ("Separation", 2), ("Novelty", 2), ("Consistency", 1))
    ),
    Example(
        "objective Personalization asks no taker; remove takers, or choose another objective",
        {"spec.objective": PERSONAL, "spec.takers": GONE},
        {"spec.objective": PERSONAL},
    ),
    Example(
        "only an objective of type Novelty, Plugin uses a reference set; remove reference, or set another type",
        {"spec.objective": {"type": "Novelty", "reference": {"uri": "data/reference.jsonl", "items": 100}}},
        {"spec.objective": {"type": "Difficulty", "reference": {}}},
    ),
    Example(
        "only an objective of type Personalization, Plugin uses a corpus; remove corpus, or set another type",
        {"spec.objective": PERSONAL, "spec.takers": []},
        {"spec.objective": {"type": "Difficulty", "corpus": {"uri": "data/user.jsonl"}}},
    ),
    Example(
        "an objective of type Personalization compares items with a corpus; write corpus with the uri of one",
        {"spec.objective": PERSONAL, "spec.takers": []},
        {"spec.objective": {"type": "Personalization"}, "spec.takers": []},
    ),
    Example(
        "verifier is given exactly when type is Verifier; write both, or neither",
        {"spec.judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}}},
        {"spec.judge": {"type": "Verifier"}},
    ),
    Example(
        judging.GATES_RULE.message,
        {"spec.gates": [{"type": "Answerable"}], "spec.judge": MARKS},
        {"spec.gates": [{"type": "Duplicate"}, {"type": "Answerable"}]},
    ),
    Example(
        "panel is given exactly when type is Panel; write both, or neither",
        {"spec.judge": PANEL},
        {"spec.judge": {"type": "Panel"}},
    ),
    Example(
        "verifier is given exactly when type is Verifier; write both, or neither",
        {"spec.judge": PANEL},
        {"spec.judge": {"type": "Panel", "panel": {"members": [MARKS, EXACT, {"type": "Verifier"}]}}},
    ),
    Example(
        "a panel cannot wait for more judges than it has; lower atLeast, or list more members",
        {"spec.judge": {**PANEL, "panel": {**PANEL["panel"], "rule": "Majority", "atLeast": 2}}},
        {"spec.judge": {**PANEL, "panel": {**PANEL["panel"], "atLeast": 3}}},
    ),
    Example(
        judging.GATES_RULE.message,
        {"spec.gates": [{"type": "Answerable"}], "spec.judge": PANEL},
        {"spec.gates": [{"type": "Answerable"}], "spec.judge": {"type": "Panel", "panel": {"members": [EXACT, EXACT]}}},
    ),
    Example(
        judging.GATES_RULE.message,
        {"spec.gates": [{"type": "Answerable"}], "spec.judge": FAR_PLUGIN},
        {"spec.gates": [{"type": "Answerable", "answerable": {"maxTokens": 9}}]},
    ),
    Example(
        "endpoint replaces model and adapter; remove endpoint, or remove model and adapter",
        {"spec.takers.1": FIRST},
        {"spec.takers.1": {**FIRST, "adapter": "takers/tuned"}},
    ),
    Example(
        "endpoint replaces model and adapter; remove endpoint, or remove model and adapter",
        {"spec.takers.1": {"name": "far", "endpoint": ENDPOINT}},
        {"spec.takers.1": {"name": "far", "endpoint": ENDPOINT, "model": "models/other"}},
    ),
    Example(
        "a key has one source; keep only one of apiKeySecretRef, apiKeyEnv and apiKeyFile",
        {"spec.takers.1": SECOND},
        {"spec.takers.1": {**SECOND, "endpoint": {**SECOND["endpoint"], "apiKeyEnv": "KEY"}}},
    ),
    Example(
        "standard belongs to rule Standard; remove it, or set rule to Standard",
        {"spec.swarm.standard": {"start": "Generators"}},
        {"spec.swarm.rule": "Published", "spec.swarm.standard": {}},
    ),
    Example(
        "published belongs to rule Published; remove it, or set rule to Published",
        {"spec.swarm.rule": "Published", "spec.swarm.published": {"inertia": 0.1}},
        {"spec.swarm.published": {"inertia": 0.1}},
    ),
    Example(
        "rule and standard belong to optimizer ParticleSwarm; remove them, or set optimizer to ParticleSwarm",
        {"spec.swarm": {"optimizer": "CmaEs", "rule": "Standard"}},
        {"spec.swarm": {"optimizer": "CmaEs", "rule": "Published", "published": {}}},
    ),
    Example(
        "rule and standard belong to optimizer ParticleSwarm; remove them, or set optimizer to ParticleSwarm",
        {"spec.swarm": {"optimizer": "ParticleSwarm", "standard": {}}},
        {"spec.swarm": {"optimizer": "RandomSearch", "standard": {"remeasured": 0}}},
    ),
    Example(
        "published belongs to rule Published; remove it, or set rule to Published",
        {"spec.swarm": {"rule": "Published", "published": {"compat": "Reference"}}},
        {"spec.swarm": {"rule": "Standard", "published": {"compat": "Reference"}}},
    ),
    Example(
        "inertia, cognitive, social and repel are divided by their sum; set at least one of them above 0",
        {"spec.swarm": {"rule": "Published", "published": {"inertia": 0, "cognitive": 0, "social": 0}}},
        {
            "spec.swarm": {
                "rule": "Published",
                "published": dict.fromkeys(("inertia", "cognitive", "social", "repel"), 0),
            }
        },
    ),
    Example(
        "stepFloor must be at most stepLength; lower stepFloor",
        {"spec.swarm": {"rule": "Published", "published": {"stepLength": 0.5, "stepFloor": 0.5}}},
        {"spec.swarm": {"rule": "Published", "published": {"stepLength": 0.05}}},
    ),
    Example(
        "perLayer belongs to groups PerLayer; remove it, or set groups to PerLayer",
        {"spec.swarm": {"groups": "PerLayer", "perLayer": {"cohesion": 0}}},
        {"spec.swarm": {"perLayer": {"cohesion": 0}}},
    ),
    Example(
        "exact belongs to merge Exact; remove it, or set merge to Exact",
        {"spec.swarm": {"merge": "Exact", "exact": {"maxRank": 8}}},
        {"spec.swarm": {"merge": "Elementwise", "exact": {}}},
    ),
    Example(
        "groups PerLayer needs rule Standard of optimizer ParticleSwarm; choose them, or set groups to Global",
        {"spec.swarm": {"groups": "PerLayer", "rule": "Standard", "standard": {"remeasured": 0}}},
        {"spec.swarm": {"groups": "PerLayer", "rule": "Published"}},
    ),
    Example(
        "groups PerLayer needs rule Standard of optimizer ParticleSwarm; choose them, or set groups to Global",
        {"spec.swarm": {"groups": "Global", "optimizer": "CmaEs"}},
        {"spec.swarm": {"groups": "PerLayer", "optimizer": "RandomSearch", "perLayer": {}}},
    ),
    Example(
        "local is given exactly when type is Local; write both, or neither",
        {"spec.storage": {"type": "Local", "local": {"path": "runs/a"}}},
        {"spec.storage": {"type": "Local"}},
    ),
    Example(
        "s3 is given exactly when type is S3; write both, or neither",
        {"spec.storage": {"type": "S3", "s3": {"bucket": "swarms", "prefix": "team-a/b"}}},
        {"spec.storage": {"type": "S3"}},
    ),
    Example(
        "s3 is given exactly when type is S3; write both, or neither",
        {"spec.storage": {"type": "S3", "s3": {"bucket": "swarms", "endpoint": "http://localhost:7070"}}},
        {"spec.storage": {"type": "Local", "local": {"path": "a"}, "s3": {"bucket": "swarms"}}},
    ),
    Example(
        "a cache is either an existing claim or a new one; write existingClaim or claim, and not both",
        {f"{CLUSTER}.modelCache": {"existingClaim": "models"}},
        {f"{CLUSTER}.modelCache": {"existingClaim": "models", "claim": {"size": "1Gi"}}},
    ),
    Example(
        "a cache is either an existing claim or a new one; write existingClaim or claim, and not both",
        {f"{CLUSTER}.modelCache": {"claim": {"size": "1Gi", "accessMode": "ReadWriteOnce"}}},
        {f"{CLUSTER}.modelCache": {}},
    ),
    Example(
        "a server holds exactly tensorParallel accelerators; remove accelerators, or write 0 for a CPU",
        {f"{CLUSTER}.servers": {"tensorParallel": 4, "accelerators": 4}},
        {f"{CLUSTER}.servers": {"tensorParallel": 4, "accelerators": 2}},
    ),
    Example(
        "one training pod needs more accelerators than the run may hold; raise maxAccelerators, or lower"
        " trainer.accelerators (0 trains on a CPU)",
        {CLUSTER: {"trainer": {"accelerators": 3}, "maxAccelerators": 3}},
        {CLUSTER: {"trainer": {"accelerators": 3}, "maxAccelerators": 2}},
    ),
    Example(
        f"controllers find pods by the labels {', '.join(pods.OPERATOR_LABELS)}; choose other labels",
        {f"{CLUSTER}.podTemplate.labels": {"team": "a", "app.kubernetes.io/part-of": "b"}},
        {f"{CLUSTER}.podTemplate.labels": {"team": "a", "dataswarm.io/run": "b"}},
    ),
    Example(
        "annotations with dataswarm.io/ and batch.kubernetes.io/ belong to the operator; choose other annotations",
        {f"{CLUSTER}.podTemplate.annotations": {"sidecar.istio.io/inject": "false"}},
        {f"{CLUSTER}.podTemplate.annotations": {"dataswarm.io/items": "prepare"}},
    ),
    Example(
        f"annotations with {', '.join(pods.CONFINEMENT_PREFIXES)} could end the confinement of a container;"
        " remove them",
        {f"{CLUSTER}.podTemplate.annotations": {"security.example/level": "high"}},
        {f"{CLUSTER}.podTemplate.annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}},
    ),
    Example(
        "fixed is given exactly when type is Fixed; write both, or neither",
        {f"{CLUSTER}.podTemplate.user": {"type": "Fixed", "fixed": {"runAsUser": 1000}}},
        {f"{CLUSTER}.podTemplate.user": {"type": "Cluster", "fixed": {"runAsUser": 1000}}},
    ),
    Example(
        "a proxy has an address; write httpProxy or httpsProxy, or remove proxy",
        {f"{CLUSTER}.proxy": {"httpsProxy": "http://proxy.example:3128", "noProxy": [".example", "10.0.0.1"]}},
        {f"{CLUSTER}.proxy": {"noProxy": ["s3.example"]}},
    ),
    Example(
        "operator Equal needs a key; write key, or set operator to Exists",
        {f"{CLUSTER}.podTemplate.tolerations": [{"operator": "Exists"}]},
        {f"{CLUSTER}.podTemplate.tolerations": [{"value": "a"}]},
    ),
    Example(
        "operator Exists compares no value; remove value, or set operator to Equal",
        {f"{CLUSTER}.podTemplate.tolerations": [{"key": "gpu", "value": "a"}]},
        {f"{CLUSTER}.podTemplate.tolerations": [{"key": "gpu", "value": "a", "operator": "Exists"}]},
    ),
    Example(
        "tolerationSeconds needs effect NoExecute; set effect to NoExecute, or remove tolerationSeconds",
        {f"{CLUSTER}.podTemplate.tolerations": [{"key": "a", "effect": "NoExecute", "tolerationSeconds": 3}]},
        {f"{CLUSTER}.podTemplate.tolerations": [{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 3}]},
    ),
    Example(
        "names that begin with DATASWARM_ are reserved for the operator; choose another name",
        {f"{CLUSTER}.podTemplate.env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]},
        {f"{CLUSTER}.podTemplate.env": [{"name": "DATASWARM_SERVERS", "value": ""}]},
    ),
    Example(
        "must be at least 0.5",
        {"spec.gates": [{"type": "HeldOut", "heldOut": {"similarity": 0.5}}]},
        {"spec.gates": [{"type": "HeldOut", "heldOut": {"similarity": 0}}]},
    ),
    Example(URI_HELP, {"spec.base.model": "file:///models/base"}, {"spec.base.model": "https://hub/org/name"}),
    Example(URI_HELP, {"spec.base.model": "hf://org/name@rev"}, {"spec.base.model": "hf://name"}),
    Example(URI_HELP, {"spec.base.model": "hf://org/a-b.c@refs/pr/3/part"}, {"spec.base.model": "hf://org/a@b@c"}),
    Example(URI_HELP, {"spec.base.model": "s3://models/a b/c/"}, {"spec.base.model": "s3://Models/base"}),
    Example(URI_HELP, {"spec.generators.data.uri": "../x:y.jsonl"}, {"spec.generators.data.uri": "s3:///x.jsonl"}),
    Example(
        URI_HELP,
        {"spec.generators.data.uri": "hf://datasets/org/name@v1/a/b.jsonl"},
        {"spec.generators.data.uri": "hf://datasets/org/name@/b.jsonl"},
    ),
    Example(URI_HELP, {"spec.takers.0.model": "./m"}, {"spec.takers.0.model": "file://"}),
    Example(
        LOCAL_URI_HELP,
        {"spec.storage": {"type": "Local", "local": {"path": "file:///runs/a"}}},
        {"spec.storage": {"type": "Local", "local": {"path": "s3://swarms/a"}}},
    ),
    Example(
        RUN_URI_HELP,
        {"spec.resumeFrom": {"uri": "s3://swarms/team/a", "iteration": 3}},
        {"spec.resumeFrom": {"uri": "hf://org/name", "iteration": 3}},
    ),
    *WEIGHTED_EXAMPLES,
    *PARETO_EXAMPLES,
    *(Example(*rule) for rule in part_documents.list_rules()),
)
"""Every rule of the CRD that relates fields to each other, or checks more than the type of a field."""

"""The trainer half of SwarmRun: generators move, takers never change."""

from types import MappingProxyType

from swarm_core.engine.work import Kind
from swarm_trainer.evaluation.trainer_program import TrainerProgram

PROGRAM = TrainerProgram(
    steps=MappingProxyType(
        {
            Kind.PREPARE: "swarm_trainer.steps.prepare:run",
            Kind.TRAIN: "swarm_trainer.steps.train:run",
            Kind.ITERATE: "swarm_trainer.steps.iterate:run",
            Kind.CONCLUDE: "swarm_trainer.steps.conclude:run",
        }
    ),
    turns="swarm_trainer.programs.swarm_run.turns:TURNS",
    preview="swarm_trainer.programs.swarm_run.preview:describe_search_run",
)

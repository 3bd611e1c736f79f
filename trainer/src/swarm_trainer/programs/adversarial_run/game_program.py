"""The trainer half of AdversarialRun: generators and takers take turns, and share one chain of commits."""

from types import MappingProxyType

from swarm_core.engine.work import Kind
from swarm_trainer.evaluation.trainer_program import TrainerProgram

PROGRAM = TrainerProgram(
    steps=MappingProxyType(
        {
            Kind.PREPARE: "swarm_trainer.programs.adversarial_run.prepare_game:run",
            Kind.TRAIN: "swarm_trainer.programs.adversarial_run.taker_training:run",
            Kind.ITERATE: "swarm_trainer.steps.iterate:run",
            Kind.CONCLUDE: "swarm_trainer.programs.adversarial_run.conclude_game:run",
        }
    ),
    turns="swarm_trainer.programs.adversarial_run.turn_rules:TURNS",
    preview="swarm_trainer.programs.adversarial_run.preview:describe_game_run",
)

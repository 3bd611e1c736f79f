"""The settings of trainings that take a second, and a listener that hears nothing."""

from swarm_trainer.lora.training import TrainingSettings

SETTINGS = TrainingSettings(
    rank=4,
    alpha=8.0,
    target_modules=("q_proj", "v_proj", "up_proj"),
    epochs=2,
    learning_rate=1e-2,
    warmup_ratio=0.1,
    max_length=64,
    batch_size=8,
    gradient_accumulation=1,
    gradient_checkpointing=False,
    chat=False,
)


def quietly(_step: int, _steps: int, _loss: float) -> None:
    """Nobody listens."""

"""The part that does the work: trains, combines, generates, answers, judges; and hosts a run on one machine."""

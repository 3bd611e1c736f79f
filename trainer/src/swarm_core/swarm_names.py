"""The names of the swarms that a run may have: they stand in work items, commits and experiments alike."""

GENERATORS = "generators"
"""The swarm that a SwarmRun moves, and that moves first in an AdversarialRun."""
TAKERS = "takers"
"""The swarm that an AdversarialRun moves against it."""
RIVALS = "rivals"
"""Generators of another seed, which never move: what they write is held out from the game."""

"""The names of the swarms of a run. Work items, commits and experiments use them."""

GENERATORS = "generators"
"""The swarm of a SwarmRun, and the swarm that moves first in an AdversarialRun."""
TAKERS = "takers"
"""The swarm that moves second in an AdversarialRun."""
RIVALS = "rivals"
"""Generators with another seed, which never move. Their items are held out from the game."""

"""Rivals: other ways to get a data set for the same budget, which a search is compared with on final items.

A rival is one file here, one in `swarm_trainer.rivals`, and one line in the catalog.
"""

"""Rivals: the halves that use the models of a run, and the measurement that compares a search with them."""

"""The part that decides: models, swarm, scores, engine. Pure: no I/O, no clock, no hidden randomness.

Needs the standard library and pydantic. Both hosts (one machine, Kubernetes) stand on it; it knows neither.
"""

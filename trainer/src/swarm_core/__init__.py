"""The core: API models, optimizers, scores and engine. It is pure: it has no I/O, no clock and no hidden randomness.

It needs the standard library and pydantic. Both hosts (one machine, Kubernetes) import it, and it imports neither.
"""

"""The Kubernetes host of the engine. It imports no torch and holds no key of the object store."""

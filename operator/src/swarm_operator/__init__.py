"""The Kubernetes host of the engine. Holds no torch and no key of the object store."""

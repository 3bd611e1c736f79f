"""Builds the manifests of a run's children. They depend on the run alone, so the same child is always identical."""

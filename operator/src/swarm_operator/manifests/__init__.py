"""Children of a run as Kubernetes' objects: functions of the order alone, so that the same child is always the same."""

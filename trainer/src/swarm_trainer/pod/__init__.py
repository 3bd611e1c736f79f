"""What runs in the pods of a run on Kubernetes: one work item per pod, or one inference server.

The verbs are those of every host, and so is what they leave in the store. A pod is told everything by its command line,
a mounted order and its environment; it tells the operator how it ended by exit code and termination message.
"""

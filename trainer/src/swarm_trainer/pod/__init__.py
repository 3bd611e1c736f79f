"""The code that runs in the pods of a run on Kubernetes: one work item, one inference server or the purge of a run.

Pods run the same steps as the local host and write the same data to the store. A pod receives everything from its
command line, a mounted spec file and its environment. It reports its end to the operator with its exit code and its
termination message.
"""

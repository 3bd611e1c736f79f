"""The embedded host: one run, on one machine, in one folder, by the same decisions the cluster makes.

Observe, decide, save the state, act, wait; nothing else moves. Everything here may be killed between any two
instructions: what counts is in the store, and the next host on the folder goes on from there.
"""

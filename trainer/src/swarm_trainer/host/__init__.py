"""The local host: it carries out one run on one machine in one folder, with the same decisions as the operator.

The host repeats one loop: observe, decide, save the state, act, wait. The process may be killed between any two
instructions. Everything that counts is in the store, and the next host on the folder resumes from there.
"""

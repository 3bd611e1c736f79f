"""The warm process that carries out work items for the embedded host, one after another.

It is alone with its device: torch is imported once, models stay loaded, and no item depends on an earlier one. Items
come as JSON lines on stdin, what is to be said goes out as JSON lines (`messages`), everything else is log.
"""

"""The warm process that runs work items for the local host, one after another.

It imports torch once and keeps models loaded. It is the only user of its device, and no item depends on an earlier one.
Items arrive as JSON lines on stdin, messages (`messages`) leave as JSON lines on stdout, and all other output goes to
the log.
"""

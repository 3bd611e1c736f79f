"""The contract between a container of a run and its host: exit codes and environment variables."""

EXIT_DONE, EXIT_ERROR, EXIT_BAD_INPUT, EXIT_DRAINED = 0, 1, 65, 75
"""Exit codes. 65 is EX_DATAERR of sysexits.h: the input is invalid. 75 is EX_TEMPFAIL: the host stopped the container.
"""
SERVERS_VARIABLE = "DATASWARM_SERVERS"
"""Environment variable with a JSON object that maps the URI of each model to the address of its server."""
SERVER_KEY_VARIABLE = "DATASWARM_SERVER_KEY"
"""Environment variable with the API key of those servers."""
ITEMS_VARIABLE = "DATASWARM_ITEMS"
"""Environment variable with the keys of the work items of a Job, in the order of its completions, joined by commas."""

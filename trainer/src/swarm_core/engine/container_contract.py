"""What a container of a run and whoever started it agree on: how it ends, and what its environment tells it."""

EXIT_DONE, EXIT_ERROR, EXIT_BAD_INPUT, EXIT_DRAINED = 0, 1, 65, 75
"""Exit codes. 65 is EX_DATAERR of sysexits.h, the input cannot work; 75 EX_TEMPFAIL, told to end."""
SERVERS_VARIABLE = "DATASWARM_SERVERS"
"""Variable: a JSON object from a model's URI to the address of its server."""
SERVER_KEY_VARIABLE = "DATASWARM_SERVER_KEY"
"""Variable: the key that those servers ask for."""
ITEMS_VARIABLE = "DATASWARM_ITEMS"
"""Variable: the keys of the items of a Job, in the order of its completions, with commas between."""

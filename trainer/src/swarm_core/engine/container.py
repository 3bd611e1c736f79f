"""What a container of a run and whoever started it agree on: how it ends, and what its environment tells it."""

DONE, ERROR, BAD_INPUT, DRAINED = 0, 1, 65, 75
"""Exit codes. 65 is EX_DATAERR of sysexits.h, the input cannot work; 75 EX_TEMPFAIL, told to end."""
SERVERS = "DATASWARM_SERVERS"
"""Variable: a JSON object from a model's URI to the address of its server."""
SERVER_KEY = "DATASWARM_SERVER_KEY"
"""Variable: the key that those servers ask for."""
ITEMS = "DATASWARM_ITEMS"
"""Variable: the keys of the items of a Job, in the order of its completions, with commas between."""

"""What a finished run leaves: result, history, summary, picture, data set. Made from the store's facts alone.

Nothing here knows the time or the machine, so a run that was killed and one that was not leave the same bytes; what it
took (`account`) is the one exception, and stands apart in `result.json`.
"""

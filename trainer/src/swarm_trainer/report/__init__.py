"""The outputs of a finished run: result, history, summary, figure and data set. They depend only on data in the store.

No output depends on the time or the machine, so a run that was killed and resumed leaves the same bytes as one that was
not. The only exception is the usage of the run (`usage_report`), which is a separate field of `result.json`.
"""

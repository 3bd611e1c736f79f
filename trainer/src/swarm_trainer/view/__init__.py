"""The display of a running run: a live view in a terminal, lines of text elsewhere, or one JSON object per event.

All views use only the host's events and their times of arrival. They read no file and do not change a run.
"""

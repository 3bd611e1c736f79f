"""What a person sees of a run: a live view in a terminal, lines elsewhere, or one JSON object per event.

All of it is drawn from the host's events and the time they arrived; nothing here reads a file or changes a run.
"""

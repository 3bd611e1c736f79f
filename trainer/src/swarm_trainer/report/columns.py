"""The width of reports in text."""

COLUMNS = 79
"""The most characters in a line."""

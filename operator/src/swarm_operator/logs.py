"""The operator's log: one line per fact, as text or as JSON, with the kind, namespace and name of its run.

    text   2026-01-01T00:00:00Z INFO SwarmRun team/a-run: created Job a-run-1b2c3d4e-prepare-a1
    json   {"time": "2026-01-01T00:00:00Z", "level": "INFO", "kind": "SwarmRun", "namespace": "team", ...}

Invariants: a line has no line breaks and no control characters. Messages come from the API server and from our own
texts, which contain names of Secrets and never their content.
"""

import json
import logging
import time
from enum import StrEnum

from swarm_core.text import printable
from swarm_operator.common.reconcile_plan import Object

RUN_FIELDS = ("kind", "namespace", "run")
Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class LogFormat(StrEnum):
    """The formats of the log."""

    TEXT = "text"
    JSON = "json"


class TextFormatter(logging.Formatter):
    """Formats a record as text."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record. A traceback becomes part of the line."""
        kind, namespace, run = (getattr(record, name, "") for name in RUN_FIELDS)
        subject = f"{kind} {namespace}/{run}: " if run else ""
        return f"{_format_time(record)} {record.levelname} {subject}{_format_message(self, record)}"


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record. The fields of the run are absent if the record is not about a run."""
        about = {name: getattr(record, name) for name in RUN_FIELDS if hasattr(record, name)}
        fields = {"time": _format_time(record), "level": record.levelname, "logger": record.name, **about}
        return json.dumps({**fields, "message": _format_message(self, record)}, ensure_ascii=False)


FORMATTERS: dict[LogFormat, type[logging.Formatter]] = {LogFormat.TEXT: TextFormatter, LogFormat.JSON: JsonFormatter}


def configure(log_format: str) -> None:
    """Format what the process logs. Raises ValueError for an unknown format."""
    if log_format not in list(LogFormat):
        raise ValueError(f"DATASWARM_LOG_FORMAT is {log_format!r}; write one of {', '.join(LogFormat)}")
    for handler in logging.getLogger().handlers:
        handler.setFormatter(FORMATTERS[LogFormat(log_format)]())


def for_run(log: logging.Logger, run: Object | None) -> Log:
    """A logger whose records are about `run`."""
    if run is None:
        return log
    metadata = run["metadata"]
    about = {"kind": run["kind"], "namespace": metadata.get("namespace"), "run": metadata.get("name")}
    return logging.LoggerAdapter(log, about)


def _format_time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _format_message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The message on one line, with the traceback if there is one."""
    traceback = f" | {formatter.formatException(record.exc_info)}" if record.exc_info else ""
    return printable.to_single_line(f"{record.getMessage()}{traceback}")

"""What an operator is told by its environment, read once at start.

Limits: nothing here changes a result. Invariant: a Lease is renewed well before it runs out, and its holder stops
writing a margin before that.
"""

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """How leadership is held."""

    name: str = "dataswarm-operator"
    namespace: str = "default"
    """The operator's own namespace."""
    seconds: float = 10.0
    """A holder not heard of for so long has lost it."""
    renew_seconds: float = 2.0
    margin_seconds: float = 2.0
    """The holder stops writing so long before others may think it lost: room for calls on their way."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the operator works."""

    namespaces: tuple[str, ...] = ()
    """Namespaces that are served; none: all of them."""
    identity: str = field(default_factory=lambda: f"{socket.gethostname()}_{uuid.uuid4().hex[:12]}")
    """Who this process is, to other replicas. Another one after every start."""
    lease: LeaseSettings = LeaseSettings()
    list_seconds: float = 60.0
    """Everything is listed again so often, whatever the watches said."""
    call_seconds: float = 5.0
    """No call to the API server takes longer."""
    calls_per_second: float = 20.0
    burst: int = 40
    """Calls that may be made at once after a quiet time."""
    workers: int = 4
    """Runs that are reconciled at the same time."""
    backoff_seconds: float = 1.0
    """First pause after a failed reconcile; doubled each time, up to `backoff_cap_seconds`."""
    backoff_cap_seconds: float = 60.0
    metrics_port: int = 0
    """Where /metrics is served; 0: nowhere."""
    trainer_image: str = "dataswarm-trainer"
    """Image of the Jobs' pods, where a run names none."""
    server_image: str = "dataswarm-vllm"
    """Image of the inference servers, where a run names none."""


VARIABLE_PREFIX = "DATASWARM_"
T = TypeVar("T", LeaseSettings, Settings)


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `DATASWARM_<FIELD>` and `DATASWARM_LEASE_<FIELD>`, and `KOPF_RUN_NAMESPACES`, which kopf reads too.

    Raises ValueError.
    """
    lease = _override(LeaseSettings(namespace=_own_namespace()), f"{VARIABLE_PREFIX}LEASE_", environment)
    if not 0 < lease.renew_seconds < lease.seconds - lease.margin_seconds:
        raise ValueError(
            f"{VARIABLE_PREFIX}LEASE_RENEW_SECONDS is {lease.renew_seconds}; it must be above 0 and below "
            f"{VARIABLE_PREFIX}LEASE_SECONDS less {VARIABLE_PREFIX}LEASE_MARGIN_SECONDS, so that a Lease is"
            f" renewed before it runs out"
        )
    namespaces = tuple(environment.get("KOPF_RUN_NAMESPACES", "").split())
    return _override(Settings(namespaces=namespaces, lease=lease), VARIABLE_PREFIX, environment)


def _override(settings: T, prefix: str, environment: Mapping[str, str]) -> T:
    """`settings` with every text and number replaced for which there is a variable."""
    found: dict[str, Any] = {}
    for one in fields(settings):
        default, value = getattr(settings, one.name), environment.get(prefix + one.name.upper())
        if not value or one.name == "identity" or not isinstance(default, str | int | float):
            continue
        try:
            found[one.name] = type(default)(value)
        except ValueError as error:
            raise ValueError(f"{prefix}{one.name.upper()} is {value!r}; write a number, or remove it") from error
    return replace(settings, **found)


def _own_namespace() -> str:
    try:
        return NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "default"

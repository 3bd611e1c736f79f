"""Reads the settings of an operator from its environment, once at start.

Limits: no setting changes a result. Invariant: a holder renews its Lease well before the Lease expires, and it stops
writing a margin before that.
"""

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from swarm_core.api.pod_user import IMAGE_USER_ID

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Settings of the leader election."""

    name: str = "dataswarm-operator"
    namespace: str = "default"
    """The namespace of the operator itself."""
    seconds: float = 10.0
    """Another process may take a Lease that has not been renewed for so long."""
    renew_seconds: float = 2.0
    margin_seconds: float = 2.0
    """The holder stops writing this long before another process may take the Lease.

    Calls on their way end in that time.
    """


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the operator."""

    namespaces: tuple[str, ...] = ()
    """Namespaces that the operator watches. Empty for all of them."""
    identity: str = field(default_factory=lambda: f"{socket.gethostname()}_{uuid.uuid4().hex[:12]}")
    """The name of this process for other replicas. It changes with every start."""
    lease: LeaseSettings = LeaseSettings()
    list_seconds: float = 60.0
    """The operator lists everything this often, whatever its watches report."""
    call_seconds: float = 5.0
    """The deadline of a call to the API server."""
    calls_per_second: float = 20.0
    burst: int = 40
    """Calls that may be made at once after a quiet time."""
    workers: int = 4
    """Runs that are reconciled at the same time."""
    backoff_seconds: float = 1.0
    """Delay after the first failed reconcile. It doubles with each failure, up to `backoff_cap_seconds`."""
    backoff_cap_seconds: float = 60.0
    metrics_port: int = 0
    """The port of /metrics. 0 serves no metrics."""
    log_format: str = "text"
    """The format of the log: text or json."""
    trainer_image: str = "dataswarm-trainer"
    """The image of the Jobs' pods, for a run that names none."""
    server_image: str = "dataswarm-vllm"
    """The image of the inference servers, for a run that names none."""
    pod_user_id: int = IMAGE_USER_ID
    """The user and group of the pods of a run that names none. 0: the cluster assigns them, as OpenShift does."""


VARIABLE_PREFIX = "DATASWARM_"
T = TypeVar("T", LeaseSettings, Settings)


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `DATASWARM_<FIELD>` and `DATASWARM_LEASE_<FIELD>`, and from `KOPF_RUN_NAMESPACES`, which kopf reads
    too.

    Raises ValueError for a value that is no number, and for lease times that do not fit each other.
    """
    lease = _override(LeaseSettings(namespace=_own_namespace()), f"{VARIABLE_PREFIX}LEASE_", environment)
    if not 0 < lease.renew_seconds < lease.seconds - lease.margin_seconds:
        raise ValueError(
            f"{VARIABLE_PREFIX}LEASE_RENEW_SECONDS is {lease.renew_seconds}; it must be above 0 and below "
            f"{VARIABLE_PREFIX}LEASE_SECONDS minus {VARIABLE_PREFIX}LEASE_MARGIN_SECONDS, so that the Lease is"
            f" renewed before it expires; change one of the three"
        )
    namespaces = tuple(environment.get("KOPF_RUN_NAMESPACES", "").split())
    return _override(Settings(namespaces=namespaces, lease=lease), VARIABLE_PREFIX, environment)


def _override(settings: T, prefix: str, environment: Mapping[str, str]) -> T:
    """`settings`, with every text and number replaced for which there is a variable. Raises ValueError."""
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

"""Classifies what the API server says when it refuses to create an object: a quota, an admission rule, a missing right.

The reason is one word for a condition. The advice names the way out. The words of the API server are kept as they are,
because they contain the names and numbers that an administrator needs.

The API server has one code (403) for most of these, so its words decide. They are those of Kubernetes 1.36, the version
of the tests on a control plane. A refusal in other words gets the reason ChildRefused.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """One kind of refusal."""

    reason: str
    pattern: re.Pattern[str]
    advice: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal with its reason and the way out."""

    reason: str
    advice: str


STATUSES = frozenset({400, 403, 405, 409, 413, 415, 422})
"""HTTP statuses of a refusal. Other ones, such as 500, are mostly failures of the server that pass."""
MAX_MESSAGE = 4096
"""Number of characters of a message that are read."""
REQUESTS = "spec.execution.kubernetes.worker, spec.execution.kubernetes.trainer or spec.execution.kubernetes.servers"
RULES = (
    RefusalRule(
        "QuotaExceeded",
        re.compile("failed quota: .*must specify"),
        f"set cpuLimit and ephemeralStorage in {REQUESTS}",
    ),
    RefusalRule(
        "QuotaExceeded",
        re.compile("exceeded quota|failed quota"),
        f"raise the ResourceQuota of the namespace, or lower the requests in {REQUESTS}",
    ),
    RefusalRule(
        "PodSecurityViolated",
        re.compile("violates PodSecurity"),
        "lower the level in the namespace's label pod-security.kubernetes.io/enforce",
    ),
    RefusalRule(
        "PodSecurityViolated",
        re.compile("security context constraint"),
        "let the cluster assign the user with type Cluster in spec.execution.kubernetes.podTemplate.user, or grant a"
        " constraint to the ServiceAccount",
    ),
    RefusalRule(
        "LimitRangeViolated",
        re.compile("(minimum|maximum) .* usage per|limit to request ratio per"),
        f"change the LimitRange of the namespace, or the resources in {REQUESTS}",
    ),
    RefusalRule(
        "WebhookDenied",
        re.compile("admission webhook .* denied|failed calling webhook|ValidatingAdmissionPolicy"),
        "ask the owner of the webhook or policy for an exception, or change spec.execution.kubernetes.podTemplate",
    ),
    RefusalRule(
        "ServiceAccountNotFound",
        re.compile("error looking up service account"),
        "create the ServiceAccount, or correct spec.execution.kubernetes.serviceAccountName",
    ),
    RefusalRule(
        "PriorityClassNotFound",
        re.compile("no PriorityClass with name"),
        "create the PriorityClass, or correct spec.execution.kubernetes.podTemplate.priorityClassName",
    ),
    RefusalRule(
        "RuntimeClassNotFound",
        re.compile("RuntimeClass .* not found"),
        "create the RuntimeClass, or correct spec.execution.kubernetes.podTemplate.runtimeClassName",
    ),
    RefusalRule(
        "OperatorForbidden",
        re.compile("cannot (create|delete|patch|get|list|update|set) "),
        "give the operator the rights of its Helm chart: install the chart with rbac.create true",
    ),
    RefusalRule(
        "NamespaceTerminating",
        re.compile("because it is being terminated"),
        "the namespace is being deleted; create the run in another namespace",
    ),
)
UNKNOWN = Refusal("ChildRefused", "resolve what the API server names; the operator tries again by itself")


def classify(message: str) -> Refusal:
    """The reason and the way out for the API server's `message`."""
    rule = next((rule for rule in RULES if rule.pattern.search(message, 0, MAX_MESSAGE)), None)
    return UNKNOWN if rule is None else Refusal(rule.reason, rule.advice)


def is_refusal(status: int, message: str) -> bool:
    """Whether an answer of the API server holds until a person acts.

    A webhook that does not respond is such a refusal, although the API server answers 500.
    """
    return status in STATUSES or classify(message) is not UNKNOWN

"""Classifies the messages of failed attempts: each known cause has a reason of its own for the conditions of the run.

The messages come from pods and are for people. They contain the value, the rule and the way out already. No decision
depends on their reason.
"""

import re

NESTED_MESSAGE = "the last time: "
MAX_MESSAGE = 4096
"""Number of characters of a message that are read, from its end."""
RULES = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        ("OOMKilled", "^OOMKilled"),
        ("Evicted", "^Evicted|^evicted"),
        ("ModelRefused", "^ModelRefused"),
        ("BudgetExceeded", r"^BudgetExceeded|spec\.budget\.(calls|tokens): .* used up"),
        (
            "PluginNotFound",
            "is unknown: install the distribution that provides it|is not an installed kind",
        ),
        ("BucketNotFound", "there is no such bucket"),
        ("ConditionalWritesIgnored", "the store ignores .*two writers"),
        (
            "StoreAccessDenied",
            "the store rejects this key|no credentials were found|the session token has expired"
            "|reading is not allowed; the key needs|writing is not allowed; the key needs",
        ),
        ("StoreUnreachable", "the store cannot be reached|the store did not finish in time|^StoreError: .*503"),
        ("EndpointKeyRefused", "answered 40[13]|does not take (the key|a request without a key)"),
        ("EndpointPaymentRequired", "answered 402|insufficient_quota"),
        ("EndpointOverloaded", "answered (429|5[0-9][0-9])"),
        ("EndpointUnreachable", "https?://[^ ]*: no answer"),
        (
            "NothingAccepted",
            "no .* accepted|nothing .* accepted|no \\S+ (could be|was ever) (measured|scored)",
        ),
        ("DeadlineExceeded", "^ran for longer than"),
        ("StoreError", "^StoreError"),
        ("InferenceError", "^InferenceError"),
    )
)
"""A reason, and the pattern of the messages that it stands for. The first match decides."""


def classify(message: str) -> str | None:
    """The reason for a failure with this message. None if no rule matches."""
    last_message = message[-MAX_MESSAGE:].rpartition(NESTED_MESSAGE)[2]
    return next((reason for reason, pattern in RULES if pattern.search(last_message)), None)

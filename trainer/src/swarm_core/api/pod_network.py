"""The private authorities and the proxy through which pods reach other servers.

Limits: everyone who can read a run can read its proxy, so the address of a proxy holds no password.
"""

from typing import Annotated, ClassVar

from pydantic import Field, Strict

from swarm_core.api.kubernetes_scalars import ObjectName
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.scalars import Pattern

ProxyUrl = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=253),
    Pattern(
        "https?://[-.A-Za-z0-9]+(:[0-9]{1,5})?/?",
        "write http:// or https://, a host and optionally a port; never put a password in a URL",
    ),
]
HostPattern = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=253),
    Pattern("[.]?[-A-Za-z0-9_]+([.:][-A-Za-z0-9_]+)*", "write a host such as s3.example, or a domain such as .example"),
]
ConfigMapKey = Annotated[
    str, Strict(), Field(min_length=1, max_length=253), Pattern("[-._A-Za-z0-9]+", "use letters, digits, '-', '_', '.'")
]


class CaBundle(Block):
    """Certificates of private authorities, in a ConfigMap."""

    config_map: ObjectName
    """Name of the ConfigMap in the run's namespace."""
    key: ConfigMapKey = "ca.crt"
    """Entry of the ConfigMap that holds the certificates, in PEM format."""


class ProxySpec(Block):
    """The HTTP proxy of the pods."""

    http_proxy: ProxyUrl | None = None
    """Proxy for addresses that begin with http://."""
    https_proxy: ProxyUrl | None = None
    """Proxy for addresses that begin with https://."""
    no_proxy: Annotated[tuple[HostPattern, ...], Field(max_length=64)] = ()
    """Hosts, and domains with a dot in front, that the pods reach without the proxy. The inference servers of the run
    are always among them."""

    rules: ClassVar[tuple[Rule["ProxySpec"], ...]] = (
        Rule(
            "has(self.httpProxy) || has(self.httpsProxy)",
            "a proxy has an address; write httpProxy or httpsProxy, or remove proxy",
            "httpsProxy",
            lambda it: it.http_proxy is not None or it.https_proxy is not None,
        ),
    )

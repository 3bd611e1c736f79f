"""Builds the environment of the containers of a run: variables, keys from Secrets, private authorities and the proxy.

Keys stay in Secrets, and containers get them by reference. A user cannot replace a variable that the operator sets.
"""

import json

from swarm_core.api import endpoint_access
from swarm_core.api.execution import S3Storage
from swarm_core.engine.container_contract import SERVER_KEY_VARIABLE, SERVERS_VARIABLE
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.manifests import shared_objects

PORT = 8000
CREDENTIAL_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
HUB_TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable
CA_FOLDER, CA_FILE = "/etc/dataswarm-ca", "ca.crt"
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables in which programs look for certificates of authorities."""
HOME_VARIABLES = ({"name": "HOME", "value": "/tmp"}, {"name": "USER", "value": "dataswarm"})  # noqa: S108
"""A user whom the image does not know has no home and no name, and torch asks for both."""
LOCAL_HOSTS = ("localhost", "127.0.0.1")


def list_variables(run: ClusterRun, of_container: tuple[Object, ...]) -> list[Object]:
    """The user's variables, then those of the proxy, then our own and those of the container. Later ones win."""
    own = [*HOME_VARIABLES, *_ca_variables(run), *_secret_variables(run), *of_container]
    theirs = [{"name": one.name, "value": one.value} for one in run.cluster.pod_template.env]
    by_name = {one["name"]: one for one in (*theirs, *_proxy_variables(run), *own)}
    return list(by_name.values())


def ca_volumes(run: ClusterRun) -> list[Object]:
    """The volume with the certificates of private authorities. Empty if the run names none."""
    bundle = run.cluster.ca_bundle
    if bundle is None:
        return []
    items = [{"key": bundle.key, "path": CA_FILE}]
    return [{"name": "ca", "configMap": {"name": bundle.config_map, "items": items}}]


def ca_mounts(run: ClusterRun) -> list[Object]:
    """The mount of that volume."""
    return [{"name": "ca", "mountPath": CA_FOLDER, "readOnly": True}] if run.cluster.ca_bundle else []


def _ca_variables(run: ClusterRun) -> list[Object]:
    if run.cluster.ca_bundle is None:
        return []
    return [{"name": variable, "value": f"{CA_FOLDER}/{CA_FILE}"} for variable in CA_VARIABLES]


def _proxy_variables(run: ClusterRun) -> list[Object]:
    """The variables of the proxy in both spellings, because programs differ in which one they read.

    The servers of the run are always reached without it.
    """
    proxy = run.cluster.proxy
    if proxy is None:
        return []
    servers = tuple(service_name(run, index) for index in range(len(run.outline.servers))) if run.has_servers else ()
    values = {
        "HTTP_PROXY": proxy.http_proxy,
        "HTTPS_PROXY": proxy.https_proxy,
        "NO_PROXY": ",".join((*proxy.no_proxy, *LOCAL_HOSTS, *servers)),
    }
    return [{"name": name, "value": value} for key, value in values.items() if value for name in (key, key.lower())]


def _secret_variables(run: ClusterRun) -> list[Object]:
    found: list[Object] = []
    storage = run.resolved.storage
    if isinstance(storage, S3Storage) and storage.credentials_secret_ref is not None:
        found += [secret_variable(key, storage.credentials_secret_ref.name, key) for key in CREDENTIAL_VARIABLES]
    if run.cluster.token_secret_ref is not None:
        found.append(secret_variable(HUB_TOKEN, run.cluster.token_secret_ref.name, HUB_TOKEN))
    return found + [
        secret_variable(variable, key.name, key.key)
        for variable, key in endpoint_access.secrets_by_variable(run.resolved.access).items()
    ]


def secret_variable(variable: str, name: str, entry: str) -> Object:
    """A variable whose value is an entry of a Secret."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": entry}}}


def server_variables(run: ClusterRun, models: tuple[str, ...]) -> tuple[Object, ...]:
    """The variables with the addresses of the servers of `models` and with their key.

    Empty if there are no models, or if the work runs models in its own process.
    """
    if not models or not run.has_servers:
        return ()
    addresses = {model: f"http://{service_name(run, run.outline.servers.index(model))}:{PORT}" for model in models}
    return (
        {"name": SERVERS_VARIABLE, "value": json.dumps(addresses, sort_keys=True)},
        server_key_variable(run),
    )


def server_key_variable(run: ClusterRun) -> Object:
    """The variable with the API key of the servers."""
    return secret_variable(SERVER_KEY_VARIABLE, shared_objects.server_secret_name(run), shared_objects.KEY_ENTRY)


def service_name(run: ClusterRun, index: int) -> str:
    """The name of the Service and of the Deployment of a server."""
    return f"{run.name_prefix}-{names.SERVE}-{index}"

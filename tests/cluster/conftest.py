"""The control plane of a test session. Tests that need nodes or operators use the fixture `site`."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cluster_environment
import control_plane
import pytest
from cluster_environment import ClusterNamespace
from control_plane import ApiServer, ControlPlane

NUMBERS = itertools.count()
TOOLS = Path(__file__).parents[3] / "shared" / "cluster"


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A running, empty API server.

    Without its binaries the tests are skipped; in CI they fail if the binaries are available.
    """
    folder = control_plane.find_assets()
    if folder is None:
        if os.environ.get("CI") == "true" and TOOLS.exists():
            pytest.fail(
                f"KUBEBUILDER_ASSETS is unset in CI; set it to what `{TOOLS}/cluster tools` prints", pytrace=False
            )
        pytest.skip("KUBEBUILDER_ASSETS is unset; set it to a folder with etcd, kube-apiserver and its friends")
    with tempfile.TemporaryDirectory(prefix="dataswarm-cluster-") as home:
        started = ControlPlane(folder, Path(home))
        try:
            started.api = started.start_api()
            yield started
        except control_plane.NotServingError as error:
            pytest.fail(str(error), pytrace=False)
        finally:
            started.stop()
            if hasattr(started, "api"):
                started.api.connection.close()


@pytest.fixture(scope="session")
def api_server(plane: ControlPlane) -> ApiServer:
    """The API server."""
    return plane.api


@pytest.fixture(scope="session")
def controllers(plane: ControlPlane) -> ControlPlane:
    """The plane with its controllers, the CRD and the operator's rights."""
    cluster_environment.await_crds(plane.api)
    cluster_environment.grant_rights(plane.api)
    plane.start_controllers()
    return plane


@pytest.fixture
def site(controllers: ControlPlane, tmp_path: Path) -> Iterator[ClusterNamespace]:
    """A new namespace."""
    with cluster_environment.open_namespace(controllers, controllers.api, tmp_path, f"t{next(NUMBERS)}") as opened:
        yield opened

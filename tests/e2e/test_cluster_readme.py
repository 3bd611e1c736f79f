"""The README's commands for a cluster, word for word, from nothing to a result.

Its images are on the nodes already, and its store is not Amazon's: so the file of the run gets an `endpoint`, as the
README says. Where no `aws` is installed, a script with the same commands takes its place.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import e2e_cluster
import pytest
import swarmruns
from command_line import ENVIRONMENT
from e2e_cluster import ROOT, SYSTEM, Cluster

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]
FENCE = "```"
AWS = """#!{python}
import sys
from pathlib import Path
import boto3
command, *names = [word for word in sys.argv[2:] if not word.startswith("--")]
buckets = [name.removeprefix("s3://").partition("/") for name in names]
client = boto3.client("s3")
if command == "mb":
    client.create_bucket(Bucket=buckets[0][0])
for path in Path(names[0]).rglob("*") if command == "cp" else ():
    if path.is_file():
        key = f"{{buckets[1][2]}}/{{path.relative_to(names[0])}}"
        client.put_object(Bucket=buckets[1][0], Key=key, Body=path.read_bytes())
"""


def find_commands() -> list[str]:
    """The last block of commands in the README's section about clusters."""
    section = (ROOT / "README.md").read_text().partition("## On a cluster")[2].partition("\n## ")[0]
    return section.split(FENCE)[-2].strip().splitlines()


def remove_everything(cluster: Cluster) -> None:
    """Remove what an installation leaves, and what earlier tests left of another one."""
    for namespace in (SYSTEM, "dataswarm"):
        uninstall = [cluster.helm, "--kubeconfig", str(cluster.kubeconfig), "uninstall", "dataswarm"]
        subprocess.run([*uninstall, "--namespace", namespace], capture_output=True, check=False, timeout=120)
    cluster.attempt("delete", "swarmrun", "arithmetic-short", "--timeout=60s")
    cluster.attempt("delete", "crd", "swarmruns.dataswarm.io", "adversarialruns.dataswarm.io", "--timeout=90s")
    cluster.attempt("delete", "secret", "store")
    cluster.attempt("delete", "namespace", "dataswarm", "--timeout=60s")


@pytest.fixture
def empty_cluster() -> Iterator[Cluster]:
    """A cluster without the chart. Afterwards, the chart of the other tests is back if they had installed it."""
    cluster = e2e_cluster.from_environment()
    installed = cluster.attempt("get", "deployment", "dataswarm", "--namespace", SYSTEM).returncode == 0
    remove_everything(cluster)
    yield cluster
    remove_everything(cluster)
    if installed:
        cluster.install("replicas=2")


@pytest.fixture
def checkout(empty_cluster: Cluster, tmp_path: Path) -> Path:
    """A copy of what the commands read, with the address of the store in the file of the run."""
    for name in ("charts", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    file = tmp_path / "examples" / "arithmetic" / "cluster-short.yaml"
    text, count = re.subn("bucket: swarms", f"bucket: swarms, endpoint: {empty_cluster.endpoint}", file.read_text())
    assert count == 1
    file.write_text(text)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, path in (("kubectl", empty_cluster.kubectl), ("helm", empty_cluster.helm)):
        (programs / name).symlink_to(path)
    if shutil.which("aws") is None:
        (programs / "aws").write_text(AWS.format(python=sys.executable))
        (programs / "aws").chmod(0o755)
    return tmp_path


def test_the_commands_of_the_readme_lead_from_nothing_to_a_result(empty_cluster: Cluster, checkout: Path) -> None:
    environment = {
        **ENVIRONMENT,
        **empty_cluster.keys,
        "AWS_ENDPOINT_URL": empty_cluster.endpoint,
        "AWS_REGION": "us-east-1",
        "KUBECONFIG": str(empty_cluster.kubeconfig),
        "PATH": os.pathsep.join([str(checkout / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    output = ""
    for command in find_commands():
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=swarmruns.RUN_SECONDS,
        )
        taken = "BucketAlready" in done.stderr
        assert done.returncode == 0 or taken, f"{command}: {done.stdout}{done.stderr}"
        output = done.stdout
    assert output.startswith("arithmetic-short: Succeeded")

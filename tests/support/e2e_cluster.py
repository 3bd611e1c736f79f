"""The cluster that end-to-end tests run on, as they reach it: kubectl and helm under one kubeconfig, and its S3 server.

Only what `from_environment` is told is used, never the user's own kubeconfig, context or keys: what these tests do to
a cluster, they do to no other.

    DATASWARM_E2E_KUBECONFIG     a kubeconfig whose current context is the cluster; without it the tests are skipped
    DATASWARM_E2E_S3             address of an S3 server that pods and this machine reach alike
    DATASWARM_E2E_S3_KEY         ACCESS_KEY:SECRET_KEY of it
    DATASWARM_E2E                `required`: what would be skipped fails
    DATASWARM_E2E_VLLM           set: the nodes have the image of the inference servers too
    DATASWARM_E2E_FAKE_GPUS      set: the tests may let a node offer accelerators that it does not have
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).parents[2]
SYSTEM, NAMESPACE = "dataswarm-e2e-system", "dataswarm-e2e"
STEP_SECONDS = 120
HANDSHAKES, HANDSHAKE_TIMEOUT = 3, "TLS handshake timeout"
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, its S3 server, and the programs that reach them."""

    kubeconfig: Path
    endpoint: str
    key: str
    secret: str
    kubectl: str
    helm: str

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = STEP_SECONDS) -> str:
        """The output of `kubectl ARGUMENTS`. Fails the test if the command fails."""
        done = self.attempt(*arguments, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def attempt(
        self, *arguments: str, stdin: str | None = None, timeout: float = STEP_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        command = [self.kubectl, "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)

    def get(self, *arguments: str) -> Any:
        """Objects as JSON. A handshake that takes too long on a busy machine is tried again."""
        command = ("get", *arguments, "--output", "json")
        for _ in range(HANDSHAKES - 1):
            done = self.attempt(*command)
            if HANDSHAKE_TIMEOUT not in done.stderr:
                break
        assert done.returncode == 0 or HANDSHAKE_TIMEOUT in done.stderr, f"kubectl {' '.join(command)}: {done.stderr}"
        return json.loads(done.stdout if done.returncode == 0 else self.run(*command))

    def apply(self, *things: Object) -> None:
        self.run("apply", "--server-side", "--filename", "-", stdin=json.dumps(as_list(things)))

    def install(self, *values: str) -> None:
        """Install or upgrade the chart, and wait until the operator is ready."""
        sets = [word for value in values for word in ("--set", value)]
        command = [self.helm, "--kubeconfig", str(self.kubeconfig), "upgrade", "--install", "dataswarm"]
        command += [str(ROOT / "charts" / "dataswarm"), "--namespace", SYSTEM, "--create-namespace", "--wait", *sets]
        done = subprocess.run([*command, "--timeout", "2m"], capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, f"{done.stderr}\n{self.operator_log()}"

    def operator_log(self) -> str:
        """The end of the operator's log."""
        return self.attempt(
            "logs", "--namespace", SYSTEM, "--selector", "app.kubernetes.io/name=dataswarm", "--tail", "60"
        ).stdout

    def s3(self) -> Any:
        """A client of the S3 server."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )

    @property
    def keys(self) -> dict[str, str]:
        """The keys of the S3 server, in the variables that AWS tools and our pods read."""
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}


def as_list(things: tuple[Object, ...]) -> Object:
    return {"apiVersion": "v1", "kind": "List", "items": list(things)}


def from_environment(environment: Mapping[str, str] = os.environ) -> Cluster:
    """The cluster. Without one, the test is skipped with the reason; if a cluster is required, the test fails."""
    kubeconfig = environment.get("DATASWARM_E2E_KUBECONFIG")
    if not kubeconfig:
        skip_or_fail("DATASWARM_E2E_KUBECONFIG is unset: it names the kubeconfig of a cluster that these tests may use")
    key, _, secret = environment.get("DATASWARM_E2E_S3_KEY", "").partition(":")
    return Cluster(
        kubeconfig=Path(str(kubeconfig)),
        endpoint=environment.get("DATASWARM_E2E_S3", "") or skip_or_fail("DATASWARM_E2E_S3 is unset"),
        key=key or skip_or_fail("DATASWARM_E2E_S3_KEY is unset"),
        secret=secret,
        kubectl=find_program("kubectl", environment),
        helm=find_program("helm", environment),
    )


def find_program(name: str, environment: Mapping[str, str]) -> str:
    """A program from KUBEBUILDER_ASSETS, or from the path."""
    assets = environment.get("KUBEBUILDER_ASSETS")
    found = (shutil.which(name, path=assets) if assets else None) or shutil.which(name)
    return found or skip_or_fail(f"no {name}: put it into the folder KUBEBUILDER_ASSETS or on PATH")


def skip_or_fail(reason: str) -> str:
    """Skip the test, or fail it if a cluster is required."""
    if os.environ.get("DATASWARM_E2E") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
    return ""


def require_variable(variable: str, reason: str) -> None:
    """Continue if the environment sets the variable, else skip the test."""
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is unset: {reason}")

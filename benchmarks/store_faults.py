"""Do two writers of one chain lose, mix or repeat an iteration under a thousand faults?

Each round starts two writers in a new bucket of a real gateway, each behind its own fault proxy. Both extend one chain.
Afterwards the chain is read without faults and compared with the answers that each writer received. Rounds continue
until enough faults were injected. The script prints the number of each kind of fault.

Limits: the writers are threads of one process, each with its own client. Blobs are small, so multipart uploads are not
tested here (`tests/contract/test_store_faults.py` tests them).
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
    parser.add_argument("--rate", type=float, default=0.25, help="share of requests with an injected fault")
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
    print(f"0 iterations lost, mixed or committed twice; {errors} calls ended in a clear error and were repeated")
    for fault, count in counts.most_common():
        print(f"  {count:5d}  {fault}")
    return 0


def run_round(server: s3_servers.Server, root: Path, number: int, rate: float) -> tuple[Counter[Fault], int, int]:
    """Return the injected faults, the number of requests, and the number of the writers' errors. Raises AssertionError
    on a loss.
    """
    location = server.bucket(f"round-{number}", "team/run")
    with ExitStack() as stack:
        proxies = [stack.enter_context(run_proxy(server.endpoint, 2 * number + seed, rate)) for seed in range(2)]
        proxied = [location.model_copy(update={"endpoint": proxy.endpoint}) for proxy in proxies]
        stores = [S3Store(one, root / f"cache-{number}-{at}", LIMITS) for at, one in enumerate(proxied)]
        writers = racing.race(stores, ITERATIONS, seconds=600)
    racing.assert_consistent(writers, S3Store(location, root / f"direct-{number}"), ITERATIONS)
    counts = proxies[0].counts + proxies[1].counts
    return counts, sum(proxy.requests for proxy in proxies), sum(len(writer.errors) for writer in writers)


if __name__ == "__main__":
    sys.exit(main())

"""Bulk work: `python -m benchmarks.bulk interrupted|listing|throughput`.

`interrupted` kills runs over small pictures by SIGKILL at random moments and starts them again,
then shares the pictures out among shards; it fails unless each result is right and was made once.
`listing` plans a run over a million keys of a stand-in for S3. `throughput` compares a run with the
network alone, in a process of the same threads; its wall-clock seconds need an idle machine, its
CPU seconds hardly.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from backend import Settings, create_engine
from backend.bulk.s3_store import S3Store
from backend.bulk.store import Item
from backend.bulk.work import SKIPPED, Result, in_shard, work_all
from backend.commands.plan import Plan
from backend.images.picture import decode
from backend.inference.upscaler import Upscaler
from benchmarks.memory import peak_bytes
from testbed.aws.signature import ENVIRONMENT
from testbed.bulk_runs import assert_right, draw_all, kill_and_start_again, run_shards
from testbed.loopback import Loopback, Received, Sent

PICTURE = Path(__file__).parents[1] / "sample_images" / "cat.jpg"
PAGE = 1000
KEY = "photos/2026/{:03}/IMG_{:07}.jpg"
"""A key of usual length."""
MEMORY_BUDGET_BYTES = 200e6
AT_ONCE = 4


def interrupted(options: argparse.Namespace) -> dict[str, object]:
    """Kill and restart runs; raise AssertionError unless each result is right and was made once."""
    engine = create_engine(Settings())
    facts: dict[str, object] = {"pictures": options.pictures}
    with tempfile.TemporaryDirectory() as folder:
        killed, shared = Path(folder, "killed"), Path(folder, "shared")
        for each in (killed, shared):
            draw_all(each / "in", options.pictures)
        facts["results_at_each_kill"] = kill_and_start_again(
            killed, kills=options.kills, seed=options.seed
        )
        assert_right(killed / "in", killed / "out", engine)
        facts["done_by_shard"] = shards = run_shards(shared, count=options.shards)
        assert sum(shards.values()) == options.pictures
        assert_right(shared / "in", shared / "out", engine)
    return {**facts, "right": options.pictures, "half_written": 0, "done_twice": 0}


def listing(options: argparse.Namespace) -> dict[str, object]:
    """Measure memory and time from S3's pages to a worker that does nothing."""
    with _listing_server(options.keys) as url, patch.dict(os.environ, ENVIRONMENT):
        os.environ["AWS_ENDPOINT_URL_S3"] = url
        store = S3Store.from_address("s3://bucket/photos")
        started, before = time.perf_counter(), time.process_time()
        plan = Plan(each for each in store.list() if in_shard(each.key, number=1, count=1))
        listed, listed_cpu = time.perf_counter() - started, time.process_time() - before
        started, before = time.perf_counter(), time.process_time()
        outcomes: Counter[str] = Counter()
        for result in work_all(plan, _skip, at_once=AT_ONCE):
            outcomes[result.outcome] += 1
        handed, handed_cpu = time.perf_counter() - started, time.process_time() - before
        plan.close()
    assert outcomes == {SKIPPED: options.keys}
    peak = peak_bytes()
    assert peak < MEMORY_BUDGET_BYTES, f"{peak / 1e6:.0f} MB"
    return {
        "keys": options.keys,
        "peak_rss_megabytes": round(peak / 1e6, 1),
        "listing_cpu_microseconds_a_key": round(listed_cpu / options.keys * 1e6, 1),
        "listing_seconds": round(listed, 1),
        "handing_out_cpu_microseconds_a_key": round(handed_cpu / options.keys * 1e6, 1),
        "handing_out_seconds": round(handed, 1),
    }


def throughput(options: argparse.Namespace) -> dict[str, object]:
    """Measure JPEG files of `side` x `side`, with and without decoding and encoding."""
    with Image.open(PICTURE) as opened:
        picture = opened.convert("RGB").resize((options.side, options.side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    megapixels = options.pictures * options.side**2 / 1e6
    settings = Settings()
    session = create_engine(settings).session(model=options.model, scale=options.scale)
    upscaler = Upscaler(session, tile_size=settings.tile_size)
    decoded = decode(buffer.getvalue(), max_side=settings.max_side)
    upscaler.upscale(decoded)
    started, before = time.perf_counter(), time.process_time()
    for _ in range(options.pictures):
        upscaler.upscale(decoded)
    own, own_cpu = time.perf_counter() - started, time.process_time() - before
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "in")
        pictures.mkdir()
        for number in range(options.pictures):
            (pictures / f"{number}.jpg").write_bytes(buffer.getvalue())
        before = _children_cpu()
        command = ("bulk", "in", "out", "--model", options.model, "--scale", str(options.scale))
        subprocess.run(
            [sys.executable, "-m", "backend", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
        )
        cpu = _children_cpu() - before
        (report,) = (json.loads(each.read_text()) for each in Path(folder, "out/_bulk").iterdir())
    rate = report["megapixels_per_second"]
    return {
        "megapixels": megapixels,
        "network_alone": round(megapixels / own, 3),
        "bulk": rate,
        "share": round(rate / (megapixels / own), 3),
        "network_alone_cpu_seconds": round(own_cpu, 1),
        "bulk_cpu_seconds": round(cpu, 1),
        "share_by_cpu": round(own_cpu / cpu, 3),
    }


def _skip(item: Item) -> Result:
    return Result(key=item.key, outcome=SKIPPED)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _listing_server(keys: int) -> Iterator[str]:
    """Serve the listing from another process, whose memory is not counted."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_listing, args=(theirs, keys))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


def _serve_listing(end: Connection, keys: int) -> None:
    def answer(request: Received) -> Sent:
        token = parse_qs(urlsplit(request.target).query).get("continuation-token", ["0"])
        server.received.clear()
        first = int(token[0])
        after = min(first + PAGE, keys)
        contents = "".join(
            f"<Contents><Key>{KEY.format(number % 365, number)}</Key>"
            f"<ETag>&quot;{number:032x}&quot;</ETag><Size>300000</Size></Contents>"
            for number in range(first, after)
        )
        more = f"<NextContinuationToken>{after}</NextContinuationToken>" if after < keys else ""
        text = (
            f"<ListBucketResult><IsTruncated>{str(after < keys).lower()}</IsTruncated>{more}"
            f"{contents}</ListBucketResult>"
        )
        return Sent(body=text.encode(), headers={"Content-Type": "application/xml"})

    with Loopback(answer) as server:
        end.send(server.url)
        end.recv()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    small = commands.add_parser("interrupted")
    small.add_argument("--pictures", type=int, default=1000)
    small.add_argument("--kills", type=int, default=5)
    small.add_argument("--shards", type=int, default=2)
    small.add_argument("--seed", type=int, default=1)
    commands.add_parser("listing").add_argument("--keys", type=int, default=1_000_000)
    speed = commands.add_parser("throughput")
    speed.add_argument("--pictures", type=int, default=40)
    speed.add_argument("--side", type=int, default=1000)
    speed.add_argument("--model", default="fast")
    speed.add_argument("--scale", type=int, default=2)
    options = parser.parse_args()
    measure: dict[str, Callable[[argparse.Namespace], dict[str, object]]] = {
        "interrupted": interrupted,
        "listing": listing,
        "throughput": throughput,
    }
    print(json.dumps(measure[options.command](options), indent=2))


if __name__ == "__main__":
    main()

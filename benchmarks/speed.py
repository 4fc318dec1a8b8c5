"""Speed and memory of whole requests: `python -m benchmarks.speed --model fast --side 1024`.

A JPEG goes in as a JSON body with base64 and the answer comes out the same way, as on every
transport. Each case runs in a process of its own, so that its peak memory is its own. The machine's
sgemm rate (NumPy's matrix product on all cores) is measured in the same process: it is the upper
bound for convolutions. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from backend import LocalEngine, RequestHandler, Settings
from backend.factory import decoder, open_session, registry_from
from backend.images.picture import RgbImage
from backend.inference.upscaler import Session
from backend.models.manifest import ModelSpec
from backend.requests.sources.any_source import AnySource
from benchmarks.memory import peak_bytes

SGEMM_SIDE = 2048
SGEMM_RUNS = 5


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One case; the best of several runs, seconds by the wall clock."""

    model: str
    scale: int
    side: int
    seconds: float
    cpu_seconds: float
    """CPU seconds of the whole process, start included."""
    seconds_per_megapixel: float
    """Seconds in the network per million LR pixels kept; the padding of tiles counts as cost."""
    gflops: float
    """Multiplications and additions done in the network, padding included, per second."""
    sgemm_gflops: float
    share_outside: float
    """The share of the request's time outside the network: decoding, tiling, encoding, JSON."""
    peak_rss_megabytes: float


class Timed:
    """A session that adds up its own time and pixels."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.seconds = 0.0
        self.pixels = 0

    @property
    def spec(self) -> ModelSpec:
        return self._session.spec

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        started = time.perf_counter()
        sr = self._session.run(lr, cleanup_level=cleanup_level)
        self.seconds += time.perf_counter() - started
        border = self.spec.border  # of which a layer loses half, on average
        self.pixels += (lr.shape[0] - border) * (lr.shape[1] - border)
        return sr


def sgemm_gflops() -> float:
    """Return the best rate of several float32 matrix products, in GFLOP/s."""
    a = np.random.default_rng(0).random((SGEMM_SIDE, SGEMM_SIDE), np.float32)
    best = float("inf")
    for _ in range(SGEMM_RUNS):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return 2 * SGEMM_SIDE**3 / best / 1e9


def photograph(side: int) -> bytes:
    """Make a JPEG of quality 90 with structure at every size, as photographs have (1/f noise)."""
    rng = np.random.default_rng(1)
    canvas = np.full((side, side, 3), 128, np.float32)
    for level in (8, 32, 128, side // 2):
        coarse = Image.fromarray(rng.integers(0, 256, (level, level, 3), np.uint8))
        fine = coarse.resize((side, side), Image.Resampling.BICUBIC)
        canvas += (np.asarray(fine, np.float32) - 128) * (4 / level**0.5)
    buffer = io.BytesIO()
    Image.fromarray(canvas.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def measure(*, model: str, scale: int, side: int, runs: int) -> Measurement:
    """Run one case in this process."""
    settings = Settings.from_environment()
    opened: list[Timed] = []

    def open_timed(spec: ModelSpec) -> Session:
        opened.append(Timed(open_session(spec, settings)))
        return opened[-1]

    engine = LocalEngine(
        registry=registry_from(settings),
        open_session=open_timed,
        decode=decoder(),
        settings=settings,
    )
    handler = RequestHandler(engine, AnySource(settings), settings)
    request = {"img": base64.b64encode(photograph(side)).decode(), "scale": scale, "model": model}
    body = json.dumps(request).encode()
    network = engine.session(model=model, scale=scale)
    if runs > 1:
        network.run(np.zeros((128, 128, 3), np.uint8), cleanup_level=0.0)
    timed = opened[0]
    best_total, best_network, pixels = float("inf"), float("inf"), 0
    for _ in range(runs):
        timed.seconds, timed.pixels = 0.0, 0
        started = time.perf_counter()
        reply = handler.handle(body)
        total = time.perf_counter() - started
        if reply.status != 200:
            raise SystemExit(reply.body.decode())
        if total < best_total:
            best_total, best_network, pixels = total, timed.seconds, timed.pixels
    usage = resource.getrusage(resource.RUSAGE_SELF)
    flops = 2 * (network.spec.multiplications or 0) * pixels
    return Measurement(
        model=model,
        scale=scale,
        side=side,
        seconds=best_total,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        seconds_per_megapixel=best_network / side**2 * 1e6,
        gflops=flops / best_network / 1e9,
        peak_rss_megabytes=peak_bytes() / 1e6,
        sgemm_gflops=sgemm_gflops(),
        share_outside=1 - best_network / best_total,
    )


def measure_apart(*, model: str, scale: int, side: int, runs: int) -> Measurement:
    """Run one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.speed", "--in-process", "--json"]
    command += ["--model", model, "--scale", str(scale), "--side", str(side), "--runs", str(runs)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Measurement(**json.loads(output)[0])


def table(measurements: Sequence[Measurement]) -> str:
    """Print a row for each case."""
    head = (
        "model    scale  side  seconds  CPU s  s/LR MP  GFLOP/s  sgemm  of sgemm  outside  peak MB"
    )
    rows = [
        f"{m.model:8} x{m.scale}    {m.side:5} {m.seconds:8.2f} {m.cpu_seconds:6.1f} "
        f"{m.seconds_per_megapixel:8.2f} {m.gflops:8.0f} {m.sgemm_gflops:6.0f} "
        f"{m.gflops / m.sgemm_gflops:9.0%} {m.share_outside:8.0%} {m.peak_rss_megabytes:8.0f}"
        for m in measurements
    ]
    return "\n".join([head, *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="tier; the setting's by default")
    parser.add_argument("--scale", type=int, choices=(2, 4), help="both by default")
    parser.add_argument("--side", type=int, default=1000, help="of the square input, in pixels")
    parser.add_argument("--runs", type=int, default=5, help="the best one counts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    model = options.model or Settings.from_environment().model
    run = measure if options.in_process else measure_apart
    measurements = [
        run(model=model, scale=scale, side=options.side, runs=options.runs)
        for scale in ([options.scale] if options.scale else [2, 4])
    ]
    if options.json:
        print(json.dumps([asdict(each) for each in measurements]))
    else:
        print(table(measurements))


if __name__ == "__main__":
    main()

"""Lambda's cold start: `python -m benchmarks.lambda_start` starts the function and calls it once.

A fresh process under AWS's runtime client, a 512 x 512 JPEG, scale 2. The measure is the CPU time
from the process's start to the answer: the wall time depends on the machine's other work.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import time
from pathlib import Path
from statistics import median

from PIL import Image

from testbed.aws.api_event import upscale_event
from testbed.aws.runtime_api import LambdaProcess

PICTURE = Path(__file__).parents[1] / "sample_images" / "cat.jpg"
SIDE = 512
MEBIBYTE = 2**20


def cold_call(event: object) -> tuple[float, float, int]:
    """Return (CPU seconds, wall seconds, peak bytes) until a fresh process's first answer."""
    started = time.perf_counter()
    with LambdaProcess("backend.aws.lambda_handler.handler") as process:
        answer = process.call(event).content
        wall = time.perf_counter() - started
        measured = process.cpu_seconds, wall, process.peak_bytes
    result = base64.b64decode(json.loads(answer["body"])["result"])
    with Image.open(io.BytesIO(result)) as sr:
        if sr.size != (2 * SIDE, 2 * SIDE):
            raise SystemExit(f"the answer is a picture of {sr.size}")
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--budget", type=float, help="fail above so many CPU seconds")
    options = parser.parse_args()
    with Image.open(PICTURE) as opened:
        picture = opened.convert("RGB").resize((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    event = upscale_event(buffer.getvalue(), model=options.model)
    runs = [cold_call(event) for _ in range(options.runs)]
    cpu, wall, peak = (median(run[i] for run in runs) for i in range(3))
    print(f"cold start to first answer, {SIDE} x {SIDE}, x2, {options.model}:")
    print(f"{cpu:.2f} s of CPU, {wall:.2f} s, {peak / MEBIBYTE:.0f} MiB (median of {len(runs)})")
    if options.budget is not None and cpu > options.budget:
        raise SystemExit(f"more than {options.budget} s of CPU")


if __name__ == "__main__":
    main()

"""The largest picture that Lambda takes: `python -m benchmarks.lambda_largest`.

A 4096 x 4096 JPEG, scale 4, through the function's process into a results bucket on loopback.
Prints the CPU time of the call and the process's peak memory; the budgets leave room within
API Gateway's 29 s on the 6 processors of a 10,240 MB function.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from pathlib import Path

from PIL import Image

from testbed.aws.api_event import post_event
from testbed.aws.runtime_api import LambdaProcess
from testbed.aws.s3 import S3, StoredObject
from testbed.aws.signature import ENVIRONMENT

PICTURE = Path(__file__).parents[1] / "sample_images" / "cat.jpg"
SIDE = 4096
SCALE = 4
CPU_BUDGET_SECONDS = 90.0
MEMORY_BUDGET_BYTES = 3 * 2**30
CALL_SECONDS = 900


def largest_picture() -> bytes:
    """Repeat a photograph, so that it is as hard to encode as a real one."""
    with Image.open(PICTURE) as opened:
        part = opened.convert("RGB")
    whole = Image.new("RGB", (SIDE, SIDE))
    for top in range(0, SIDE, part.height):
        for left in range(0, SIDE, part.width):
            whole.paste(part, (left, top))
    buffer = io.BytesIO()
    whole.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="fast")
    options = parser.parse_args()
    request = {
        "url": "s3://inputs/largest.jpg",
        "scale": SCALE,
        "model": options.model,
        "output": "url",
    }
    with S3(buckets=("inputs", "results")) as s3:
        s3.objects["inputs/largest.jpg"] = StoredObject(data=largest_picture())
        environment = {
            **ENVIRONMENT,
            **s3.environment,
            "SR_INPUT_BUCKETS": "inputs",
            "SR_RESULTS_BUCKET": "results",
            # The machine at hand may have fewer processors than the function.
            "SR_TIME_BUDGET_SECONDS": str(CALL_SECONDS),
        }
        with LambdaProcess(
            "backend.aws.lambda_handler.handler",
            environment=environment,
            timeout_seconds=CALL_SECONDS,
            patience_seconds=CALL_SECONDS,
        ) as process:
            started = time.perf_counter()
            answer = process.call(post_event(json.dumps(request).encode())).content
            wall = time.perf_counter() - started
            cpu, peak = process.cpu_seconds, process.peak_bytes
        body = json.loads(answer["body"])
        if answer["statusCode"] != 200 or body["width"] != SIDE * SCALE:
            raise SystemExit(f"no result: {body}")
        stored = next(each for name, each in s3.objects.items() if name.startswith("results/"))
    print(f"{SIDE} x {SIDE} JPEG, x{SCALE}, {options.model}, output url:")
    print(
        f"{cpu:.1f} s of CPU, {wall:.1f} s, peak {peak / 2**30:.2f} GiB, "
        f"result {len(stored.data) / 2**20:.1f} MiB"
    )
    if cpu > CPU_BUDGET_SECONDS or peak > MEMORY_BUDGET_BYTES:
        raise SystemExit("over the budget")


if __name__ == "__main__":
    main()

"""Damaged files and request bodies by the thousand: `python -m benchmarks.fuzz`.

Files of every readable format are read as in the decoding process, by copies of this process.
Bodies go to `python -m backend serve`, which may fetch nothing. Every fault is printed with its
seed and number, and the run ends with 1 then.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import resource
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import requests

from backend.images.sandbox.limits import BASE_SECONDS
from backend.settings import Settings
from benchmarks.attacks import by_this_project
from benchmarks.mutations import hurt_text, mutate
from benchmarks.served import Served, session
from benchmarks.small_pictures import small_pictures

BATCH = 500
TRIED_FIRST = 500
"""The number of bodies before memory is measured, so that everything has been loaded."""
ALLOWED_MEBIBYTES = 150
ANSWER_SECONDS = 60
BYTES_ONLY = 0.5
FIELDS = ("img", "url", "scale", "model", "cleanup", "detail", "format", "output", "\ud800", "")
VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 2, 4, 3, 2.0, 0.1, 10**400, 1e308, float("nan"), float("inf")),
    *("", "2", "4", "02", "+2", "\u0664", "auto", "off", "fast", "quality", "png", "jpeg", "webp"),
    *("\ud800", "\0", "a" * 100_000, "=", "AAAA", "data:,", "data:image/png;base64,"),
    *("http://127.0.0.1/", "http://[::1]:80/a.png", "s3://b/../k", "file:///etc/passwd", "//x/y"),
    *([], {}, [[]], {"img": "AAAA"}, ["AAAA"], [None] * 1000),
)
ERROR_FIELDS = {"error", "message", "details", "request_id"}


@dataclass
class Findings:
    """The findings of one run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    most_seconds: float = 0.0
    most_mebibytes: int = 0


def fuzz_files(seeds: Sequence[bytes], *, name: str, number: int, seed: int) -> Findings:
    """Read so many damaged files of one format."""
    found = Findings()
    start = 0
    while start < number:
        tried = 0
        for seconds, grown, outcome in _batch(seeds, seed=seed, start=start, number=number):
            found.outcomes[outcome] += 1
            found.most_seconds = max(found.most_seconds, seconds)
            found.most_mebibytes = max(found.most_mebibytes, grown)
            if outcome.startswith("!"):
                found.problems.append(f"{name}, seed {seed}, file {start + tried}: {outcome[1:]}")
            tried += 1
        start += tried
    return found


def file_from(seeds: Sequence[bytes], *, seed: int, number: int) -> bytes:
    """Make the damaged file of these numbers, independent of what was tried before."""
    return mutate(seeds[number % len(seeds)], random.Random(f"{seed}:{number}"))


def _batch(
    seeds: Sequence[bytes], *, seed: int, start: int, number: int
) -> Iterator[tuple[float, int, str]]:
    """Return (CPU seconds, MiB, outcome) of each; a fault's outcome begins with `!`."""
    told, teller = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(told)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libraries write to it
        with os.fdopen(teller, "w") as answers:
            for each in range(start, min(start + BATCH, number)):
                data = file_from(seeds, seed=seed, number=each)
                answers.write(json.dumps(_read(data)) + "\n")
                answers.flush()
        os._exit(0)
    os.close(teller)
    with os.fdopen(told) as lines:
        for line in lines:
            seconds, grown, outcome = json.loads(line)
            yield seconds, grown, outcome
    _, status, _ = os.wait4(child, 0)
    if status != 0:
        yield BASE_SECONDS, 0, f"!ended by signal {os.WTERMSIG(status)}"


def _read(data: bytes) -> tuple[float, int, str]:
    before = resource.getrusage(resource.RUSAGE_SELF)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = by_this_project(data, Settings().max_side)
    except BaseException as exc:  # noqa: BLE001 - that is what is looked for
        outcome = f"!{type(exc).__name__}: {exc}"
    else:
        outcome = "read" if " x " in outcome else outcome
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, (after.ru_maxrss - before.ru_maxrss) // 1024, outcome


def requests_from(pictures: Sequence[bytes]) -> list[dict[str, object]]:
    """Return requests with every field, with pictures and with addresses."""
    encoded = [base64.b64encode(each).decode() for each in pictures]
    return [
        {"img": encoded[0], "scale": 2},
        {"url": "https://example.com/a.png", "scale": "4", "model": "fast"},
        {"img": f"data:image/png;base64,{encoded[1]}", "format": "png", "output": "base64"},
        {"img": encoded[2], "cleanup": 50, "model": "auto", "detail": None},
        {"url": "s3://bucket/key", "output": "url"},
    ]


def damaged(request: dict[str, object], chance: random.Random) -> bytes:
    """Damage a request's bytes, or give its fields wrong values."""
    if chance.random() < BYTES_ONLY:
        return hurt_text(json.dumps(request).encode(), chance)
    field, value = chance.choice(FIELDS), chance.choice(VALUES)
    changed = request | {field: value}
    if field in ("img", "url"):
        changed.pop("url" if field == "img" else "img", None)
    return json.dumps(changed).encode()


def fuzz_bodies(
    server: Served, seeds: Sequence[dict[str, object]], *, number: int, seed: int
) -> Findings:
    """Send so many damaged requests, one after another."""
    found = Findings()
    chance = random.Random(seed)
    address = server.address + "/resolution"
    headers = {"Content-Type": "application/json"}
    before = 0
    with session() as sender:
        for each in range(number):
            body = damaged(seeds[each % len(seeds)], chance)
            try:
                answer = sender.post(address, data=body, headers=headers, timeout=ANSWER_SECONDS)
            except requests.RequestException as exc:
                found.problems.append(f"seed {seed}, body {each}: {exc!r}: {body!r}")
                continue
            found.outcomes[f"{answer.status_code} {_code(answer)}"] += 1
            found.most_seconds = max(found.most_seconds, answer.elapsed.total_seconds())
            if answer.status_code >= 500 or not _is_well_formed(answer):
                found.problems.append(f"seed {seed}, body {each}: {answer.text[:200]}: {body!r}")
            if each == min(TRIED_FIRST, number - 1):
                before = server.mebibytes()
    found.most_mebibytes = server.mebibytes() - before
    if found.most_mebibytes > ALLOWED_MEBIBYTES:
        found.problems.append(f"{found.most_mebibytes} MiB were kept")
    found.problems += [line for line in server.log if "Traceback" in line]
    return found


def _code(answer: requests.Response) -> str:
    return str(answer.json().get("error", "")) if "json" in answer.headers["Content-Type"] else ""


def _is_well_formed(answer: requests.Response) -> bool:
    content = answer.json()
    return answer.ok or (set(content) == ERROR_FIELDS and bool(answer.headers["X-Request-Id"]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="of each format")
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pictures = small_pictures()
    problems = []
    print("| input | number | most CPU seconds | most MiB | outcomes |\n|---|---|---|---|---|")
    for name, seeds in pictures.items():
        found = fuzz_files(seeds, name=name, number=options.files, seed=options.seed)
        report(f"{name.upper()} files", found)
        problems += found.problems
    server = Served({"SR_ALLOW_WEB_SOURCES": "0", "SR_CLIENT_REQUESTS_PER_MINUTE": str(10**9)})
    asked = requests_from([seeds[0] for seeds in pictures.values()])
    found = fuzz_bodies(server, asked, number=options.bodies, seed=options.seed)
    report("request bodies", found)
    problems += found.problems
    code = server.stop()
    if code != 0:
        problems.append(f"the server ended with {code}")
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def report(name: str, found: Findings) -> None:
    """Print the row; for bodies it has the seconds to the answer and the MiB that stayed."""
    outcomes = ", ".join(f"{number:,} {code}" for code, number in found.outcomes.most_common())
    numbers = f"{found.outcomes.total():,} | {found.most_seconds:.2f} | {found.most_mebibytes}"
    print(f"| {name} | {numbers} | {outcomes} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())

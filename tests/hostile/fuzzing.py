"""Random hurts for as long as asked: `FUZZ_SECONDS` a target, `FUZZ_SEED` to repeat a run."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.hostile.test_mutations import mutated

SECONDS = float(os.environ.get("FUZZ_SECONDS", "10"))
SEED = int(os.environ.get("FUZZ_SEED", time.time_ns() % 2**32))


@dataclass(frozen=True, kw_only=True)
class Found:
    """An input that a target did not survive."""

    seed: int
    number: int
    data: bytes
    error: BaseException

    def __str__(self) -> str:
        """What to make a named case of."""
        return f"FUZZ_SEED={self.seed}, input {self.number}: {self.data!r}\n{self.error!r}"


def fuzz(
    target: Callable[[bytes], None],
    seeds: Sequence[bytes],
    *,
    hurt: Callable[[bytes, random.Random], bytes] = mutated,
    seconds: float = SECONDS,
) -> tuple[int, Found | None]:
    """How many inputs were tried, and the first that made the target raise."""
    chance = random.Random(SEED)
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        data = hurt(seeds[number % len(seeds)], chance)
        try:
            target(data)
        except BaseException as exc:  # noqa: BLE001 - that is what is looked for
            return number, Found(seed=SEED, number=number, data=data, error=exc)
        number += 1
    return number, None


def hurt_text(data: bytes, chance: random.Random) -> bytes:
    """As `mutated`, with the letters and words that parsers of JSON and addresses trip over."""
    whole = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(whole) + 1)
        if chance.random() < 0.6:
            whole[place:place] = chance.choice(TRICKS)
        else:
            whole = bytearray(mutated(bytes(whole) or b"x", chance))
    return bytes(whole)


TRICKS = (
    b"\\ud800",
    b"\\u0000",
    b"\\",
    b'"',
    b"[",
    b"{",
    b"]}",
    b",",
    b":",
    b"null",
    b"true",
    b"1e999",
    b"-0",
    b"NaN",
    b"9" * 400,
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"%00",
    b"@",
    b"#",
    b"?",
    b"//",
    b"\r\n",
    b"\t",
    b"127.0.0.1",
    b"[::1]",
    b"0x7f.1",
    b"169.254.169.254",
    b"..",
    b"../",
    "\u3002".encode(),
    "\u202e".encode(),
)

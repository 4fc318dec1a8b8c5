"""The progress of a run, for a person or a log."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from backend.bulk.work import SKIPPED, Result
from backend.commands.lines import write_line

SECONDS_BETWEEN_LINES = 10.0
BAR = "{percentage:3.0f}% |{bar}| {desc}"
BESIDE = 18
"""Columns for the percentage and a short bar."""
NARROW = 80
"""Columns of a terminal that does not say how many it has."""


class Speed:
    """Counts results, and estimates the time left."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = time.monotonic()
        self._seen = self._worked = self._pixels = 0

    def add(self, result: Result) -> None:
        """Count a result."""
        self._seen += 1
        self._worked += result.outcome != SKIPPED
        self._pixels += result.pixels

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def pictures_per_second(self) -> float:
        """Pictures a second, without those that were skipped."""
        return self._worked / max(self.seconds, 1e-9)

    @property
    def megapixels_per_second(self) -> float:
        """Input megapixels a second."""
        return self._pixels / 1e6 / max(self.seconds, 1e-9)

    @property
    def facts(self) -> dict[str, object]:
        """Return the figures for a program."""
        return {
            "pictures": self._total,
            "seconds": round(self.seconds, 1),
            "pictures_per_second": round(self.pictures_per_second, 3),
            "megapixels_per_second": round(self.megapixels_per_second, 3),
        }

    def __str__(self) -> str:
        speed = (
            f"{self.pictures_per_second:.2f} pictures and "
            f"{self.megapixels_per_second:.2f} megapixels a second"
        )
        return ", ".join([self._count, speed, self._left] if self._worked else [self._count])

    def within(self, columns: int) -> str:
        """Return the text, without the speed where there are too few columns for it."""
        text = str(self)
        if len(text) <= columns or not self._worked:
            return text
        return f"{self._count}, {self._left}"

    @property
    def _count(self) -> str:
        return f"{self._seen:,} of {self._total:,} pictures"

    @property
    def _left(self) -> str:
        seconds = (self._total - self._seen) / self.pictures_per_second
        return f"{_duration(seconds)} left"


class Progress:
    """A progress bar on a terminal, or an occasional line elsewhere. Both go to standard error."""

    def __init__(self, speed: Speed, *, total: int) -> None:
        self._speed = speed
        self._bar = tqdm(total=total, bar_format=BAR, leave=False, disable=None)
        self._told = time.monotonic()

    def show(self) -> None:
        """Show one more result."""
        if not self._bar.disable:
            columns = (self._bar.ncols or NARROW) - BESIDE
            self._bar.set_description_str(self._speed.within(columns), refresh=False)
            self._bar.update()
        elif time.monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            write_line(sys.stderr, str(self._speed))

    def print_line(self, line: str) -> None:
        """Print a line to standard output, above the bar."""
        with tqdm.external_write_mode(file=sys.stdout):
            write_line(sys.stdout, line)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"

"""The outcomes of one run."""

from __future__ import annotations

from collections import Counter

from backend.bulk.store import MOST_NAMED, LeftOut
from backend.bulk.work import DONE, FAILED, FAULT, SKIPPED, Result

WORDS = {DONE: "done", SKIPPED: "skipped", FAILED: "failed", FAULT: "unfinished"}
"""Words for the outcomes, in sentences."""
FAILURES = (FAILED, FAULT)
LEFT_OUT = "left_out"
LIMITS = {"max_side": "SR_MAX_SIDE", "max_bytes": "SR_MAX_IMAGE_BYTES"}
"""The setting of each limit, by its name in an error's details."""


def failure_line(result: Result) -> str:
    """Return the line about a picture without a result, with the setting of a limit."""
    settings = [setting for limit, setting in LIMITS.items() if limit in result.details]
    hint = f" The setting {settings[0]} changes this limit." if settings else ""
    return f"{result.key}: {result.message}{hint} ({result.error})"


class Report:
    """The counts of all outcomes, and the first pictures by name."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._told: list[Result] = []
        self._outcomes: dict[str, str] = {}
        self.faults_in_a_row = 0
        self.left_out = LeftOut()

    def add(self, result: Result) -> None:
        """Count a result, and keep its outcome while there is room."""
        self._counts[result.outcome] += 1
        if len(self._outcomes) < MOST_NAMED:
            self._outcomes[result.key] = result.outcome
        self.faults_in_a_row = self.faults_in_a_row + 1 if result.outcome == FAULT else 0
        if result.outcome in FAILURES and len(self._told) < MOST_NAMED:
            self._told.append(result)

    @property
    def done(self) -> int:
        """The number of pictures whose result was made."""
        return self._counts[DONE]

    @property
    def failures(self) -> int:
        """The number of pictures without a result, whoever is to blame."""
        return sum(self._counts[outcome] for outcome in FAILURES)

    @property
    def facts(self) -> dict[str, object]:
        """Return the report for a program."""
        return {
            **{outcome: self._counts[outcome] for outcome in WORDS},
            LEFT_OUT: self.left_out.number,
            "failures": [
                {
                    "key": each.key,
                    "outcome": each.outcome,
                    "error": each.error,
                    "message": each.message,
                }
                for each in self._told
            ],
            "outcomes": dict.fromkeys(self.left_out.names, LEFT_OUT) | self._outcomes,
        }

    def __str__(self) -> str:
        parts = [
            f"{self._counts[outcome]:,} {word}"
            for outcome, word in WORDS.items()
            if outcome != FAULT or self._counts[FAULT]
        ]
        parts += [f"{self.left_out.number:,} left out"] if self.left_out.number else []
        return ", ".join(parts)

"""Fields of single bits in the headers of video streams."""

from __future__ import annotations

Codes = tuple[int, int, int]
"""Primaries, transfer and matrix of ITU-T H.273, as a stream states them."""


class Bits:
    """A reader of fields that raises EOFError behind the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, number: int = 1) -> int:
        """Return the next field of so many bits."""
        self._left -= number
        if self._left < 0:
            raise EOFError
        return self._value >> self._left & (1 << number) - 1

    def take_number(self) -> int:
        """Return a number of variable length: as many zeros as bits behind the first one."""
        zeros = 0
        while not self.take():
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def skip_if(self, number: int) -> bool:
        """Skip so many bits if the next one is set, and return whether it is."""
        is_set = bool(self.take())
        self.take(number if is_set else 0)
        return is_set

    def codes_if(self) -> Codes | None:
        """Read three codes if the next bit is set."""
        return (self.take(8), self.take(8), self.take(8)) if self.take() else None

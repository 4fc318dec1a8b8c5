"""Codes, statuses and sentences."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend import errors
from backend.errors import PayloadTooLargeError, SuperResolutionError, size_in_words


def subclasses(root: type[SuperResolutionError]) -> Iterator[type[SuperResolutionError]]:
    yield root
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from subclasses(each)


def test_the_tree_that_is_drawn_is_the_one_there_is() -> None:
    lines = [line.split() for line in (errors.__doc__ or "").splitlines()]
    for each in subclasses(SuperResolutionError):
        line = next((words for words in lines if each.__name__ in words), None)
        assert line, f"{each.__name__} is not in the tree that the docstring draws"
        if each not in (errors.SourceError, errors.RemoteError):
            assert {each.code, str(each.status)} <= set(line)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (32 * 2**20, "32 MiB"),
        (2**20, "1 MiB"),
        (60_000, "60,000 bytes"),
        (2**20 + 1, "1,048,577 bytes"),
    ],
)
def test_a_size_is_said_exactly(count: int, words: str) -> None:
    assert size_in_words(count) == words


def test_a_small_limit_is_told_in_bytes() -> None:
    error = PayloadTooLargeError.over(60_000, what="request")
    assert error.message == "The request has more bytes than the limit of 60,000 bytes."
    assert error.details == {"max_bytes": 60_000}


def test_without_a_message_the_usual_sentence_is_said() -> None:
    assert SuperResolutionError().message == "Something went wrong on our side."
    assert str(errors.CancelledError()) == "The request was cancelled."

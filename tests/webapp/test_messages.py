"""What a visitor reads when something fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend import SuperResolutionError
from backend.errors import ImageTooLargeError
from webapp.messages import (
    MESSAGES,
    duration,
    message_of,
    size_of_file,
    text_of,
    time_left,
)


def tree(root: type[SuperResolutionError]) -> Iterator[type[SuperResolutionError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


CODES = sorted({error.code for error in tree(SuperResolutionError)})


@pytest.mark.parametrize("code", CODES)
def test_every_error_has_a_message_with_a_hint(code: str) -> None:
    message = MESSAGES[code]

    assert message.title[0].isupper()
    assert not message.title.endswith(".")
    assert message.hint.endswith(".")


def test_no_message_is_for_a_code_that_does_not_exist() -> None:
    assert set(MESSAGES) <= set(CODES)


def test_the_size_is_told_where_it_helps() -> None:
    error = ImageTooLargeError("The picture is 9000 x 20 pixels; at most 4096.")

    assert text_of(error).startswith("The picture is 9000 x 20 pixels")
    assert text_of(error).endswith(message_of(error).hint)


def test_an_unexpected_error_shows_none_of_its_own_words() -> None:
    assert "boom" not in text_of(SuperResolutionError("boom"))


def test_a_code_from_a_newer_engine_still_has_a_message() -> None:
    class NewError(SuperResolutionError):
        code = "brand_new"

    assert message_of(NewError("new")) is MESSAGES["internal_error"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a moment left"),
        (6.4, "about 6 s left"),
        (43, "about 45 s left"),
        (130, "about 2 min left"),
    ],
)
def test_time_left_is_rounded_as_a_person_would(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.44, "0.4 s"), (42.4, "42 s"), (125, "2 min 5 s")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(12, "12 bytes"), (4_200, "4 kB"), (1_250_000, "1.2 MB")]
)
def test_file_sizes(count: int, words: str) -> None:
    assert size_of_file(count) == words

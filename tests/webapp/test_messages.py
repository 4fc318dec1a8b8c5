"""The messages for failures, in every language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend import SuperResolutionError
from backend.errors import DeadlineError, ImageTooLargeError, PayloadTooLargeError
from webapp.base.errors import PageError
from webapp.base.messages import message_for
from webapp.base.texts import LANGUAGES, catalogue, texts
from webapp.client.errors import REASONS, EndpointError, EndpointRefusedError

ENDS = (".", "。")


def tree(root: type[SuperResolutionError]) -> Iterator[type[SuperResolutionError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


CODES = sorted({error.code for error in tree(SuperResolutionError)})
KEYS = sorted({error.key for error in tree(PageError)})  # type: ignore[attr-defined]
KINDS = sorted({error.kind for error in tree(EndpointError)})  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "key", [*(f"error.{name}" for name in {*CODES, *KEYS}), *(f"endpoint.{kind}" for kind in KINDS)]
)
def test_every_error_has_a_message_with_a_hint(language: str, key: str) -> None:
    t = texts(language)

    assert not t(f"{key}.title").endswith(ENDS)
    assert t(f"{key}.hint").endswith(ENDS)


def test_no_message_is_for_an_error_that_does_not_exist() -> None:
    named = {key.split(".")[1] for key in catalogue("en") if key.startswith("error.")}

    assert named == {*CODES, *KEYS}


def test_the_size_is_told_where_it_helps() -> None:
    error = ImageTooLargeError("The result would be too large.", width=9000, height=20)

    message = message_for(error, texts("en"))

    assert message.body == f"It has 9000 × 20 pixels. {message.hint}"


def test_without_its_figures_an_error_says_only_what_helps() -> None:
    message = message_for(ImageTooLargeError("The result would be too large."), texts("en"))

    assert message.body == message.hint


def test_limits_are_written_in_units() -> None:
    large = message_for(PayloadTooLargeError("Too large.", max_bytes=32 * 2**20), texts("en"))
    late = DeadlineError("Too slow.", estimated_seconds=95.04, limit_seconds=29.0)

    assert "32 MB" in large.body
    assert "1 min 35 s" in message_for(late, texts("en")).body


def test_an_unexpected_error_shows_none_of_its_own_words() -> None:
    assert "boom" not in message_for(SuperResolutionError("boom"), texts("en")).body


def test_a_code_from_a_newer_engine_still_has_a_message() -> None:
    class NewError(SuperResolutionError):
        code = "brand_new"

    t = texts("en")

    assert message_for(NewError("new"), t).title == t("error.internal_error.title")


def test_an_endpoints_reason_is_told_in_the_visitors_language() -> None:
    error = EndpointRefusedError("credentials")

    assert REASONS["credentials"] in message_for(error, texts("en")).body
    for language in set(LANGUAGES) - {"en"}:
        assert REASONS["credentials"] not in message_for(error, texts(language)).body

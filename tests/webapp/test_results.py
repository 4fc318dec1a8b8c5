"""The shelf of finished pictures and its bound."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.results import Results


@dataclass(frozen=True)
class Weight:
    nbytes: int


def test_what_was_put_is_found() -> None:
    results: Results[Weight] = Results(max_bytes=10)

    results.put("a", Weight(3))

    assert results.get("a") == Weight(3)
    assert results.get("b") is None


def test_the_least_recently_used_makes_room() -> None:
    results: Results[Weight] = Results(max_bytes=10)
    results.put("a", Weight(4))
    results.put("b", Weight(4))
    results.get("a")

    results.put("c", Weight(4))

    assert [results.get(key) is not None for key in "abc"] == [True, False, True]
    assert results.nbytes <= 10


def test_a_single_result_over_the_bound_stays_until_the_next() -> None:
    results: Results[Weight] = Results(max_bytes=10)
    results.put("small", Weight(1))

    results.put("huge", Weight(50))
    assert results.get("huge") == Weight(50)
    assert results.get("small") is None

    results.put("next", Weight(1))
    assert results.get("huge") is None
    assert results.get("next") == Weight(1)


def test_an_equal_key_replaces_and_is_counted_once() -> None:
    results: Results[Weight] = Results(max_bytes=10)
    results.put("a", Weight(9))

    results.put("a", Weight(8))

    assert results.nbytes == 8

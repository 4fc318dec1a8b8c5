"""One clock for everything that has a deadline."""

from __future__ import annotations

import math
import socket
import threading

import pytest

from backend.deadline import Deadline, DeadlineExceededError


def test_a_result_in_time_is_the_result() -> None:
    deadline = Deadline(10)
    assert deadline.run(lambda: 7) == 7
    assert 9 < deadline.seconds_left <= 10
    deadline.check()


def test_a_failure_in_time_is_the_failure() -> None:
    def fail() -> None:
        raise KeyError("reason")

    with pytest.raises(KeyError, match="reason"):
        Deadline(10).run(fail)


def test_hanging_work_is_given_up_at_the_deadline() -> None:
    release = threading.Event()
    with pytest.raises(DeadlineExceededError):
        Deadline(0.02).run(lambda: release.wait(10))
    release.set()


def test_a_deadline_that_has_passed_is_still_a_valid_timeout() -> None:
    deadline = Deadline(0)
    assert deadline.seconds_left <= 0
    assert deadline.timeout > 0
    with pytest.raises(TimeoutError):
        deadline.check()


def test_a_deadline_without_an_end_never_passes() -> None:
    assert Deadline(math.inf).seconds_left == math.inf


def test_a_held_connection_is_shut_down_in_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline(0.05)
        deadline.hold(ours)
        with pytest.raises(DeadlineExceededError):
            deadline.run(lambda: ours.recv(1) or threading.Event().wait(5))
        assert theirs.recv(1) == b""


def test_a_connection_that_comes_too_late_is_closed() -> None:
    deadline = Deadline(10)
    deadline.run(lambda: None)
    ours, theirs = socket.socketpair()
    with theirs:
        with pytest.raises(DeadlineExceededError):
            deadline.hold(ours)
        assert ours.fileno() == -1

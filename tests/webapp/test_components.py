"""The rules that every component of the page keeps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException

from webapp.base import component

ROOM = Path(__file__).resolve().parents[2] / "webapp"


def test_nothing_is_a_trigger_which_streamlit_loses_if_another_event_follows_at_once() -> None:
    scripts, modules = list(ROOM.rglob("*.js")), list(ROOM.rglob("*.py"))

    assert scripts
    assert modules
    assert [each.name for each in scripts if "setTriggerValue" in each.read_text("utf-8")] == []
    assert [each.name for each in modules if "st.button(" in each.read_text("utf-8")] == []


def test_what_the_browser_sends_again_is_acted_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, object] = {}
    monkeypatch.setattr(component, "st", SimpleNamespace(session_state=state))
    acts: list[str] = []
    take = component.hand_on("row", "press", acts.append)

    for number in (0.1, 0.1, 0.2):
        state["row"] = {"press": {"value": "start", "number": number}}
        take()

    assert acts == ["start", "start"]


def test_an_unexpected_failure_of_an_event_is_logged_and_told_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    event = {"value": "start", "number": 0.1}
    state: dict[str, object] = {"row": {"press": event}}
    monkeypatch.setattr(component, "st", SimpleNamespace(session_state=state))
    acts: list[str] = []

    def fail(value: str) -> None:
        acts.append(value)
        raise KeyError(value)

    take = component.hand_on("row", "press", fail)
    take()
    take()

    assert acts == ["start"]
    assert state[component.FAULT]
    assert "KeyError" in caplog.text
    caplog.clear()


def test_the_next_event_that_is_acted_on_ends_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"value": "start", "number": 0.1}
    state: dict[str, object] = {"row": {"press": event}, component.FAULT: True}
    monkeypatch.setattr(component, "st", SimpleNamespace(session_state=state))

    component.hand_on("row", "press", lambda _: None)()

    assert not state[component.FAULT]


def test_what_was_acted_on_is_not_repeated_if_another_run_is_asked_for_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(dict[str, object]):
        """A session's state that is asked for another run at the first entry after the act."""

        def __setitem__(self, key: str, value: object) -> None:
            if acts and not interruptions:
                interruptions.append(key)
                raise RerunException(RerunData())
            super().__setitem__(key, value)

    acts: list[str] = []
    interruptions: list[str] = []
    state = Interrupted(row={"press": {"value": "start", "number": 0.1}}, taken={})
    monkeypatch.setattr(component, "st", SimpleNamespace(session_state=state))

    with pytest.raises(RerunException):
        component.hand_on("row", "press", acts.append)()

    assert interruptions
    assert acts == ["start"]
    assert state[component.FAULT] is False

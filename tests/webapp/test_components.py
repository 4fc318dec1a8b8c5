"""The rules that every component of the page keeps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

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

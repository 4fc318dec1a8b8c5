"""The rules that every component of the page keeps."""

from __future__ import annotations

from pathlib import Path

ROOM = Path(__file__).resolve().parents[2] / "webapp"


def test_no_component_has_a_trigger_which_streamlit_loses_if_another_event_follows_at_once() -> (
    None
):
    scripts = list(ROOM.rglob("*.js"))

    assert scripts
    assert [each.name for each in scripts if "setTriggerValue" in each.read_text("utf-8")] == []

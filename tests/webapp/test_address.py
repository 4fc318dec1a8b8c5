"""The visitor's choices in the page's address."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from webapp.options import address

    address.read(address.parsers({"fast": (2, 4)}, []))
    st.segmented_control("Scale", (2, 4), key="scale")
    address.write({"scale": st.session_state.scale})


def test_the_address_of_a_page_that_is_opened_is_taken_over() -> None:
    visit = AppTest.from_function(page, default_timeout=60)
    visit.query_params["scale"] = "4"

    visit.run()

    assert not visit.exception
    assert visit.session_state["scale"] == 4


def test_a_click_that_comes_with_the_address_from_before_takes_nothing_back() -> None:
    visit = AppTest.from_function(page, default_timeout=60)
    visit.query_params["scale"] = "4"
    visit.run()
    visit.session_state["scale"] = 2
    visit.run()
    visit.query_params["scale"] = "4"

    visit.run()

    assert visit.session_state["scale"] == 2
    assert visit.query_params["scale"] in (["2"], "2")


def sized() -> None:
    import streamlit as st

    from webapp.options import address
    from webapp.options.state import choices_for_address
    from webapp.tabs import Tab

    st.session_state.lang, st.session_state.sample = "en", "cat.jpg"
    address.read(address.parsers({"fast": (2, 4)}, []))
    address.write(choices_for_address(Tab()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", "2000"),
        ("height", "7"),
        ("fit", "1920x1080"),
        ("print", "12.5x9"),
        ("factor", "8"),
    ],
)
def test_an_exact_size_stands_in_the_address_as_on_the_command_line(name: str, value: str) -> None:
    visit = AppTest.from_function(sized)
    visit.query_params[name] = value

    visit.run()

    assert not visit.exception
    assert visit.session_state["scale"] == f"{name}={value}"
    assert visit.query_params[name] in ([value], value)


@pytest.mark.parametrize("value", ["0", "65501", "wide", "1e3"])
def test_a_size_that_cannot_be_is_the_default(value: str) -> None:
    visit = AppTest.from_function(sized)
    visit.query_params["width"] = value

    visit.run()

    assert "scale" not in visit.session_state

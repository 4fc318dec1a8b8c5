"""The visitor's choices in the page's address."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from webapp.options import address

    address.read(address.parsers({"fast": (2, 4)}, []))
    st.segmented_control("Scale", (2, 4), key="scale")
    address.write({"scale": st.session_state.scale})


def test_the_address_of_a_page_that_is_opened_is_taken_over() -> None:
    visit = AppTest.from_function(page)
    visit.query_params["scale"] = "4"

    visit.run()

    assert not visit.exception
    assert visit.session_state["scale"] == 4


def test_a_click_that_comes_with_the_address_from_before_takes_nothing_back() -> None:
    visit = AppTest.from_function(page)
    visit.query_params["scale"] = "4"
    visit.run()
    visit.session_state["scale"] = 2
    visit.run()
    visit.query_params["scale"] = "4"

    visit.run()

    assert visit.session_state["scale"] == 2
    assert visit.query_params["scale"] in (["2"], "2")

"""The making of a result, for the curious."""

from __future__ import annotations

import html

import streamlit as st

from backend import PROGRAM, UpscaleOptions
from webapp.base.filenames import split_name
from webapp.base.view import escape_markdown
from webapp.intake.pictures import InputFile
from webapp.options.state import spec
from webapp.result.callers import examples, fill_in
from webapp.shared import Page
from webapp.work.enhance import Enhanced


def show_how_made(page: Page, picture: InputFile, result: Enhanced) -> None:
    """Draw the network, and the request as a program would send it."""
    t, upscaled = page.t, result.upscaled
    found = spec(page.shared, upscaled.model, upscaled.scale)
    if found is None:
        return
    options = UpscaleOptions(
        scale=upscaled.scale,
        model=upscaled.model,
        cleanup=upscaled.cleanup,
        detail=upscaled.detail,
    )
    stem, suffix = split_name(picture.name)
    with st.expander(t("made.label"), icon=":material/code:"):
        cost = round((found.multiplications or 0) / 1000)
        st.markdown(
            t("made.network", name=found.name, scale=found.scale, cost=cost, license=found.license)
        )
        if found.credit:
            st.markdown(t("made.credit", credit=escape_markdown(found.credit)))
        st.markdown(t("made.program", command=f"{PROGRAM} serve"))
        for language, example in examples().items():
            code = fill_in(example, stem=stem, suffix=suffix, options=options)
            name = f'<pre class="code" tabindex="0" aria-label="{language}">'
            st.html(f"{name}{html.escape(code)}</pre>")

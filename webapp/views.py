"""The parts of the page, in the order in which they stand on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import streamlit as st

from backend import Engine, SettingsError, SuperResolutionError, UpscaleOptions
from backend.errors import CancelledError
from backend.formats import FORMATS
from webapp import comparison
from webapp.cloud.engine import CloudUpscaled
from webapp.enhance import Enhanced, Wish
from webapp.filenames import download_name, name_in_link
from webapp.gallery import gallery
from webapp.jobs import Job
from webapp.messages import duration, message_of, size_of_file, text_of
from webapp.pictures import Inspected, Picked, inspect, webp_address
from webapp.progress import fraction, sentence
from webapp.samples import samples
from webapp.visit import Visit
from webapp.wiring import Studio

STYLE = Path(__file__).with_name("page.css")
UPLOAD_TYPES = ["jpg", "jpeg", "png", "bmp"]
POLL_SECONDS = 0.5

SAMPLE, UPLOAD, LINK = "Try a sample", "Upload", "Paste a link"
AUTO, OFF, ADJUST = "Auto", "Off", "Adjust"
MODEL_WORDS = {"fast": "Fast", "quality": "Best quality"}
MIDDLE_CLEANUP = 40


def out_of_order(error: SettingsError | SuperResolutionError) -> None:
    """The whole page, when the engine cannot be made."""
    st.title("This page is not ready yet")
    if isinstance(error, SettingsError):
        st.error(
            "Whoever runs this page has to correct its settings and start it again.",
            title="A setting is wrong",
            icon=":material/settings:",
        )
        st.code(str(error), language=None, wrap_lines=True)
    else:
        show_error(error)


def choose_picture(visit: Visit, *, studio: Studio) -> Picked | None:
    """Sample, upload or link; None until there is one."""
    ways = [SAMPLE, UPLOAD] + ([LINK] if studio.settings.allow_web_sources else [])
    way = st.segmented_control(
        "Picture",
        ways,
        default=SAMPLE,
        required=True,
        key="way",
        label_visibility="collapsed",
        width="stretch",
    )
    if way == UPLOAD:
        return _uploaded(max_bytes=studio.settings.max_image_bytes)
    if way == LINK:
        return _linked(visit, studio=studio)
    return _sample(visit)


def _sample(visit: Visit) -> Picked:
    visit.sample = gallery(samples().values(), picked=visit.sample, key="gallery")
    sample = samples()[visit.sample]
    st.markdown(f"**{sample.title}** — {sample.caption}")
    return Picked.of(sample.read(), name=sample.file, caption=sample.title)


def _uploaded(*, max_bytes: int) -> Picked | None:
    file = st.file_uploader(
        "Your picture (JPEG, PNG or BMP)",
        type=UPLOAD_TYPES,
        max_upload_size=max(1, max_bytes // 2**20),
        key="upload",
    )
    if file is None:
        return None
    return Picked.of(file.getvalue(), name=file.name, caption=file.name)


def _linked(visit: Visit, *, studio: Studio) -> Picked | None:
    with st.form("link-form", border=False):
        url = st.text_input(
            "Link to a picture", placeholder="https://example.com/picture.jpg", key="link"
        )
        wants = st.form_submit_button("Get the picture", icon=":material/download:")
    if wants and url.strip():
        visit.linked = visit.link_error = None
        try:
            with st.spinner("Getting the picture …"):
                data = studio.fetch(url.strip())
        except SuperResolutionError as exc:
            visit.link_error = exc
        else:
            name = name_in_link(url.strip())
            visit.linked = Picked.of(data, name=name, caption=name)
    if visit.link_error is not None:
        show_error(visit.link_error)
    return visit.linked


def choose_options(
    engine: Engine, inspected: Inspected | None, *, has_cloud: bool = False
) -> UpscaleOptions:
    """Scale, model where there is a choice, and what only few need."""
    models = list(engine.models)
    model = models[0]
    if len(models) > 1:
        model = st.segmented_control(
            "Quality",
            models,
            default=model,
            required=True,
            format_func=model_words,
            key="model",
            width="stretch",
        )
    scale = st.segmented_control(
        "Enlarge",
        engine.models[model],
        default=engine.models[model][0],
        required=True,
        format_func=lambda factor: f"{factor} ×",
        key="scale",
        width="stretch",
    )
    if inspected is not None:
        width, height = inspected.size
        st.caption(f"{width} × {height} → {width * scale} × {height * scale} pixels")
    with st.expander("More options", icon=":material/tune:"):
        cleanup = _choose_cleanup(inspected)
        if not has_cloud:
            st.caption(
                "A deployed endpoint can be used beside this computer: whoever runs this page "
                "sets `SR_ENDPOINT_URL`."
            )
    return UpscaleOptions(scale=scale, model=model, cleanup=cleanup)


def model_words(name: str) -> str:
    """A tier as a visitor reads it."""
    return MODEL_WORDS.get(name, name.replace("_", " ").capitalize())


def _choose_cleanup(inspected: Inspected | None) -> int | None:
    choice = st.segmented_control(
        "Clean up JPEG damage",
        [AUTO, OFF, ADJUST],
        default=AUTO,
        required=True,
        key="cleanup",
        help="Saving as JPEG leaves blocks and smudges. **Auto** looks at how strongly this file "
        "was compressed and removes as much as fits.",
        width="stretch",
    )
    if choice == AUTO:
        return None
    if choice == OFF:
        return 0
    quality = inspected.jpeg_quality if inspected else None
    return int(
        st.slider(
            "Strength",
            min_value=0,
            max_value=100,
            value=MIDDLE_CLEANUP if quality is None else 100 - quality,
            key="strength",
        )
    )


def enhance_button(*, is_ready: bool, is_running: bool, is_done: bool) -> bool:
    """The one button, and whether it was pressed; its label says why it cannot be."""
    label, icon = "Enhance", ":material/auto_awesome:"
    if is_running:
        label, icon = "Enhancing …", "spinner"
    elif is_done:
        label, icon = "Enhanced", ":material/check:"
    return st.button(
        label,
        icon=icon,
        type="primary",
        width="stretch",
        key="enhance",
        disabled=is_running or is_done or not is_ready,
    )


def show_empty() -> None:
    """The stage without a picture."""
    with st.container(key="empty-stage"):
        st.markdown(":material/image: Your picture will appear here.", text_alignment="center")


def show_preview(inspected: Inspected, *, alt: str) -> None:
    """The picture as it was given, as large as its result will be shown."""
    with st.container(key="stage"):
        st.image(webp_address(inspected.preview), width="stretch", alt=alt)


def show_progress(job: Job, *, estimate: float, on_cancel: Callable[[], None]) -> None:
    """Bar, time left, Cancel; ends with a run of the whole page."""
    with st.container(key="progress", border=True):
        watch(job, estimate)
        st.button("Cancel", icon=":material/close:", key="cancel", on_click=on_cancel)
    scroll_to("progress", occasion=str(id(job)))


@st.fragment(run_every=POLL_SECONDS)
def watch(job: Job, estimate: float) -> None:
    """Looks at the job again and again; only this line of the page is drawn anew."""
    state = job.state
    if state.phase.is_over:
        st.rerun()
    st.progress(fraction(state), text=sentence(state, estimate=estimate))


def show_result(picked: Picked, wish: Wish, result: Enhanced, *, studio: Studio) -> None:
    """Comparison, numbers, downloads."""
    slider = cast(comparison.Slider, studio.settings.slider)
    with st.container(key="result"):
        comparison.show(result.comparison, key=wish.name, slider=slider)
        _show_downloads(picked, wish, result, studio=studio)
        _show_numbers(result)
    scroll_to("result", occasion=wish.name)


def scroll_to(key: str, *, occasion: str) -> None:
    """On a phone, bring what has just come into view, once an occasion."""
    st.html(
        f"""<script data-occasion="{occasion}">
        if (matchMedia("(max-width: 640px)").matches)
          document.querySelector(".st-key-{key}")?.scrollIntoView({{ behavior: "smooth" }});
        </script>""",
        unsafe_allow_javascript=True,
    )


def _show_downloads(picked: Picked, wish: Wish, result: Enhanced, *, studio: Studio) -> None:
    with st.container(key="downloads", horizontal=True, vertical_alignment="center"):
        for kind in result.formats:
            st.download_button(
                f"Download {LABELS[kind]}",
                partial(studio.file, wish, kind),
                file_name=download_name(picked.name, scale=wish.options.scale, format=kind),
                mime=FORMATS[kind].media_type,
                key=f"download-{kind}",
                on_click="ignore",
                icon=":material/download:",
                type="primary" if kind == result.upscaled.format else "secondary",
            )
    if len(result.formats) == 1:
        st.caption(ONLY[result.formats[0]])


LABELS: dict[str, str] = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
ONLY: dict[str, str] = {
    "jpeg": "A result of this size is kept as a JPEG of high quality (95) only; as PNG it would "
    "weigh hundreds of megabytes.",
    "png": "A result of this size with transparency is kept as PNG only, which loses nothing.",
    "webp": "The result came as WebP and is offered as it is.",
}


def _show_numbers(result: Enhanced) -> None:
    upscaled = result.upscaled
    (width, height), label = upscaled.lr_size, LABELS[upscaled.format]
    facts = [
        f"{width} × {height} → **{upscaled.width} × {upscaled.height}** pixels",
        duration(upscaled.seconds),
        f"{label} of {size_of_file(len(upscaled.data))}",
    ]
    if upscaled.cleanup:
        facts.append(f"JPEG clean-up {upscaled.cleanup} %")
    if isinstance(upscaled, CloudUpscaled):
        facts += ["in the cloud", traffic(upscaled)]
    st.caption(" · ".join(facts))


def traffic(upscaled: CloudUpscaled) -> str:
    """What went over the line."""
    sent, received = size_of_file(upscaled.bytes_sent), size_of_file(upscaled.bytes_received)
    tries = " in two tries" if upscaled.attempts > 1 else ""
    return f"{sent} sent, {received} received{tries}"


def show_error(error: SuperResolutionError) -> None:
    """A friendly box."""
    if isinstance(error, CancelledError):
        st.info(text_of(error), title=message_of(error).title, icon=":material/cancel:")
    else:
        st.error(text_of(error), title=message_of(error).title, icon=":material/error:")


def footer(way_of_pictures: str) -> None:
    """One small line."""
    with st.container(key="footer"):
        st.caption(way_of_pictures)


@st.cache_data(max_entries=16, show_spinner="Opening the picture …")
def inspected(digest: str, _data: bytes, _studio: Studio) -> Inspected:  # noqa: ARG001
    """`inspect`, once a picture: a large one takes a second to decode."""
    return inspect(_data, settings=_studio.settings)

"""The parts of the page, in the order in which they stand on it."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

import streamlit as st

from backend import SettingsError, SuperResolutionError, UpscaleOptions
from backend.errors import CancelledError, ImageTooLargeError
from backend.images.formats import FORMATS, READABLE
from backend.images.jpeg_quality import cleanup_from_quality
from backend.models.manifest import FULL_DETAIL, PHOTOGRAPHS
from backend.options import AUTO
from webapp import session
from webapp.base.announcer import announce
from webapp.base.fragments import polled
from webapp.base.messages import message_for
from webapp.base.texts import LANGUAGES, Texts
from webapp.client.remote import RemoteUpscaled
from webapp.enhancer import Enhancer, automatic_tier
from webapp.intake.frame import frame
from webapp.intake.frame import picture as plain_picture
from webapp.intake.gallery import Item, gallery
from webapp.intake.picker import Events, picker
from webapp.intake.pictures import InputFile, Inspection, webp_data_url
from webapp.intake.samples import samples
from webapp.options.address import ADJUST, CLEANUPS, ESTIMATED, OFF
from webapp.result import slider
from webapp.result.callers import examples, fill_in
from webapp.result.filenames import download_stem, split_name
from webapp.result.saver import saver
from webapp.routes import ARCHIVE_PATH, DETAIL_PATH, RESULT_PATH, UPLOAD_PATH
from webapp.tabs import MAX_PICTURES, Result, Tab
from webapp.work.enhance import Enhanced, EnhanceRequest
from webapp.work.jobs import Job
from webapp.work.progress import Estimate, fraction, sentence

log = logging.getLogger("webapp.page")

MIDDLE_CLEANUP = 40
LEAVING_SECONDS = 10.0
"""A job that takes longer is worth a question before the tab is closed."""
MUCH_SLOWER = 2.0
"""Times the work of the tier for photographs: what takes longer says so before it is chosen."""
PROPER_NAMES = {
    "realesrgan-x4plus": "Real-ESRGAN",
    "realesrgan-x4plus-anime": "Real-ESRGAN Anime",
    "realesr-animevideov3": "Real-ESRGAN Anime Video",
}
"""Of networks that can be added; the same in every language."""
DETAIL_STEP = 5
"""Networks are blended for each number, so there are not too many of them."""
MANY = 2
"""Pictures of which there is more to say than of each alone."""


def show_start_failure(error: SettingsError | SuperResolutionError, t: Texts) -> None:
    """The whole page, when the engine cannot be made."""
    st.title(t("start.title"), anchor=False)
    if isinstance(error, SettingsError):
        st.error(t("start.hint"), title=t("start.setting"), icon=":material/settings:")
        st.code(str(error), language=None, wrap_lines=True)
    else:
        show_error(error, t)


@contextmanager
def faults_explained(t: Texts) -> Iterator[None]:
    """For what nobody foresaw: our words in place of Streamlit's, which are for developers."""
    try:
        yield
    except Exception:
        log.exception("the page was not drawn to its end")
        show_error(SuperResolutionError(), t)


def show_head(t: Texts) -> None:
    """The name of the page, and its language."""
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            st.title(t("page.name"), anchor=False)
            st.markdown(t("page.tagline"))
        choose_language(t)


def choose_language(t: Texts) -> None:
    """A list of the languages, each by its own name."""
    st.selectbox(
        t("page.language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key="lang",
        persist_state="session",
        label_visibility="collapsed",
        filter_mode=None,
        width=150,
    )


def receive_pictures(tab: Tab, *, enhancer: Enhancer, t: Texts) -> Events:
    """The drop area, and what came in through it."""
    settings = enhancer.settings
    formats = ", ".join(each.label for each in READABLE)
    size = t.limit(settings.max_image_bytes)
    texts = t.section("picker") | {"hint": t("picker.hint", formats=formats, size=size)}
    return picker(
        {
            "token": tab.token,
            "address": UPLOAD_PATH,
            "maxFiles": MAX_PICTURES,
            "allowsLinks": settings.allow_web_sources,
            "texts": texts,
        },
        key="picker",
    )


def show_bulk(tab: Tab, bulk: session.Bulk, *, enhancer: Enhancer, t: Texts) -> None:
    """For several pictures: all at once, stop, and one file with all results."""
    if len(tab.pictures) < MANY:
        return
    with st.container(key="bulk", horizontal=True, vertical_alignment="center"):
        if len(bulk.pending) > 1:
            label = t("bulk.all", count=len(bulk.pending), time=t.about(bulk.seconds))
            if st.button(label, key="enhance-all", icon=":material/auto_awesome:"):
                session.start_all(tab, bulk, enhancer=enhancer)
                st.rerun()
        if len(bulk.running) > 1 and st.button(t("bulk.stop"), key="stop-all"):
            for request in bulk.running:
                session.stop(tab, request, enhancer)
            st.rerun()
        if bulk.done > 1:
            address = f"{ARCHIVE_PATH}/{enhancer.archive(tab).secret}.zip"
            st.html(f'<a class="zip" href="{address}" download>{t("bulk.zip")}</a>')


def choose_own(tab: Tab, *, states: dict[str, tuple[str, str]], t: Texts) -> None:
    """The visitor's pictures of this visit, with what became of each."""
    if not tab.pictures:
        return
    items = []
    for digest, picture in tab.pictures.items():
        inspection = tab.inspections.get(digest)
        image = inspection.thumbnail if isinstance(inspection, Inspection) else NO_IMAGE
        state, description = states.get(digest, ("", ""))
        items.append(
            Item(id=digest, title=picture.name, image=image, state=state, description=description)
        )
    st.markdown(f"**{t('own.label')}**")
    gallery(
        items,
        chosen=tab.current or "",
        label=t("own.label"),
        key="own",
        on_choose=partial(session.choose_own, tab),
    )


NO_IMAGE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""One transparent pixel, for a file that could not be read."""


def choose_sample(tab: Tab, t: Texts) -> None:
    """The samples, with a line about the one that is chosen."""
    items = [
        Item(id=each.file, title=t(f"sample.{each.name}.title"), image=each.thumbnail)
        for each in samples().values()
    ]
    st.markdown(f"**{t('sample.label')}**")
    chosen = "" if tab.current else st.session_state.sample
    gallery(
        items,
        chosen=chosen,
        label=t("sample.label"),
        key="samples",
        on_choose=partial(session.choose_sample, tab),
    )
    if not tab.current:
        name = samples()[st.session_state.sample].name
        st.caption(t(f"sample.{name}.caption"))


def choose_options(enhancer: Enhancer, inspection: Inspection | None, t: Texts) -> UpscaleOptions:
    """Model where there is a choice, scale, and what only few need."""
    models = enhancer.choices
    model = models[0]
    if len(models) > 1:
        _default("model", model, models)
        st.segmented_control(
            t("option.model"),
            models,
            required=True,
            format_func=lambda name: _model_choice(name, enhancer=enhancer, t=t),
            key="model",
            width="stretch",
            wrap=True,
        )
        model = st.session_state.model
        if model == AUTO and inspection is not None:
            _tell_choice(inspection, t)
    scales = list(enhancer.engine.models[model])
    _default("scale", max(scales), scales)
    st.segmented_control(
        t("option.scale"),
        scales,
        required=True,
        format_func=lambda factor: t("option.factor", factor=factor),
        key="scale",
        width="stretch",
    )
    scale = int(st.session_state.scale)
    _describe_other(model, scale, enhancer=enhancer, t=t)
    if inspection is not None:
        width, height = inspection.size
        st.caption(
            t(
                "option.sizes",
                width=width,
                height=height,
                new_width=width * scale,
                new_height=height * scale,
            )
        )
    tier = automatic_tier(inspection) if model == AUTO and inspection is not None else model
    if tier in enhancer.engine.details and tier != AUTO:
        _choose_detail(enhancer.engine.details[tier], t)
    # With a key and a state that the server knows it stays open when what is above it changes.
    more = st.expander(t("option.more"), icon=":material/tune:", key="more", on_change="rerun")
    with more:
        cleanup = _choose_cleanup(inspection, t)
    # Where this picture has no such choice, others that are enhanced with it may have.
    detail = st.session_state.get("detail")
    return UpscaleOptions(scale=scale, model=model, cleanup=cleanup, detail=detail)


def _choose_detail(default: int, t: Texts) -> None:
    _default("detail", default, [default, *range(0, FULL_DETAIL + 1, DETAIL_STEP)])
    st.slider(
        t("detail.label"),
        min_value=0,
        max_value=FULL_DETAIL,
        step=DETAIL_STEP,
        key="detail",
        persist_state="session",
    )
    st.caption(t("detail.help"))


def _tell_choice(inspection: Inspection, t: Texts) -> None:
    kind = "photograph" if inspection.is_photograph else "drawing"
    st.caption(t(f"automatic.{kind}", tier=model_label(automatic_tier(inspection), t)))


def _default(key: str, value: object, offered: Sequence[object]) -> None:
    """A widget's first value, or the one to return to when its value is not offered any more."""
    if st.session_state.get(key) not in offered:
        st.session_state[key] = value


def model_label(name: str, t: Texts) -> str:
    """A tier as a visitor reads it; one of the operator's own has only its name."""
    return t.get(f"model.{name}") or PROPER_NAMES.get(name) or name.replace("_", " ").capitalize()


def _model_choice(name: str, *, enhancer: Enhancer, t: Texts) -> str:
    """The tier, with its price where that is worth a warning."""
    slowness = enhancer.slowness(name, max(enhancer.engine.models[name]))
    label = model_label(name, t)
    if slowness is None or slowness < MUCH_SLOWER:
        return label
    return t("option.slow", name=label, factor=round(slowness))


def _describe_other(name: str, scale: int, *, enhancer: Enhancer, t: Texts) -> None:
    """Who a network is from that is not this project's, and how slow it is."""
    spec = enhancer.spec(name, scale)
    if spec is None or not spec.source:
        return
    text = t("option.origin", credit=escape_markdown(spec.credit), license=spec.license)
    slowness = enhancer.slowness(name, scale)
    if slowness is not None and slowness >= MUCH_SLOWER:
        tier = model_label(PHOTOGRAPHS, t)
        text += " " + t("option.slower", factor=round(slowness), tier=tier)
    st.caption(text)


def _choose_cleanup(inspection: Inspection | None, t: Texts) -> int | None:
    _default("cleanup", ESTIMATED, CLEANUPS)
    choice = st.segmented_control(
        t("cleanup.label"),
        CLEANUPS,
        required=True,
        format_func=lambda each: t(f"cleanup.{each}"),
        key="cleanup",
        width="stretch",
    )
    st.caption(t("cleanup.help"))
    if choice != ADJUST:
        return 0 if choice == OFF else None
    quality = inspection.jpeg_quality if inspection else None
    if "strength" not in st.session_state:
        is_jpeg = quality is not None
        st.session_state.strength = cleanup_from_quality(quality) if is_jpeg else MIDDLE_CLEANUP
    return int(st.slider(t("cleanup.strength"), min_value=0, max_value=100, key="strength"))


def enhance_button(
    t: Texts, *, estimate: Estimate | None, is_running: bool, is_done: bool, is_long: bool
) -> bool:
    """The one button, and whether it was pressed; its label says how long it will take."""
    label, icon = t("enhance.do"), ":material/auto_awesome:"
    if is_running:
        label, icon = t("enhance.running"), ":material/hourglass_top:"
    elif is_done:
        label, icon = t("enhance.done"), ":material/check:"
    elif estimate is not None and is_long:
        label = t("enhance.do_time", time=t.about(estimate.total))
    return st.button(
        label,
        icon=icon,
        type="primary",
        width="stretch",
        key="enhance",
        disabled=is_running or is_done or estimate is None,
    )


def show_empty(t: Texts) -> None:
    """The stage without a picture."""
    with st.container(key="empty-stage"):
        st.markdown(t("page.empty"), text_alignment="center")


def show_preview(picture: InputFile, inspection: Inspection, t: Texts) -> None:
    """The picture as it was given, as large as its result will be shown."""
    with st.container(key="stage"):
        image = webp_data_url(inspection.preview.read())
        plain_picture(image, alt=alternative_text(picture, t), key="preview")


def alternative_text(picture: InputFile, t: Texts) -> str:
    """What a picture is called: a sample by its title, an own one by its file's name."""
    if picture.sample:
        return t(f"sample.{samples()[picture.sample].name}.title")
    return picture.name


def inspect(tab: Tab, picture: InputFile, *, enhancer: Enhancer, t: Texts) -> Inspection:
    """Open the picture, with a word about it where that takes a while."""
    if picture.digest in enhancer.owner(tab, picture).inspections:
        return enhancer.inspect(tab, picture)
    with st.spinner(t("wait.opening")):
        return enhancer.inspect(tab, picture)


def show_problem(
    tab: Tab,
    picture: InputFile | None,
    error: SuperResolutionError,
    *,
    enhancer: Enhancer,
    t: Texts,
) -> None:
    """Why there is no picture; one that is only too large can be shrunk or cut."""
    max_side = enhancer.settings.max_side
    if picture is None or not isinstance(error, ImageTooLargeError):
        show_error(error, t, name=tab.refused_name if picture is None else "")
        return
    try:
        with st.spinner(t("wait.opening")):
            preview = enhancer.large_preview(tab, picture)
    except SuperResolutionError:
        show_error(error, t)
        return
    width, height = preview.size
    box = (min(width, max_side), min(height, max_side))
    st.info(
        t("fit.explain", width=width, height=height, max_side=max_side),
        title=t("fit.title"),
        icon=":material/photo_size_select_large:",
    )
    with st.container(horizontal=True):
        shrinks = st.button(t("fit.shrink"), key="shrink", type="primary")
        cuts = st.button(t("fit.cut"), key="cut")
    at = frame(
        preview.image,
        size=preview.size,
        frame=box,
        alt=alternative_text(picture, t),
        label=t("fit.frame"),
        key=f"fit-{picture.digest}",
    )
    left, top = at or ((width - box[0]) // 2, (height - box[1]) // 2)
    if shrinks or cuts:
        with st.spinner(t("wait.opening")):
            part = (left, top, left + box[0], top + box[1])
            enhancer.fit(tab, picture, part if cuts else None)
        st.rerun()


def show_progress(
    tab: Tab,
    request: EnhanceRequest,
    job: Job,
    *,
    estimate: Estimate,
    enhancer: Enhancer,
    t: Texts,
) -> None:
    """Bar, time left, and the way to stop, which asks first."""
    with st.container(key="progress", border=True):
        watch_job(job, estimate, t)
        if not tab.asks_to_stop:
            st.button(
                t("stop.ask"),
                icon=":material/close:",
                key="stop",
                on_click=session.ask_to_stop,
                args=(tab, True),
            )
            return
        st.markdown(t("stop.question"))
        with st.container(horizontal=True):
            st.button(
                t("stop.yes"),
                key="stop-yes",
                type="primary",
                on_click=session.stop,
                args=(tab, request, enhancer),
            )
            st.button(t("stop.no"), key="stop-no", on_click=session.ask_to_stop, args=(tab, False))


@polled
def watch_job(job: Job, estimate: Estimate, t: Texts) -> None:
    """Looks at the job again and again; only this line of the page is drawn again."""
    state = job.state
    if state.phase.is_over:
        st.rerun()
    text = sentence(state, estimate=estimate, t=t)
    share = min(1.0, fraction(state, estimate=estimate))
    st.progress(share, text=text)
    announce(
        title=f"{t('own.percent', percent=round(100 * share))} · {t('page.name')}",
        message=t("enhance.running"),
        language=t.language,
        leaving=estimate.total > LEAVING_SECONDS,
    )


def watch_others(jobs: dict[EnhanceRequest, Job], drawn: session.Marks) -> None:
    """Draw the page again when a job of another picture, or with other choices, has gone on.

    `drawn` is what was known of the jobs before anything was drawn.
    """
    if jobs:
        _watch(jobs, drawn)


@polled
def _watch(jobs: dict[EnhanceRequest, Job], drawn: session.Marks) -> None:
    if any(mark != drawn.get(request) for request, mark in session.job_marks(jobs).items()):
        st.rerun()


def show_result(
    tab: Tab,
    picture: InputFile,
    inspection: Inspection,
    result: Enhanced,
    *,
    enhancer: Enhancer,
    t: Texts,
) -> None:
    """Comparison, what it is compared with, save menu, facts."""
    upscaled = result.upscaled
    width, height = inspection.size
    left = session.BEFORE
    offered = session.left_choices(result, enhancer=enhancer)
    if st.session_state.get("left") in offered:
        left = st.session_state.left
    asked, other = None, None
    if left != session.BEFORE:
        asked = session.request_for_model(tab, picture, left, enhancer=enhancer)
        other = session.result_or_start(tab, picture, asked, enhancer=enhancer)
    size = {"width": upscaled.width, "height": upscaled.height}
    key = "" if tab.shown is None else tab.shown.key
    if other is None:
        blob, name = inspection.side.read(), t("slider.label_before", width=width, height=height)
        right = t("slider.label_after", **size)
        before = detail_address(tab, picture, result, enhancer=enhancer, side="before")
    else:
        key += f"-{left}-{other.upscaled.detail}"
        blob, name = other.side.read(), model_label(left, t)
        right = model_label(upscaled.model, t)
        before = detail_address(tab, picture, other, enhancer=enhancer)
    with st.container(key="result"):
        show_slider(
            blob,
            result.side.read(),
            labels=(name, right),
            key=key,
            enhancer=enhancer,
            t=t,
            details=(before, detail_address(tab, picture, result, enhancer=enhancer)),
        )
        if len(offered) > 1:
            _default("left", session.BEFORE, offered)
            st.segmented_control(
                t("compare.label"),
                offered,
                required=True,
                format_func=lambda each: _left_label(tab, picture, each, enhancer=enhancer, t=t),
                key="left",
                persist_state="session",
                wrap=True,
            )
        if asked is not None and other is None:
            _show_left_progress(tab, asked, inspection, enhancer=enhancer, t=t)
        show_saver(tab, picture, result, enhancer=enhancer, t=t)
        st.caption(" · ".join([*facts(result, t), *_automatic(result, inspection, t)]))
        if inspection.has_more_frames:
            st.caption(t("fact.first_frame"))
        show_making(picture, result, enhancer=enhancer, t=t)


def _left_label(tab: Tab, picture: InputFile, left: str, *, enhancer: Enhancer, t: Texts) -> str:
    """Name what the result can be compared with, and the time where it is not made yet."""
    if left == session.BEFORE:
        return t("slider.before")
    label = model_label(left, t)
    request = session.request_for_model(tab, picture, left, enhancer=enhancer)
    size = enhancer.inspect(tab, picture).size
    if enhancer.result(tab, picture, request) is not None:
        return label
    return f"{label} · {t.about(enhancer.estimate(size, request).total)}"


def _show_left_progress(
    tab: Tab, request: EnhanceRequest, inspection: Inspection, *, enhancer: Enhancer, t: Texts
) -> None:
    """While what the result is compared with is made; `watch_others` draws it again."""
    job = tab.jobs.get(request)
    if request in tab.errors:
        show_error(tab.errors[request], t)
    elif job is not None:
        estimate = enhancer.estimate(inspection.size, request)
        share = min(1.0, fraction(job.state, estimate=estimate))
        st.progress(share, text=sentence(job.state, estimate=estimate, t=t))
        st.button(
            t("stop.ask"),
            icon=":material/close:",
            key="stop-left",
            on_click=session.stop_left,
            args=(tab, request, enhancer),
        )


def show_slider(
    left: bytes,
    right: bytes,
    *,
    labels: tuple[str, str],
    key: str,
    enhancer: Enhancer,
    t: Texts,
    slot: str = "result",
    details: tuple[str, str] | None = None,
) -> None:
    """The comparison of two sides."""
    kind = cast(slider.Kind, enhancer.settings.slider)
    texts = t.section("slider")
    slider.show(
        left,
        right,
        labels=labels,
        texts=texts,
        key=key,
        kind=kind,
        slot=slot,
        sweeps=True,
        details=details,
    )


def detail_address(
    tab: Tab, picture: InputFile, result: Enhanced, *, enhancer: Enhancer, side: str = "after"
) -> str:
    """Of the pieces of a result, or of what it was made from."""
    return f"{DETAIL_PATH}/{enhancer.download(tab, picture, result).secret}/{side}"


def show_saver(
    tab: Tab, picture: InputFile, result: Enhanced, *, enhancer: Enhancer, t: Texts, key: str = ""
) -> None:
    """The save menu; a file that is gone from the server is made again."""
    download = enhancer.download(tab, picture, result)
    inspection = enhancer.inspect(tab, picture)
    formats = [FORMATS[name] for name in result.formats]
    is_single = len(formats) == 1
    is_gone = saver(
        {
            "address": f"{RESULT_PATH}/{download.secret}",
            "formats": [
                {
                    "name": each.name,
                    "label": each.label,
                    "suffix": each.suffix,
                    "quality": each.default_quality,
                }
                for each in formats
            ],
            "canChooseQuality": not is_single,
            "stem": download_stem(picture.name, scale=result.upscaled.scale),
            "keep": _kept(inspection, t),
            "note": " ".join(
                _save_notes(inspection, only=formats[0].name if is_single else "", t=t)
            ),
            "language": t.language,
            "texts": t.section("save") | t.section("unit"),
        },
        key=f"saver{key}",
    )
    if is_gone:
        st.rerun()


def _kept(inspection: Inspection, t: Texts) -> str:
    """What can be kept, in words; "" where the original says nothing of the kind."""
    taken, dpi = inspection.kept.taken, inspection.kept.dpi
    words = [t.date(taken)] if taken else []
    if dpi is not None:
        words.append(t("save.dpi", dpi=dpi))
    return t("save.keep", what=", ".join(words)) if words else ""


def _save_notes(inspection: Inspection, *, only: str, t: Texts) -> list[str]:
    """Why there is one format only, and what the file does not have of the original."""
    notes = [t(f"save.only_{only}")] if only else []
    notes.append(t("save.dropped"))
    if inspection.has_place:
        notes.append(t("save.dropped_place"))
    if inspection.has_camera:
        notes.append(t("save.dropped_camera"))
    return notes


def facts(result: Enhanced, t: Texts) -> list[str]:
    """Size, time, clean-up and detail of a result."""
    upscaled = result.upscaled
    width, height = upscaled.lr_size
    found = [
        t(
            "fact.sizes",
            width=width,
            height=height,
            new_width=upscaled.width,
            new_height=upscaled.height,
        ),
        t.duration(upscaled.seconds),
    ]
    if upscaled.cleanup:
        found.append(t("fact.cleanup", percent=upscaled.cleanup))
    if upscaled.detail is not None:
        found.append(t("fact.detail", percent=upscaled.detail))
    if isinstance(upscaled, RemoteUpscaled):
        found += [t("fact.cloud"), traffic(upscaled, t)]
    return found


def _automatic(result: Enhanced, inspection: Inspection, t: Texts) -> list[str]:
    """Which tier was chosen for the visitor."""
    if st.session_state.get("model") != AUTO:
        return []
    chosen = automatic_tier(inspection)
    if chosen != result.upscaled.model:  # an older result, which the next one replaces
        return []
    return [t("automatic.chosen", tier=model_label(chosen, t))]


def show_making(picture: InputFile, result: Enhanced, *, enhancer: Enhancer, t: Texts) -> None:
    """For the curious: the network, and the request as a program would send it."""
    upscaled = result.upscaled
    spec = enhancer.spec(upscaled.model, upscaled.scale)
    if spec is None:
        return
    options = UpscaleOptions(
        scale=upscaled.scale,
        model=upscaled.model,
        cleanup=upscaled.cleanup,
        detail=upscaled.detail,
    )
    stem, suffix = split_name(picture.name)
    with st.expander(t("made.label"), icon=":material/code:"):
        cost = round((spec.multiplications or 0) / 1000)
        st.markdown(
            t("made.network", name=spec.name, scale=spec.scale, cost=cost, license=spec.license)
        )
        if spec.credit:
            st.markdown(t("made.credit", credit=escape_markdown(spec.credit)))
        st.markdown(t("made.program"))
        for language, example in examples().items():
            code = fill_in(example, stem=stem, suffix=suffix, options=options)
            name = f'<pre class="code" tabindex="0" aria-label="{language}">'
            st.html(f"{name}{html.escape(code)}</pre>")


def traffic(upscaled: RemoteUpscaled, t: Texts) -> str:
    """What went over the line."""
    sent, received = t.file_size(upscaled.bytes_sent), t.file_size(upscaled.bytes_received)
    key = "fact.traffic_two_tries" if upscaled.attempts > 1 else "fact.traffic"
    return t(key, sent=sent, received=received)


def show_error(error: SuperResolutionError, t: Texts, *, name: str = "") -> None:
    """A friendly box; `name` is a file's, as its owner called it."""
    message = message_for(error, t)
    body = f"{escape_markdown(name)}: {message.body}" if name else message.body
    if isinstance(error, CancelledError):
        st.info(body, title=message.title, icon=":material/cancel:")
    else:
        st.error(body, title=message.title, icon=":material/error:")


def escape_markdown(text: str) -> str:
    """A stranger's text inside ours: every sign of markup loses its meaning."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|<>~$:&^=" else char for char in text)


def announce_state(
    tab: Tab,
    request: EnhanceRequest | None,
    result: Result | None,
    problem: SuperResolutionError | None,
    t: Texts,
) -> None:
    """What is there now, for the title of the tab and for those who do not look at the page."""
    title, message, key = t("page.name"), "", ""
    if problem is not None:
        message = message_for(problem, t).title
    elif request is not None and result is not None:
        key, message = request.key, t("announce.done")
        if request in tab.asked:
            title = f"✓ {message} · {title}"
    announce(title=title, message=message, language=t.language, result=key)


def show_footer(privacy_note: str) -> None:
    """One small line."""
    with st.container(key="footer"):
        st.caption(privacy_note)

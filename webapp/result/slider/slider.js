// Before/after slider with zoom. One blob brings both pictures, large ones reduced; pieces come on
// demand, when a visitor zooms in and while a result is being made.

const SWEEP = 2400; // milliseconds of the divider's demonstration
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const LIVE = "super-resolution-live"; // the event with which the bar passes on the server's messages

let hasSwept = false; // the divider demonstrates itself once a page load

const viewers = new WeakMap(); // mount point -> the viewer in it

export default function (component) {
  const { data, parentElement } = component;
  const content = unpack(data);
  let viewer = viewers.get(parentElement);
  if (viewer && !viewer.shows(content.id)) {
    viewer.close();
    viewer = createViewer(parentElement, content, viewer.state);
  }
  viewer ??= createViewer(parentElement, content);
  const close = keep(viewers, parentElement, viewer);
  viewer.update(content);
  return close;
}

function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let start = 4 + length;
  for (const picture of header.pictures) {
    picture.bytes = bytes.subarray(start, start + picture.length);
    start += picture.length;
  }
  return header;
}

function createViewer(parent, first, last) {
  const root = parent.querySelector(".comparison");
  const find = (selector) => root.querySelector(selector);
  const stage = find(".stage");
  const handle = find(".handle");
  const badges = { before: find(".badge[data-side=before]"), after: find(".badge[data-side=after]") };
  const buttons = [...root.querySelectorAll("button")];
  const closing = new AbortController();
  const [width, height] = first.size;
  const view = viewFor(first, last);
  let content = first;
  let isDrawn = false;

  const on = (target, names, listener, options = {}) => {
    for (const name of names.split(" ")) {
      target.addEventListener(name, listener, { ...options, signal: closing.signal });
    }
  };
  const moved = () => {
    root.classList.remove("gliding");
    draw();
  };
  const geometry = createGeometry({ size: first.size, view, moved });
  const { box } = geometry;
  const pictures = createPictures({
    root, content: first, geometry, closed: closing.signal,
    ready: () => {
      root.dataset.state = content.live ? "making" : "ready";
      if (!content.live) sweep();
    },
    failed: () => {
      root.dataset.state = "failed";
      find(".problem").hidden = false;
    },
  });

  /** Take new words in another language, or the result in place of the preview. */
  function update(next) {
    const isOther = next.version !== content.version || !isDrawn;
    content = next;
    setTexts();
    if (!isOther) return;
    // Another size of the same picture is drawn over the one that is seen.
    const isSame = first.subject && last?.subject === first.subject;
    if (!isDrawn) root.dataset.state = isSame ? "renewing" : "loading";
    isDrawn = true;
    find(".problem").hidden = true;
    pictures.load(content);
    if (content.live) listen(window.superResolutionLive);
  }

  const listen = (live) => {
    if (live && live.address === content.live) pictures.follow(live);
  };
  on(window, LIVE, (event) => listen(event.detail));

  const percent = (number) => content.texts.percent.replace("{number}", number);

  function setTexts() {
    const { labels, texts } = content;
    [badges.before.textContent, badges.after.textContent] = labels;
    const [left, right] = labels;
    const named = (text) => text.replace("{left}", left).replace("{right}", right);
    root.setAttribute("aria-label", named(texts.both));
    handle.setAttribute("aria-label", named(texts.divider));
    stage.setAttribute("aria-label", texts.picture);
    find(".toolbar").setAttribute("aria-label", texts.view);
    find(".invitation").textContent = texts.invitation;
    find("[data-action=fit]").textContent = texts.fit;
    find("[data-action=fit]").title = texts.fit_hint;
    find("[data-action=pixels]").textContent = texts.pixels;
    find("[data-action=pixels]").title = texts.pixels_hint;
    const [name] = left.split(" · "); // without the size
    find("[data-action=hold]").textContent = name;
    find("[data-action=hold]").title = name === texts.before ? texts.hold_hint : texts.hold_left.replace("{left}", name);
    for (const each of root.querySelectorAll("[data-zoom]")) each.textContent = percent(100 * each.dataset.zoom);
    find("[data-zoom='1']").title = texts.full_hint;
    find(".zoom").setAttribute("aria-label", texts.zoom);
    find(".zoom").title = texts.zoom_hint;
    const icons = [
      ["in", texts.zoom_in, `${texts.zoom_in} (+)`],
      ["out", texts.zoom_out, `${texts.zoom_out} (−)`],
      ["middle", texts.middle, texts.middle_hint],
      ["fullscreen", texts.fullscreen, texts.fullscreen],
    ];
    for (const [action, name, hint] of icons) {
      const button = find(`[data-action=${action}]`);
      button.title = hint;
      button.setAttribute("aria-label", name);
    }
    stage.title = find(".hint").textContent = texts.keys.replace("{key}", MAC ? "⌘" : "Ctrl");
    find(".problem").textContent = texts.failed;
    const isReduced = content.pictures.filter((picture) => picture.side === "after").length > 1;
    find(".note").hidden = !isReduced;
    if (isReduced) find(".note").textContent = note(content.details ? texts.note_anywhere : texts.note);
    draw();
  }

  function note(text) {
    const ratio = Math.min(1, content.limits.preview / Math.max(width, height));
    const values = {
      width: Math.round(width * ratio), height: Math.round(height * ratio),
      full_width: width, full_height: height,
    };
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  function resetDivider() {
    geometry.setDividerPercent(50);
    root.classList.add("gliding");
  }

  /** Move the divider to and fro once, to show what it is for; any touch ends it. */
  function sweep() {
    if (hasSwept || !content.sweeps) return;
    hasSwept = true;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const start = performance.now();
    const ending = new AbortController();
    const stop = () => ending.abort();
    for (const name of ["pointerdown", "keydown", "wheel"]) {
      root.addEventListener(name, stop, { signal: ending.signal, capture: true });
    }
    const frame = (now) => {
      if (ending.signal.aborted || closing.signal.aborted) return;
      const share = Math.min(1, (now - start) / SWEEP);
      geometry.setDividerPercent(50 + 40 * Math.sin(2 * Math.PI * share));
      if (share < 1) requestAnimationFrame(frame);
      else stop();
    };
    requestAnimationFrame(frame);
  }

  function draw() {
    if (!box.width || !box.height) return;
    geometry.settle();
    const z = geometry.zoom();
    const grid = window.devicePixelRatio || 1;
    const left = Math.round((box.width / 2 - view.x * z) * grid) / grid;
    const top = Math.round((box.height / 2 - view.y * z) * grid) / grid;
    pictures.draw(left, top, z);
    pictures.look();
    const at = geometry.dividerAt();
    root.style.setProperty("--at", `${at}px`);
    placeBadges(at);
    const share = Math.round(geometry.dividerPercent());
    handle.setAttribute("aria-valuenow", share);
    handle.setAttribute("aria-valuetext", `${percent(share)} ${badges.before.textContent}`);
    // Both sides look the same where even the small picture is shown reduced. A first look is no sharper than that.
    find(".invitation").hidden = Boolean(content.live) || content.same || z >= 1 || (z * width) / content.before[0] > 1.25;

    const isPannable = geometry.isPannable();
    root.classList.toggle("pannable", isPannable);
    root.classList.toggle("fitted", view.fit);
    root.classList.toggle("pixelated", view.pixelated);
    stage.tabIndex = isPannable ? 0 : -1;
    find(".zoom").textContent = percent(z < 0.1 ? (z * 100).toFixed(1) : Math.round(z * 100));
    for (const button of buttons) {
      const { action, zoom: preset } = button.dataset;
      if (preset) button.setAttribute("aria-pressed", Math.abs(z / preset - 1) < 0.005);
      if (action === "fit") button.setAttribute("aria-pressed", view.fit);
      if (action === "pixels") button.setAttribute("aria-pressed", view.pixelated);
      if (action === "in") button.disabled = z >= Math.max(geometry.fitZoom(), MAX_ZOOM) * 0.99;
      if (action === "out") button.disabled = z <= Math.min(geometry.fitZoom(), 1) * 1.01;
    }
  }

  /** Place the labels in the corners of the picture, or of the stage if it is too narrow. */
  function placeBadges(at) {
    const { left, right } = geometry.visible();
    const widths = [badges.before.offsetWidth, badges.after.offsetWidth];
    const inside = (right - left) / 2 > Math.max(...widths) + 36;
    const inset = inside ? left : 0;
    root.style.setProperty("--inset", `${inset}px`);
    const shown = { before: at - inset, after: box.width - inset - at };
    badges.before.classList.toggle("squeezed", at <= left || shown.before < widths[0] + 16);
    badges.after.classList.toggle("squeezed", at >= right || shown.after < widths[1] + 16);
  }

  function act(action) {
    if (action === "fit") view.fit = true;
    if (action === "closer") geometry.zoomTo(1);
    if (action === "in") geometry.step(1);
    if (action === "out") geometry.step(-1);
    if (action === "pixels") view.pixelated = !view.pixelated;
    if (action === "middle") resetDivider();
    if (action === "fullscreen") toggleFullscreen();
    if (action === "hold" || action === "release") {
      root.classList.toggle("held", action === "hold");
      find("[data-action=hold]").setAttribute("aria-pressed", String(action === "hold"));
    }
    draw();
  }

  function toggleFullscreen() {
    const request = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
    request.catch(() => {}); // the browser may refuse; the page stays as it is
  }

  for (const button of buttons) {
    const { action, zoom: preset } = button.dataset;
    if (action === "hold") continue;
    on(button, "click", () => (preset ? geometry.zoomTo(Number(preset)) : act(action)));
  }
  const hold = find("[data-action=hold]");
  on(hold, "pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId); // who looks at the picture slips off the button
    act("hold");
  });
  on(hold, "lostpointercapture blur", () => act("release"));
  on(hold, "keydown", (event) => [" ", "Enter"].includes(event.key) && act("hold"));
  on(hold, "keyup", () => act("release"));
  on(hold, "contextmenu", (event) => event.preventDefault()); // a finger's long press opens no menu
  find("[data-action=fullscreen]").hidden = !document.fullscreenEnabled;
  listenForGestures({
    root, stage, divider: find(".divider"), handle, invitation: find(".invitation"), geometry, on, act, resetDivider,
  });

  stage.style.aspectRatio = `${width} / ${height}`;
  const resizing = new ResizeObserver(() => {
    box.width = stage.clientWidth;
    box.height = stage.clientHeight;
    draw();
  });
  resizing.observe(stage);

  return {
    state: { subject: first.subject, size: first.size, view },
    shows: (id) => id === content.id && root.isConnected,
    update,
    close: () => {
      pictures.close();
      closing.abort();
      resizing.disconnect();
    },
  };
}

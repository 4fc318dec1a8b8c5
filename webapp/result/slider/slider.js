// Before/after slider with zoom. One blob brings both pictures, large ones reduced; what is looked at
// more closely is requested piece by piece, where `details` are the addresses for that.
//
// A view is {fit, zoom, x, y, divider}: zoom in CSS pixels per pixel of the result, (x, y) the
// point of the result in the middle of the stage, divider a fraction of the stage's width.

const MAX_ZOOM = 8;
const STEPS = [0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8];
const SLOP = 4; // a finger that moved less than this is a tap
const REMEMBERED = 8;
const SWEEP = 2400; // milliseconds
const PREVIEW_SIDE = 2560; // longest side of a picture that is sent whole
const TILE_SIDE = 1024; // pixels of the result in a piece
const PATIENCE = 200; // milliseconds before what is in sight is asked for
const MAX_TILES = 60;
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

let hasSwept = false; // once a page load

const viewers = new WeakMap(); // mount point -> the viewer in it
const views = new Map(); // id of the pictures -> view, for a mount point that was built anew

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export default function (component) {
  const { data, parentElement } = component;
  const content = unpack(data);
  let viewer = viewers.get(parentElement);
  if (viewer && !viewer.shows(content.id)) {
    viewer.close();
    viewer = undefined;
  }
  viewer ??= createViewer(parentElement, content);
  viewers.set(parentElement, viewer);
  viewer.setTexts(content);
  // A fast rerun may clean up an older call after this one: only the latest may close.
  const lease = {};
  viewer.lease = lease;
  return () => {
    if (viewer.lease !== lease) return;
    viewer.close();
    viewers.delete(parentElement);
  };
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

function createViewer(parent, content) {
  const root = parent.querySelector(".comparison");
  const find = (selector) => root.querySelector(selector);
  const stage = find(".stage");
  const divider = find(".divider");
  const handle = find(".handle");
  const badges = { before: find(".badge[data-side=before]"), after: find(".badge[data-side=after]") };
  const pictures = [...root.querySelectorAll(".picture")];
  const buttons = [...root.querySelectorAll("button")];
  const closing = new AbortController();
  const [width, height] = content.size;
  const view = views.get(content.id) ?? {
    fit: true, zoom: 1, x: width / 2, y: height / 2, divider: 0.5, pixelated: false,
  };
  remember(content.id, view);
  const box = { width: 0, height: 0 }; // of the stage
  const ratio = Math.min(1, PREVIEW_SIDE / Math.max(width, height)); // of the picture that is sent
  const tiles = new Map(); // "column-row" -> the images of both sides
  let looking;

  // --- pictures

  function put(element, place) {
    const [left, top, width, height] = place.map((fraction) => `${fraction * 100}%`);
    Object.assign(element.style, { left, top, width, height });
    return element;
  }

  function load() {
    const urls = [];
    const images = [];
    const detail = content.pictures.filter((picture) => picture.side === "after")[1];
    for (const frame of pictures) {
      const side = frame.parentElement.dataset.side;
      const parts = content.pictures.filter((picture) => picture.side === side);
      frame.replaceChildren(...parts.map((part, index) => {
        const image = put(new Image(), part.place);
        image.draggable = false;
        image.alt = index > 0 ? "" : content.labels[side === "before" ? 0 : 1];
        image.src = URL.createObjectURL(new Blob([part.bytes], { type: "image/webp" }));
        urls.push(image.src);
        images.push(image);
        return image;
      }));
      if (detail && !content.details) {
        const outline = put(document.createElement("div"), detail.place);
        outline.className = "outline";
        frame.append(outline);
      }
    }
    root.dataset.state = "loading";
    find(".problem").hidden = true;
    closing.signal.addEventListener("abort", () => urls.forEach((url) => URL.revokeObjectURL(url)));
    Promise.all(images.map((image) => image.decode())).then(
      () => {
        if (closing.signal.aborted) return;
        root.dataset.state = "ready";
        sweep();
      },
      () => {
        if (closing.signal.aborted) return;
        root.dataset.state = "failed";
        find(".problem").hidden = false;
      },
    );
  }

  /** Labels and words may change with the page's language while the pictures stay. */
  function setTexts({ labels, texts }) {
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
    find(".hint").textContent = texts.keys.replace("{key}", MAC ? "⌘" : "Ctrl");
    find(".problem").textContent = texts.failed;
    const hasDetail = content.pictures.filter((picture) => picture.side === "after").length > 1;
    find(".note").hidden = !hasDetail;
    if (hasDetail) find(".note").textContent = note(content.details ? texts.note_anywhere : texts.note);
    draw();
  }

  function note(text) {
    const values = {
      width: Math.round(width * ratio), height: Math.round(height * ratio),
      full_width: width, full_height: height,
    };
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  // --- geometry

  const fitZoom = () => Math.min(box.width / width, box.height / height);
  const zoom = () => (view.fit ? fitZoom() : view.zoom);
  const pannable = () => {
    const z = zoom();
    return width * z > box.width + 1 || height * z > box.height + 1;
  };

  /** The visible part of the picture, in pixels of the stage. */
  function visible() {
    const half = (width * zoom()) / 2;
    const left = Math.max(0, box.width / 2 - half);
    return { left, right: box.width - left };
  }

  const dividerAt = () => {
    const { left, right } = visible();
    return clamp(view.divider * box.width, left, right);
  };

  function moveDivider(pixels) {
    const { left, right } = visible();
    if (pixels <= left) view.divider = 0;
    else if (pixels >= right) view.divider = 1;
    else view.divider = pixels / box.width;
    root.classList.remove("gliding");
    draw();
  }

  const dividerPercent = () => {
    const { left, right } = visible();
    return right > left ? ((dividerAt() - left) / (right - left)) * 100 : 50;
  };

  function setDividerPercent(percent) {
    const { left, right } = visible();
    moveDivider(left + ((right - left) * clamp(percent, 0, 100)) / 100);
  }

  function resetDivider() {
    setDividerPercent(50);
    root.classList.add("gliding");
  }

  /** The divider goes to and fro once, to show what it is for; any touch ends it. */
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
      setDividerPercent(50 + 40 * Math.sin(2 * Math.PI * share));
      if (share < 1) requestAnimationFrame(frame);
      else stop();
    };
    requestAnimationFrame(frame);
  }

  /** Zoom so that the point of the picture under (px, py) of the stage stays there. */
  function zoomTo(target, px = box.width / 2, py = box.height / 2) {
    const old = zoom();
    settle();
    const fit = fitZoom();
    const next = clamp(target, Math.min(fit, 1), Math.max(fit, MAX_ZOOM));
    const dx = px - box.width / 2;
    const dy = py - box.height / 2;
    view.x += dx / old - dx / next;
    view.y += dy / old - dy / next;
    view.zoom = next;
    view.fit = Math.abs(next / fit - 1) < 0.005;
    draw();
  }

  function step(direction) {
    const fit = fitZoom();
    const stops = [...STEPS.filter((stop) => stop > Math.min(fit, 1)), fit, Math.min(fit, 1)];
    stops.sort((a, b) => a - b);
    const now = zoom();
    const next = direction > 0
      ? stops.find((stop) => stop > now * 1.01)
      : stops.findLast((stop) => stop < now * 0.99);
    if (next !== undefined) zoomTo(next);
  }

  function pan(dx, dy) {
    settle();
    view.x -= dx / zoom();
    view.y -= dy / zoom();
    draw();
  }

  /** Keep the picture over the stage, or in its middle where it is smaller. */
  function settle() {
    const z = zoom();
    const hold = (value, length, room) => {
      const half = room / 2 / z;
      return length > 2 * half ? clamp(value, half, length - half) : length / 2;
    };
    view.x = hold(view.x, width, box.width);
    view.y = hold(view.y, height, box.height);
  }

  // --- pieces with every pixel, where they are looked at

  function lookCloser() {
    clearTimeout(looking);
    const shown = zoom() * (window.devicePixelRatio || 1);
    if (content.details && ratio < 1 && shown > ratio * 1.1) looking = setTimeout(fetchTiles, PATIENCE);
  }

  function fetchTiles() {
    const z = zoom();
    const range = (middle, room, length) => {
      const last = Math.ceil(length / TILE_SIDE) - 1;
      const at = (value) => clamp(Math.floor(value / TILE_SIDE), 0, last);
      return [at(middle - room / 2 / z), at(middle + room / 2 / z)];
    };
    const [left, right] = range(view.x, box.width, width);
    const [top, bottom] = range(view.y, box.height, height);
    if ((right - left + 1) * (bottom - top + 1) > MAX_TILES) return;
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) showTile(column, row);
    }
    for (const [key, images] of tiles) {
      if (tiles.size <= MAX_TILES) break;
      images.forEach((image) => image.remove());
      tiles.delete(key);
    }
  }

  function showTile(column, row) {
    const key = `${column}-${row}`;
    const x = column * TILE_SIDE;
    const y = row * TILE_SIDE;
    const place = [
      x / width, y / height,
      Math.min(TILE_SIDE, width - x) / width, Math.min(TILE_SIDE, height - y) / height,
    ];
    const images = tiles.get(key) ?? pictures.map((frame) => {
      const address = content.details[frame.parentElement.dataset.side === "before" ? 0 : 1];
      const image = put(new Image(), place);
      image.className = "tile";
      image.alt = "";
      image.draggable = false;
      image.onerror = () => image.remove(); // the reduced picture stays
      image.src = new URL(`${address}/${key}.webp`, document.baseURI);
      frame.append(image);
      return image;
    });
    tiles.delete(key);
    tiles.set(key, images); // those in sight are the last to go
  }

  // --- drawing

  function draw() {
    if (!box.width || !box.height) return;
    settle();
    lookCloser();
    const z = zoom();
    const grid = window.devicePixelRatio || 1;
    const left = Math.round((box.width / 2 - view.x * z) * grid) / grid;
    const top = Math.round((box.height / 2 - view.y * z) * grid) / grid;
    for (const frame of pictures) {
      frame.style.width = `${width * z}px`;
      frame.style.height = `${height * z}px`;
      frame.style.transform = `translate(${left}px, ${top}px)`;
    }
    const at = dividerAt();
    root.style.setProperty("--at", `${at}px`);
    placeBadges(at);
    const percent = Math.round(dividerPercent());
    handle.setAttribute("aria-valuenow", percent);
    handle.setAttribute("aria-valuetext", `${percent} % ${badges.before.textContent}`);
    // Where even the small picture is shown reduced, both sides look the same.
    find(".invitation").hidden = z >= 1 || (z * width) / content.before[0] > 1.25;

    root.classList.toggle("pannable", pannable());
    root.classList.toggle("fitted", view.fit);
    root.classList.toggle("pixelated", view.pixelated);
    stage.tabIndex = pannable() ? 0 : -1;
    find(".zoom").textContent = `${z < 0.1 ? (z * 100).toFixed(1) : Math.round(z * 100)} %`;
    for (const button of buttons) {
      const { action, zoom: preset } = button.dataset;
      if (preset) button.setAttribute("aria-pressed", Math.abs(z / preset - 1) < 0.005);
      if (action === "fit") button.setAttribute("aria-pressed", view.fit);
      if (action === "pixels") button.setAttribute("aria-pressed", view.pixelated);
      if (action === "in") button.disabled = z >= Math.max(fitZoom(), MAX_ZOOM) * 0.99;
      if (action === "out") button.disabled = z <= Math.min(fitZoom(), 1) * 1.01;
    }
  }

  /** Labels sit in the corners of the picture, or of the stage where the picture is too narrow. */
  function placeBadges(at) {
    const { left, right } = visible();
    const widths = [badges.before.offsetWidth, badges.after.offsetWidth];
    const inside = (right - left) / 2 > Math.max(...widths) + 36;
    const inset = inside ? left : 0;
    root.style.setProperty("--inset", `${inset}px`);
    const shown = { before: at - inset, after: box.width - inset - at };
    badges.before.classList.toggle("squeezed", at <= left || shown.before < widths[0] + 16);
    badges.after.classList.toggle("squeezed", at >= right || shown.after < widths[1] + 16);
  }

  // --- pointers: one drags the divider or the picture, two pinch

  const pointers = new Map();
  let gesture = null;

  const place = (event) => {
    const bounds = stage.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  };

  const focus = (element) => element.focus({ preventScroll: true });
  const invited = (event) => event.composedPath()[0] === find(".invitation");

  function startDrag(event, point) {
    if (divider.contains(event.composedPath()[0])) {
      focus(handle);
      gesture = { kind: "slide", offset: dividerAt() - point.x };
    } else if (pannable()) {
      focus(stage);
      gesture = { kind: "pan", last: point };
      root.classList.add("panning");
    } else if (event.pointerType === "mouse") {
      focus(handle);
      gesture = { kind: "slide", offset: 0 };
      moveDivider(point.x);
    } else {
      // The finger may be about to scroll the page: nothing moves before it went sideways.
      gesture = { kind: "touch", start: point };
    }
  }

  function startPinch() {
    const [a, b] = [...pointers.values()];
    gesture = {
      kind: "pinch",
      zoom: zoom(),
      distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)),
      middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
    };
    root.classList.remove("panning");
  }

  const on = (target, names, listener, options = {}) => {
    for (const name of names.split(" ")) {
      target.addEventListener(name, listener, { ...options, signal: closing.signal });
    }
  };

  on(stage, "pointerdown", (event) => {
    if (event.button !== 0 || pointers.size === 2) return;
    if (invited(event)) return;
    const point = place(event);
    pointers.set(event.pointerId, point);
    stage.setPointerCapture(event.pointerId);
    if (pointers.size === 2) startPinch();
    else startDrag(event, point);
  });

  on(stage, "pointermove", (event) => {
    if (!pointers.has(event.pointerId) || !gesture) return;
    const point = place(event);
    pointers.set(event.pointerId, point);
    if (gesture.kind === "touch" && Math.abs(point.x - gesture.start.x) > SLOP) {
      gesture = { kind: "slide", offset: 0 };
    }
    if (gesture.kind === "slide") {
      moveDivider(point.x + gesture.offset);
    } else if (gesture.kind === "pan") {
      pan(point.x - gesture.last.x, point.y - gesture.last.y);
      gesture.last = point;
    } else if (gesture.kind === "pinch" && pointers.size === 2) {
      const [a, b] = [...pointers.values()];
      const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
      pan(middle.x - gesture.middle.x, middle.y - gesture.middle.y);
      gesture.middle = middle;
      const ratio = Math.hypot(a.x - b.x, a.y - b.y) / gesture.distance;
      zoomTo(gesture.zoom * ratio, middle.x, middle.y);
    }
  });

  on(stage, "pointerup pointercancel", (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && gesture?.kind === "touch") moveDivider(place(event).x);
    root.classList.remove("panning");
    // The finger left over from a pinch goes on as a pan.
    const [left] = pointers.values();
    gesture = left && pannable() ? { kind: "pan", last: left } : null;
  });

  // The browser would focus the stage after the divider was grabbed, and drag images away.
  on(stage, "mousedown", (event) => {
    if (!invited(event)) event.preventDefault();
  });

  // Two fingers belong to the picture, even where one finger scrolls the page.
  on(stage, "touchstart", (event) => {
    if (event.touches.length > 1) event.preventDefault();
  }, { passive: false });

  on(stage, "wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : 16);
    const { x, y } = place(event);
    zoomTo(zoom() * Math.exp(-clamp(pixels, -25, 25) * 0.01), x, y);
  }, { passive: false });

  on(stage, "dblclick", resetDivider);

  // --- keyboard

  function slideByKey(event) {
    const now = dividerPercent();
    const by = event.shiftKey ? 10 : 1;
    const targets = {
      ArrowLeft: now - by, ArrowDown: now - by, ArrowRight: now + by, ArrowUp: now + by,
      PageDown: now - 10, PageUp: now + 10, Home: 0, End: 100,
    };
    if (!(event.key in targets)) return false;
    setDividerPercent(Math.round(targets[event.key]));
    return true;
  }

  function panByKey(event) {
    const [x, y] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (x === undefined || !pannable()) return false;
    pan((x * box.width) / 10, (y * box.height) / 10);
    return true;
  }

  function zoomByKey(event) {
    const actions = {
      "+": () => step(1), "=": () => step(1), "-": () => step(-1),
      0: () => act("fit"), 1: () => zoomTo(1),
    };
    if (!Object.hasOwn(actions, event.key)) return false;
    actions[event.key]();
    return true;
  }

  on(root, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    const done = (target === handle && slideByKey(event))
      || (target === stage && panByKey(event))
      || zoomByKey(event);
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  });

  // --- toolbar

  function act(action) {
    if (action === "fit") view.fit = true;
    if (action === "closer") zoomTo(1);
    if (action === "in") step(1);
    if (action === "out") step(-1);
    if (action === "pixels") view.pixelated = !view.pixelated;
    if (action === "middle") resetDivider();
    if (action === "fullscreen") toggleFullscreen();
    draw();
  }

  function toggleFullscreen() {
    const request = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
    request.catch(() => {}); // refused by the browser's policy: the page stays as it is
  }

  for (const button of buttons) {
    const { action, zoom: preset } = button.dataset;
    on(button, "click", () => (preset ? zoomTo(Number(preset)) : act(action)));
  }
  find("[data-action=fullscreen]").hidden = !document.fullscreenEnabled;

  // --- life

  stage.style.aspectRatio = `${width} / ${height}`;
  const resizing = new ResizeObserver(() => {
    box.width = stage.clientWidth;
    box.height = stage.clientHeight;
    draw();
  });
  resizing.observe(stage);
  load();

  return {
    shows: (id) => id === content.id && root.isConnected,
    setTexts,
    close: () => {
      clearTimeout(looking);
      closing.abort();
      resizing.disconnect();
    },
  };
}

function remember(id, view) {
  views.delete(id);
  views.set(id, view);
  if (views.size > REMEMBERED) views.delete(views.keys().next().value);
}

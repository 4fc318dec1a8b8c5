// Pointers, wheel and keys. One pointer drags the divider or the picture, two pinch.

const SLOP = 4; // pixels below which a finger's move is a tap

function listenForGestures({ root, stage, divider, handle, invitation, geometry, on, act, resetDivider }) {
  const { box } = geometry;
  const pointers = new Map();
  let gesture = null;

  const place = (event) => {
    const bounds = stage.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  };
  const focus = (element) => element.focus({ preventScroll: true });
  const isInvited = (event) => event.composedPath()[0] === invitation;

  function startDrag(event, point) {
    if (divider.contains(event.composedPath()[0])) {
      focus(handle);
      gesture = { kind: "slide", offset: geometry.dividerAt() - point.x };
    } else if (geometry.isPannable()) {
      focus(stage);
      gesture = { kind: "pan", last: point };
      root.classList.add("panning");
    } else if (event.pointerType === "mouse") {
      focus(handle);
      gesture = { kind: "slide", offset: 0 };
      geometry.moveDivider(point.x);
    } else {
      // The finger may want to scroll the page, so nothing moves before it goes sideways.
      gesture = { kind: "touch", start: point };
    }
  }

  function startPinch() {
    const [a, b] = [...pointers.values()];
    gesture = {
      kind: "pinch",
      zoom: geometry.zoom(),
      distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)),
      middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
    };
    root.classList.remove("panning");
  }

  on(stage, "pointerdown", (event) => {
    if (event.button !== 0 || pointers.size === 2 || isInvited(event)) return;
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
      geometry.moveDivider(point.x + gesture.offset);
    } else if (gesture.kind === "pan") {
      geometry.pan(point.x - gesture.last.x, point.y - gesture.last.y);
      gesture.last = point;
    } else if (gesture.kind === "pinch" && pointers.size === 2) {
      const [a, b] = [...pointers.values()];
      const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
      geometry.pan(middle.x - gesture.middle.x, middle.y - gesture.middle.y);
      gesture.middle = middle;
      const ratio = Math.hypot(a.x - b.x, a.y - b.y) / gesture.distance;
      geometry.zoomTo(gesture.zoom * ratio, middle.x, middle.y);
    }
  });

  on(stage, "pointerup pointercancel", (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && gesture?.kind === "touch") geometry.moveDivider(place(event).x);
    root.classList.remove("panning");
    // The finger that is left after a pinch pans.
    const [left] = pointers.values();
    gesture = left && geometry.isPannable() ? { kind: "pan", last: left } : null;
  });

  // Otherwise the browser focuses the stage after a grab of the divider, and drags images.
  on(stage, "mousedown", (event) => {
    if (!isInvited(event)) event.preventDefault();
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
    geometry.zoomTo(geometry.zoom() * Math.exp(-clamp(pixels, -25, 25) * 0.01), x, y);
  }, { passive: false });

  on(stage, "dblclick", resetDivider);

  function slideByKey(event) {
    const now = geometry.dividerPercent();
    const by = event.shiftKey ? 10 : 1;
    const targets = {
      ArrowLeft: now - by, ArrowDown: now - by, ArrowRight: now + by, ArrowUp: now + by,
      PageDown: now - 10, PageUp: now + 10, Home: 0, End: 100,
    };
    if (!(event.key in targets)) return false;
    geometry.setDividerPercent(Math.round(targets[event.key]));
    return true;
  }

  function panByKey(event) {
    const [x, y] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (x === undefined || !geometry.isPannable()) return false;
    geometry.pan((x * box.width) / 10, (y * box.height) / 10);
    return true;
  }

  function actByKey(event) {
    const actions = {
      "+": () => geometry.step(1), "=": () => geometry.step(1), "-": () => geometry.step(-1),
      0: () => act("fit"), 1: () => geometry.zoomTo(1), b: () => act("hold"),
    };
    const key = event.key.toLowerCase(); // Caps Lock may be on
    if (!Object.hasOwn(actions, key)) return false;
    actions[key]();
    return true;
  }

  on(root, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    const isDone = (target === handle && slideByKey(event))
      || (target === stage && panByKey(event))
      || actByKey(event);
    if (!isDone) return;
    event.preventDefault();
    event.stopPropagation();
  });
  // The key may come up elsewhere, or in another program.
  on(window, "keyup blur", (event) => {
    if (event.type === "blur" || event.key?.toLowerCase() === "b") act("release");
  });
}

// Where the picture lies on the stage. A view is {fit, zoom, x, y, divider, pixelated}: zoom in CSS
// pixels per pixel of the result, (x, y) the point of the result in the middle of the stage, divider
// a fraction of the stage's width.

const MAX_ZOOM = 8;
const STEPS = [0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8];
const REMEMBERED = 8;

const views = new Map(); // id of the pictures -> view, which outlives the mount point

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function remember(id, view) {
  views.delete(id);
  views.set(id, view);
  if (views.size > REMEMBERED) views.delete(views.keys().next().value);
}

/** Return the view that these pictures had, else that of the same scene in another size, else a new one. */
function viewFor(content, last) {
  const [width, height] = content.size;
  let view = views.get(content.id);
  if (!view && last?.subject === content.subject && content.subject) {
    const factor = width / last.size[0];
    const { x, y, zoom, ...others } = last.view;
    view = { ...others, x: x * factor, y: y * factor, zoom: zoom / factor };
  }
  view ??= {
    fit: !content.start, isOpening: Boolean(content.start), zoom: content.start?.zoom ?? 1, divider: 0.5, pixelated: content.pixelated ?? false,
    x: width * (content.start?.x ?? 0.5), y: height * (content.start?.y ?? 0.5),
  };
  remember(content.id, view);
  return view;
}

/** Make the arithmetic of a view; `moved` is called after each change. */
function createGeometry({ size: [width, height], view, moved }) {
  const box = { width: 0, height: 0 }; // size of the stage

  const fitZoom = () => Math.min(box.width / width, box.height / height);
  const zoom = () => (view.fit ? fitZoom() : view.zoom);
  const isPannable = () => width * zoom() > box.width + 1 || height * zoom() > box.height + 1;

  /** Return the visible part of the picture, in pixels of the stage. */
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
    moved();
  }

  const dividerPercent = () => {
    const { left, right } = visible();
    return right > left ? ((dividerAt() - left) / (right - left)) * 100 : 50;
  };

  function setDividerPercent(percent) {
    const { left, right } = visible();
    moveDivider(left + ((right - left) * clamp(percent, 0, 100)) / 100);
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
    moved();
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
    moved();
  }

  /** Keep the picture over the stage, or in its middle where it is smaller. */
  function settle() {
    if (view.isOpening && box.width) {
      view.isOpening = false;
      view.fit = view.zoom <= fitZoom(); // a small picture fills the stage anyway
    }
    const hold = (value, length, room) => {
      const half = room / 2 / zoom();
      return length > 2 * half ? clamp(value, half, length - half) : length / 2;
    };
    view.x = hold(view.x, width, box.width);
    view.y = hold(view.y, height, box.height);
  }

  /** Return what is in sight, in pixels of the result: (left, top, right, bottom). */
  function sight() {
    const across = box.width / 2 / zoom();
    const down = box.height / 2 / zoom();
    return [
      clamp(view.x - across, 0, width), clamp(view.y - down, 0, height),
      clamp(view.x + across, 0, width), clamp(view.y + down, 0, height),
    ];
  }

  return {
    box, fitZoom, zoom, isPannable, visible, dividerAt, moveDivider, dividerPercent, setDividerPercent,
    zoomTo, step, pan, settle, sight,
  };
}

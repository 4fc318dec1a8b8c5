// A frame on a picture. The page gets its place and size when it comes to rest.

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SMALLEST = 16; // smallest side of a frame, in pixels
const PAUSE = 200; // milliseconds after the last key

const clamp = (value, high) => Math.min(Math.max(value, 0), high);

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const picture = parentElement.querySelector(".picture");
  const image = picture.querySelector("img");
  const handle = picture.querySelector(".frame");
  handle.hidden = !data.frame;
  picture.classList.toggle("plain", !data.frame);
  picture.classList.toggle("pixelated", data.isPixelated);
  if (image.src !== data.image) image.src = data.image;
  image.alt = data.alt;
  if (!data.frame) return;
  const [width, height] = data.size;
  const grip = handle.querySelector(".grip");
  grip.hidden = !data.canResize;
  const closing = new AbortController();
  handle.setAttribute("aria-label", data.label);
  handle.title = data.label;
  if (picture.dataset.size !== data.size.join()) {
    picture.dataset.size = data.size.join();
    picture.style.setProperty("--ratio", width / height);
    picture.frame = [...data.frame];
    picture.at = data.size.map((length, axis) => (length - data.frame[axis]) / 2);
    picture.scrollIntoView({ behavior: "smooth", block: "nearest" });
    handle.focus({ preventScroll: true });
  }
  let timer;
  let hold = null;

  function draw() {
    picture.frame = picture.frame.map((value, axis) => Math.min(Math.max(value, SMALLEST), data.size[axis]));
    picture.at = picture.at.map((value, axis) => clamp(value, data.size[axis] - picture.frame[axis]));
    const [left, top] = picture.at;
    const [frameWidth, frameHeight] = picture.frame;
    handle.style.left = `${(left / width) * 100}%`;
    handle.style.top = `${(top / height) * 100}%`;
    handle.style.width = `${(frameWidth / width) * 100}%`;
    handle.style.height = `${(frameHeight / height) * 100}%`;
  }

  const rest = () => setStateValue("at", [...picture.at, ...picture.frame].map(Math.round));
  const scale = () => width / image.clientWidth;
  const on = (target, name, listener) => target.addEventListener(name, listener, { signal: closing.signal });

  on(picture, "pointerdown", (event) => {
    if (event.button !== 0) return;
    const target = event.composedPath()[0];
    if (target !== handle && target !== grip) {
      const bounds = image.getBoundingClientRect();
      const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top].map((each) => each * scale());
      picture.at = [x - picture.frame[0] / 2, y - picture.frame[1] / 2];
      draw();
    }
    const name = target === grip ? "frame" : "at";
    hold = { x: event.clientX, y: event.clientY, name, start: picture[name] };
    picture.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    event.preventDefault();
  });
  on(picture, "pointermove", (event) => {
    if (!hold) return;
    const by = [event.clientX - hold.x, event.clientY - hold.y].map((each) => each * scale());
    picture[hold.name] = hold.start.map((value, axis) => value + by[axis]);
    draw();
  });
  on(picture, "pointerup", () => {
    if (hold) rest();
    hold = null;
  });
  on(picture, "pointercancel", () => {
    hold = null;
  });
  on(handle, "keydown", (event) => {
    if (event.key === "Escape") handOn(component, "cancel", "");
    const direction = KEYS[event.key];
    if (!direction) return;
    event.preventDefault();
    // Shift moves a frame of fixed size further, and resizes any other.
    const name = event.shiftKey && data.canResize ? "frame" : "at";
    const part = event.shiftKey && !data.canResize ? 1 : 4;
    const by = Math.max(1, Math.min(...picture.frame) / part);
    picture[name] = picture[name].map((value, axis) => value + direction[axis] * by);
    draw();
    clearTimeout(timer);
    timer = setTimeout(rest, PAUSE);
  });
  draw();
  return () => {
    closing.abort();
    clearTimeout(timer);
  };
}

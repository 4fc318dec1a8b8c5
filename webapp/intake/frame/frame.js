// A frame of fixed size on a picture. Its place goes to the page when it comes to rest.

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PAUSE = 200; // milliseconds after the last key

const clamp = (value, high) => Math.min(Math.max(value, 0), high);

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const picture = parentElement.querySelector(".picture");
  const image = picture.querySelector("img");
  const handle = picture.querySelector(".frame");
  handle.hidden = !data.frame;
  picture.classList.toggle("plain", !data.frame);
  if (image.src !== data.image) image.src = data.image;
  image.alt = data.alt;
  if (!data.frame) return;
  const [width, height] = data.size;
  const [frameWidth, frameHeight] = data.frame;
  const room = [width - frameWidth, height - frameHeight];
  const closing = new AbortController();
  handle.setAttribute("aria-label", data.label);
  handle.title = data.label;
  if (picture.dataset.size !== data.size.join()) {
    picture.dataset.size = data.size.join();
    picture.at = [room[0] / 2, room[1] / 2];
  }
  let timer;
  let grip = null;

  function draw() {
    picture.at = picture.at.map((value, axis) => clamp(value, room[axis]));
    const [left, top] = picture.at;
    handle.style.left = `${(left / width) * 100}%`;
    handle.style.top = `${(top / height) * 100}%`;
    handle.style.width = `${(frameWidth / width) * 100}%`;
    handle.style.height = `${(frameHeight / height) * 100}%`;
  }

  const rest = () => setStateValue("at", picture.at.map(Math.round));
  const scale = () => width / image.clientWidth;
  const on = (target, name, listener) => target.addEventListener(name, listener, { signal: closing.signal });

  on(picture, "pointerdown", (event) => {
    if (event.button !== 0) return;
    if (event.composedPath()[0] !== handle) {
      const bounds = image.getBoundingClientRect();
      const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top].map((each) => each * scale());
      picture.at = [x - frameWidth / 2, y - frameHeight / 2];
      draw();
    }
    grip = { x: event.clientX, y: event.clientY, at: picture.at };
    picture.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    event.preventDefault();
  });
  on(picture, "pointermove", (event) => {
    if (!grip) return;
    const by = [event.clientX - grip.x, event.clientY - grip.y].map((each) => each * scale());
    picture.at = grip.at.map((value, axis) => value + by[axis]);
    draw();
  });
  on(picture, "pointerup", () => {
    if (grip) rest();
    grip = null;
  });
  on(picture, "pointercancel", () => {
    grip = null;
  });
  on(handle, "keydown", (event) => {
    const direction = KEYS[event.key];
    if (!direction) return;
    event.preventDefault();
    const by = Math.max(1, Math.min(frameWidth, frameHeight) / (event.shiftKey ? 1 : 4));
    picture.at = picture.at.map((value, axis) => value + direction[axis] * by);
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

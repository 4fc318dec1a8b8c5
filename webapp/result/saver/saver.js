// Save a result. `data` is {address, formats: [{name, label, file, quality, note}], note, keep, language,
// canChooseQuality, texts}; `quality` is a format's default, or null where it has no such
// choice, and `keep` names what can be kept of the original, or is empty.

const PAUSE = 250; // milliseconds after the last move of the slider
const TOLD = 4000; // milliseconds for which a message about copying stays

const chosen = { format: null, quality: {}, leaves: false }; // kept for the next result

export default function (component) {
  const { data, parentElement } = component;
  const { texts } = data;
  const root = parentElement.querySelector(".saver");
  const find = (selector) => root.querySelector(selector);
  const list = find(".formats");
  const range = find(".quality input");
  const keep = find(".keep input");
  const link = find(".save");
  const more = find(".more");
  const copy = find(".copy");
  const closing = new AbortController();
  const on = (name, listener) => document.addEventListener(name, listener, { signal: closing.signal });
  let timer;
  let telling;

  root.setAttribute("aria-label", texts.label);
  list.setAttribute("aria-label", texts.format);
  find(".quality span").textContent = texts.quality;
  find(".note").textContent = data.note;
  find(".note").hidden = !data.note;
  find(".keep").hidden = !data.keep;
  find(".keep span").textContent = data.keep;
  keep.checked = !chosen.leaves;
  link.firstElementChild.textContent = texts.save;
  for (const [button, name] of [[more, texts.more], [copy, texts.copy]]) {
    button.title = name;
    button.setAttribute("aria-label", name);
  }
  const names = data.formats.map((format) => format.name);
  list.replaceChildren(...data.formats.map(({ name, label }) => new Option(label, name)));
  list.disabled = names.length < 2;
  copy.hidden = !navigator.clipboard?.write;

  const current = () => data.formats[Math.max(0, names.indexOf(chosen.format))];
  const quality = (format) => chosen.quality[format.name] ?? format.quality;

  function address(name = current().name) {
    const format = data.formats.find((each) => each.name === name) ?? current();
    const url = new URL(`${data.address}.${name}`, document.baseURI);
    if (format.quality !== null && quality(format) !== format.quality) {
      url.searchParams.set("quality", quality(format));
    }
    if (data.keep && !chosen.leaves) url.searchParams.set("keep", "1");
    return url;
  }

  function draw() {
    const format = current();
    list.value = format.name;
    find(".warning").textContent = format.note;
    find(".warning").hidden = !format.note;
    find(".quality").hidden = format.quality === null || !data.canChooseQuality;
    more.hidden = find(".quality").hidden && !data.keep && !data.note;
    if (more.hidden) open(false);
    range.value = quality(format) ?? 100;
    find(".quality output").textContent = range.value;
    link.href = address();
    link.download = format.file;
    link.lastElementChild.textContent = "";
    clearTimeout(timer);
    timer = setTimeout(measure, PAUSE);
  }

  /** Show the size of the file that would be saved. */
  async function measure() {
    try {
      const answer = await fetch(address(), { method: "HEAD", signal: closing.signal });
      if (answer.status === 204) {
        handOn(component, "gone", data.address);
      } else if (answer.ok) {
        link.lastElementChild.textContent = `· ${written(Number(answer.headers.get("Content-Length")))}`;
      }
    } catch {
      // The connection is lost or another result is shown; the link works without its size.
    }
  }

  function written(bytes) {
    const isLarge = bytes >= 1e6;
    const format = new Intl.NumberFormat(data.language, { maximumFractionDigits: isLarge ? 1 : 0 });
    const number = format.format(isLarge ? bytes / 1e6 : Math.max(1, bytes / 1e3));
    return (isLarge ? texts.megabytes : texts.kilobytes).replace("{number}", number);
  }

  function tell(text) {
    find(".told").textContent = text;
    find(".told").hidden = false;
    clearTimeout(telling);
    telling = setTimeout(() => {
      find(".told").hidden = true;
    }, TOLD);
  }

  /** Draw other formats as PNG, which is all that browsers take into the clipboard. */
  async function png() {
    const name = names.includes("png") ? "png" : current().name;
    const answer = await fetch(address(name), { signal: closing.signal });
    if (!answer.ok) throw new Error(answer.statusText);
    const file = await answer.blob();
    if (file.type === "image/png") return file;
    const bitmap = await createImageBitmap(file);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }

  copy.onclick = () => {
    const item = new ClipboardItem({ "image/png": png() });
    navigator.clipboard.write([item]).then(() => tell(texts.copied), () => tell(texts.copy_failed));
  };
  const extras = find(".extras");
  const open = (isOpen) => {
    extras.hidden = !isOpen;
    more.setAttribute("aria-expanded", String(isOpen));
  };
  more.onclick = () => open(extras.hidden);
  on("pointerdown", (event) => {
    if (!event.composedPath().includes(root)) open(false);
  });
  on("keydown", (event) => {
    if (event.key !== "Escape" || extras.hidden) return;
    open(false);
    more.focus();
  });
  list.onchange = () => {
    chosen.format = list.value;
    draw();
  };
  range.oninput = () => {
    chosen.quality[current().name] = Number(range.value);
    draw();
  };
  keep.onchange = () => {
    chosen.leaves = !keep.checked;
    draw();
  };
  draw();
  return () => {
    closing.abort();
    clearTimeout(timer);
    clearTimeout(telling);
  };
}

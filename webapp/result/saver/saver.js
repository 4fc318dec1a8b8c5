// Save a result. `data` is {address, formats: [{name, label, suffix, quality}], stem, note, keep,
// language, canChooseQuality, texts}; `quality` is a format's default, or null where it has no such
// choice, and `keep` names what can be kept of the original, or is empty.

const PAUSE = 250; // milliseconds after the last move of the slider

const chosen = { format: null, quality: {}, keeps: false }; // for the next result too

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const { texts } = data;
  const root = parentElement.querySelector(".saver");
  const find = (selector) => root.querySelector(selector);
  const group = find(".formats");
  const range = find(".quality input");
  const keep = find(".keep input");
  const link = find(".save");
  const closing = new AbortController();
  let timer;

  root.setAttribute("aria-label", texts.label);
  group.setAttribute("aria-label", texts.format);
  find(".quality span").textContent = texts.quality;
  find(".note").textContent = data.note;
  find(".note").hidden = !data.note;
  find(".keep").hidden = !data.keep;
  find(".keep span").textContent = data.keep;
  keep.checked = chosen.keeps;
  const names = data.formats.map((format) => format.name);
  const buttons = data.formats.map((format, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.textContent = format.label;
    button.onclick = () => choose(format.name);
    button.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = (index + step + buttons.length) % buttons.length;
      buttons[next].focus();
      choose(names[next]);
    };
    return button;
  });
  group.replaceChildren(...buttons);
  group.hidden = buttons.length < 2;

  const current = () => data.formats[Math.max(0, names.indexOf(chosen.format))];
  const quality = (format) => chosen.quality[format.name] ?? format.quality;

  function choose(name) {
    chosen.format = name;
    draw();
  }

  function address() {
    const format = current();
    const base = `${data.address}.${format.name}`;
    const url = new URL(base, document.baseURI);
    if (format.quality !== null && quality(format) !== format.quality) {
      url.searchParams.set("quality", quality(format));
    }
    if (data.keep && chosen.keeps) url.searchParams.set("keep", "1");
    return url;
  }

  function draw() {
    const format = current();
    buttons.forEach((button, index) => {
      const isChecked = names[index] === format.name;
      button.setAttribute("aria-checked", String(isChecked));
      button.tabIndex = isChecked ? 0 : -1;
    });
    find(".quality").hidden = format.quality === null || !data.canChooseQuality;
    range.value = quality(format) ?? 100;
    find(".quality output").textContent = range.value;
    link.href = address();
    link.download = data.stem + format.suffix;
    link.textContent = texts.save;
    clearTimeout(timer);
    timer = setTimeout(measure, PAUSE);
  }

  /** The size of the file that would be saved, in the same breath. */
  async function measure() {
    try {
      const answer = await fetch(address(), { method: "HEAD", signal: closing.signal });
      if (answer.status === 410) {
        setTriggerValue("gone", true);
      } else if (answer.ok) {
        link.textContent = `${texts.save} · ${written(Number(answer.headers.get("Content-Length")))}`;
      }
    } catch {
      // No connection just now, or another result is shown: the link works without its size.
    }
  }

  function written(bytes) {
    const isLarge = bytes >= 1e6;
    const format = new Intl.NumberFormat(data.language, { maximumFractionDigits: isLarge ? 1 : 0 });
    const number = format.format(isLarge ? bytes / 1e6 : Math.max(1, bytes / 1e3));
    return (isLarge ? texts.megabytes : texts.kilobytes).replace("{number}", number);
  }

  range.oninput = () => {
    chosen.quality[current().name] = Number(range.value);
    draw();
  };
  keep.onchange = () => {
    chosen.keeps = keep.checked;
    draw();
  };
  draw();
  return () => {
    closing.abort();
    clearTimeout(timer);
  };
}

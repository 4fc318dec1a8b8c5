// Fields for any other size. `other` is {draft, words, error, values, kinds, texts}: `draft` is the name of the
// size that `words` or `error` speak of, as the server read it, `values` what stands in the fields at first.

const PAUSE = 250; // milliseconds after the last key

function createOther(dialog, { ask, use }) {
  const find = (selector) => dialog.querySelector(selector);
  const [first, second] = dialog.querySelectorAll("input");
  const kind = find(".kind");
  let other;
  let timer;

  const isPair = () => ["fit", "print"].includes(kind.value);
  const text = (input) => input.value.trim().replace(",", ".");
  const name = () => `${kind.value}=${text(first)}${isPair() ? `x${text(second)}` : ""}`;

  function fill() {
    [first.value, second.value] = [...(other.values[kind.value] ?? "").split("x"), "", ""];
    draw();
    ask(name());
  }

  function draw() {
    const { texts } = other;
    dialog.setAttribute("aria-label", texts.title);
    find("h2").textContent = texts.title;
    kind.setAttribute("aria-label", texts.title);
    find(".sides span").hidden = second.hidden = !isPair();
    first.setAttribute("aria-label", isPair() ? texts.first : kind.selectedOptions[0].label);
    second.setAttribute("aria-label", texts.second);
    first.inputMode = second.inputMode = kind.value === "print" ? "decimal" : "numeric";
    find(".cancel").textContent = texts.cancel;
    find(".use").textContent = texts.use;
    const isKnown = other.draft === name();
    find(".says").textContent = isKnown ? other.error || other.words : " ";
    find(".says").classList.toggle("refused", isKnown && Boolean(other.error));
    for (const each of [first, second]) each.setAttribute("aria-invalid", String(isKnown && Boolean(other.error)));
    find(".use").disabled = !isKnown || Boolean(other.error);
  }

  /** Show new words about the size in the fields. */
  function update(next) {
    other = next;
    if (dialog.open) draw();
  }

  function open(chosen) {
    kind.replaceChildren(...other.kinds.map(({ value, label }) => new Option(label, value)));
    const [asked] = chosen.split("=");
    if (other.kinds.some(({ value }) => value === asked)) kind.value = asked;
    dialog.showModal();
    fill();
    first.select();
  }

  kind.onchange = fill;
  first.oninput = second.oninput = () => {
    draw();
    clearTimeout(timer);
    timer = setTimeout(() => ask(name()), PAUSE);
  };
  find(".cancel").onclick = () => dialog.close();
  dialog.querySelector("form").onsubmit = () => use(name());
  return { open, update };
}

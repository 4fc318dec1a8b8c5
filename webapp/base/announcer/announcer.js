// The tab's title, a live region, the language of the page, and the focus of a new result or of what is gone.

const RESULT = ".st-key-result";
const STAGE = `${RESULT}, .st-key-stage`;
const NARROW = "(max-width: 640px)";

let shown = null; // the result that was focused last
let isLeaving = false;

addEventListener("beforeunload", (event) => {
  if (isLeaving) event.preventDefault();
});

// A focus that the page moves is seen by those who use the keyboard; a drop or tap needs no frame around the picture.
addEventListener("keydown", () => document.documentElement.setAttribute("data-keyboard", ""), true);
addEventListener("pointerdown", () => document.documentElement.removeAttribute("data-keyboard"), true);

// Whatever is drawn no more takes the focus with it, and the keyboard would begin again at the top.
let focused = null;

addEventListener("focusin", ({ target }) => {
  focused = target;
});

new MutationObserver(() => {
  if (!focused || focused.isConnected || document.activeElement !== document.body) return;
  focus(document.querySelector(STAGE));
}).observe(document.body, { childList: true, subtree: true });

export default function ({ data, parentElement }) {
  document.title = data.title;
  document.documentElement.lang = data.language;
  isLeaving = data.leaving;
  // Streamlit labels its list's arrow in English, and the list itself says everything.
  document.querySelector("[data-testid=stSelectbox] button")?.setAttribute("aria-hidden", "true");
  const region = parentElement.querySelector(".announcer");
  if (region.textContent !== data.message) region.textContent = data.message;
  if (!data.result || data.result === shown) return;
  const isFirst = shown === null;
  shown = data.result;
  if (!isFirst) requestAnimationFrame(() => present(document.querySelector(RESULT)));
}

function present(result) {
  if (!result) return;
  if (matchMedia(NARROW).matches) result.scrollIntoView({ behavior: "smooth", block: "nearest" });
  const active = document.activeElement;
  const isFree = !active || active === document.body || active.disabled;
  if (isFree) focus(result);
}

function focus(stage) {
  if (!stage) return;
  stage.tabIndex = -1;
  stage.focus({ preventScroll: true });
}

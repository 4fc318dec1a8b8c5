// The tab's title, a live region, the language of the page, and the focus of a new result.

const RESULT = ".st-key-result";
const NARROW = "(max-width: 640px)";

let shown = null; // the result that was focused last
let isLeaving = false;

addEventListener("beforeunload", (event) => {
  if (isLeaving) event.preventDefault();
});

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
  if (!isFree) return;
  result.tabIndex = -1;
  result.focus({ preventScroll: true });
}

// The connection to the server: a loss is told in the visitor's language, and once it is back, the page is drawn again.

const CONNECTION = "data-test-connection-state"; // Streamlit's attribute
const LOST = `[data-testid=stApp]:not([${CONNECTION}=CONNECTED])`;
const LOST_AFTER = 1000; // milliseconds without a connection before we say so

function createConnection(root, drawAgain) {
  const says = root.querySelector(".lost");
  let losing;

  const isLost = () => document.querySelector(LOST) !== null;

  function watch() {
    if (isLost()) losing ??= setTimeout(show, LOST_AFTER);
    else if (losing !== undefined) {
      clearTimeout(losing);
      losing = undefined;
      says.hidden = true;
      // Streamlit runs nothing by itself, even if the server has restarted and knows nothing of the page.
      drawAgain();
    }
    if (!says.hidden) freePage();
  }

  function show() {
    says.hidden = false;
    freePage();
  }

  /** Undo what Streamlit's hidden dialog does: it blocks scrolling and screen readers. */
  function freePage() {
    document.documentElement.style.removeProperty("overflow");
    for (let each = root; each; each = each.parentElement ?? each.getRootNode().host) {
      each.removeAttribute("aria-hidden");
      each.removeAttribute("inert");
    }
  }

  const watching = new MutationObserver(watch);
  watching.observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributeFilter: [CONNECTION, "aria-hidden", "inert"],
  });

  const close = () => {
    watching.disconnect();
    clearTimeout(losing);
  };
  return { isLost, close };
}

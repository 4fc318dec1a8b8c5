// What the browser keeps of its tab: the token over a reload, and files and links for a server that has lost them.

const REMEMBERED = "super-resolution-tab"; // key in the storage of this browser tab
const RESTORE_TRIES = 4;
const RESTORE_PAUSE = 700; // milliseconds until the server notices that the old page is gone

function createMemory({ ask, handIn }) {
  const kept = new Map(); // digest -> a file or link of a picture that the server may lose
  const waiting = [];
  let data;
  let shown = null; // the digest of the picture on the page before the server lost it; null once the visitor adds others
  let isHandingIn = false;
  let tries = 0;

  const isKnown = () => data.token === sessionStorage.getItem(REMEMBERED);

  function update(next) {
    data = next;
    if (isKnown()) forgetOthers();
    restore();
    if (isKnown()) for (const go of waiting.splice(0)) go();
  }

  /** Keep what the server has of the visitor, and nothing else. */
  function forgetOthers() {
    if (!isHandingIn) shown = data.shown;
    for (const digest of kept.keys()) if (!data.digests.includes(digest)) kept.delete(digest);
    for (const [digest, link] of Object.entries(data.links)) if (!kept.has(digest)) kept.set(digest, link);
  }

  /** Restore a reloaded tab's pictures by the token in its storage. */
  function restore() {
    const remembered = sessionStorage.getItem(REMEMBERED);
    if (isKnown()) tries = 0;
    else if (remembered && tries < RESTORE_TRIES && !data.isForgotten) {
      tries += 1;
      if (tries === 1) askFor(remembered);
      else setTimeout(() => askFor(remembered), RESTORE_PAUSE);
    } else {
      sessionStorage.setItem(REMEMBERED, data.token);
      // The server has forgotten them: it was away for too long, or restarted.
      if (remembered && kept.size) {
        isHandingIn = true;
        handIn([...kept.values()]);
      }
    }
  }

  /** Ask for the tab with this token, and say whether its pictures are handed in if it is gone. */
  function askFor(token) {
    ask({ token, hasPictures: kept.size > 0 });
  }

  /** Wait until it is known which tab this is: right after a reload, the page has another one for a moment. */
  const known = () => new Promise((resolve) => (isKnown() ? resolve() : waiting.push(resolve)));

  function keepPicture(digest, picture) {
    kept.set(digest, picture);
    data.digests.push(digest);
  }

  function showOthers() {
    shown = null;
  }

  /** Return which picture was on the page if lost ones were handed in; null if others are to be shown. */
  function takeShown() {
    const taken = isHandingIn ? shown : null;
    isHandingIn = false;
    return taken;
  }

  return { update, known, isKnown, askFor, keepPicture, showOthers, takeShown };
}

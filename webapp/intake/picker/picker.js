// Send files that are chosen, dropped or pasted to the server one by one, and links to the
// page. `data` is {token, refusedRestores, isForgotten, digests, links, shown, address, folder, accept, maxFiles,
// allowsLinks, texts}; with each refusal the data differ, so that the picker is told of it. `links` are those of fetched pictures, by
// digest, and `shown` is the digest of the picture on the page.

const REMEMBERED = "super-resolution-tab"; // key in the storage of this browser tab
const RESTORE_TRIES = 4;
const RESTORE_PAUSE = 700; // milliseconds until the server notices that the old page is gone

const CHOSEN = "super-resolution-chosen"; // the event of a choice of another picture
const CONNECTION = "data-test-connection-state"; // Streamlit's attribute
const LOST = `[data-testid=stApp]:not([${CONNECTION}=CONNECTED])`;
const LOST_AFTER = 1000; // milliseconds without a connection before we say so
const SEND_AGAIN = 2; // how often a file is sent again while the connection seems to be there
const TOKEN_WAITS = 60; // how often an upload looks for the token of a server that has restarted

const pickers = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  const picker = pickers.get(parentElement) ?? createPicker(parentElement);
  const close = keep(pickers, parentElement, picker);
  picker.update(component);
  return close;
}

function createPicker(parent) {
  const root = parent.querySelector(".picker");
  const find = (selector) => root.querySelector(selector);
  const input = find("input[type=file]");
  const link = find(".link input");
  const overlay = find(".overlay");
  const uploading = find(".uploading");
  const closing = new AbortController();
  const queue = [];
  let component;
  let isBusy = false;
  let tries = 0;
  let losing;
  const kept = new Map(); // digest -> a file or link of a picture that the server may lose
  let shown = null; // the digest of the picture on the page before the server lost it; null once the visitor adds others
  let isHandingIn = false;
  let isLate = false; // whether the visitor has chosen another picture since the last files came
  let depth = 0; // how many elements the dragged file has entered and not left

  const on = (target, name, listener) => target.addEventListener(name, listener, { signal: closing.signal });

  function update(next) {
    component = next;
    const { texts, allowsLinks } = next.data;
    find(".choose").textContent = texts.choose;
    find(".choose").title = texts.kinds;
    find(".choose").classList.toggle("main", next.data.digests.length === 0); // the first thing to do
    input.accept = next.data.accept;
    find(".hint span").textContent = texts.hint;
    find(".promise").textContent = texts.promise;
    input.setAttribute("aria-label", texts.choose);
    link.placeholder = texts.link;
    link.setAttribute("aria-label", texts.link);
    find(".link button").textContent = texts.get;
    find(".link").hidden = !allowsLinks;
    overlay.firstElementChild.textContent = texts.drop;
    find(".lost").textContent = texts.lost;
    if (next.data.token === sessionStorage.getItem(REMEMBERED)) remember(next.data);
    restore();
  }

  /** Keep what the server has of the visitor, and nothing else. */
  function remember({ digests, links, ...data }) {
    if (!isHandingIn) shown = data.shown;
    for (const digest of kept.keys()) if (!digests.includes(digest)) kept.delete(digest);
    for (const [digest, link] of Object.entries(links)) if (!kept.has(digest)) kept.set(digest, link);
  }

  /** Restore a reloaded tab's pictures by the token in its storage. */
  function restore() {
    const { token, isForgotten } = component.data;
    const known = sessionStorage.getItem(REMEMBERED);
    if (known === token) tries = 0;
    else if (known && tries < RESTORE_TRIES && !isForgotten) {
      tries += 1;
      const ask = () => askFor(known);
      if (tries === 1) ask();
      else setTimeout(ask, RESTORE_PAUSE);
    } else {
      sessionStorage.setItem(REMEMBERED, token);
      // The server has forgotten them: it was away for too long, or restarted.
      if (known && kept.size) {
        isHandingIn = true;
        take([...kept.values()]);
      }
    }
  }

  /** Ask for the tab with this token, and say whether its pictures are handed in if it is gone. */
  function askFor(token) {
    handOn(component, "restore", JSON.stringify({ token, hasPictures: kept.size > 0 }));
  }

  const isLost = () => document.querySelector(LOST) !== null;

  /** Say in the visitor's language that the connection was lost; once it is back, have the page drawn again. */
  function watchConnection() {
    if (isLost()) losing ??= setTimeout(showLost, LOST_AFTER);
    else if (losing !== undefined) {
      clearTimeout(losing);
      losing = undefined;
      find(".lost").hidden = true;
      // Streamlit runs nothing by itself, even if the server has restarted and knows nothing of the page.
      askFor(component.data.token);
    }
    if (!find(".lost").hidden) freePage();
  }

  function showLost() {
    find(".lost").hidden = false;
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

  const watching = new MutationObserver(watchConnection);
  watching.observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributeFilter: [CONNECTION, "aria-hidden", "inert"],
  });

  // --- uploads

  /** Upload what the visitor chose, and show the first of it. */
  function add(files) {
    shown = null;
    take(files);
  }

  function take(filesAndLinks) {
    isLate = false;
    queue.push(...filesAndLinks);
    if (!isBusy && queue.length) upload();
  }

  async function upload() {
    isBusy = true;
    const { maxFiles, texts } = component.data;
    const digests = [];
    const links = [];
    let refused = null;
    let count = 0;
    while (queue.length) {
      const file = queue.shift();
      count += 1;
      if (count > maxFiles) {
        refused = { name: file.name, reason: "too_many_pictures" };
        queue.length = 0;
        break;
      }
      if (typeof file === "string") {
        links.push(file);
        continue;
      }
      find(".uploading .name").textContent = texts.uploading.replace("{name}", file.name);
      uploading.hidden = false;
      const answer = await deliver(file);
      if (answer.digest) {
        digests.push(answer.digest);
        kept.set(answer.digest, file);
        component.data.digests.push(answer.digest);
      } else refused = { name: file.name, reason: answer.error };
    }
    uploading.hidden = true;
    isBusy = false;
    tell({ digests, refused, links, shown: isHandingIn ? shown : null, isLate });
    isHandingIn = false;
  }

  function tell(added) {
    const nothing = { digests: [], refused: null, links: [], shown: null, isLate: false };
    handOn(component, "added", JSON.stringify({ ...nothing, ...added }));
  }

  const pause = () => new Promise((resolve) => setTimeout(resolve, LOST_AFTER));

  /** Send a file, and again if that may succeed after a lost connection or a restart. */
  async function deliver(file) {
    for (let failures = 0; ; ) {
      const { token } = component.data;
      const answer = await send(file);
      if (answer.error === "tab_unknown" && (await isRenewed(token))) continue;
      if (answer.error !== "upload_failed" || failures === SEND_AGAIN) return answer;
      await pause(); // the page notices a loss later than the upload
      if (navigator.onLine && !isLost()) failures += 1;
      while (!navigator.onLine || isLost()) await pause();
    }
  }

  /** Wait until a server that does not know the tab has given it another token. */
  async function isRenewed(token) {
    askFor(token);
    for (let waits = 0; waits < TOKEN_WAITS; waits += 1) {
      await pause();
      const now = component.data.token;
      if (now !== token && now === sessionStorage.getItem(REMEMBERED)) return true;
    }
    return false;
  }

  function send(file) {
    const { address, token } = component.data;
    const bar = find("progress");
    bar.value = 0;
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", new URL(address, document.baseURI));
      request.setRequestHeader("X-Tab", token);
      request.setRequestHeader("X-Name", encodeURIComponent(file.name));
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        if (event.total) bar.value = event.loaded / event.total;
      };
      request.onload = () => resolve(request.response ?? { error: "internal_error" });
      request.onerror = () => resolve({ error: "upload_failed" });
      request.send(file);
    });
  }

  on(window, CHOSEN, () => {
    isLate = true;
  });

  on(find(".choose"), "click", () => input.click());
  on(input, "change", () => {
    add([...input.files]);
    input.value = "";
  });
  on(find(".link"), "submit", (event) => {
    event.preventDefault();
    follow(link.value);
  });

  function follow(text) {
    const url = text.trim();
    if (!url) link.focus();
    else tell({ links: [/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`] });
  }

  // --- dragging over the whole page

  const brings = (event) => {
    const types = event.dataTransfer?.types ?? [];
    return types.includes("Files") || types.includes("text/uri-list");
  };

  const cover = (isOver) => {
    if (!isOver) depth = 0;
    overlay.hidden = !isOver;
  };

  on(document, "dragenter", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    depth += 1;
    cover(true);
  });
  on(document, "dragover", (event) => {
    if (brings(event)) event.preventDefault();
  });
  on(document, "dragleave", (event) => {
    if (!brings(event)) return;
    depth -= 1;
    if (depth <= 0) cover(false);
  });
  on(document, "drop", async (event) => {
    cover(false);
    if (!brings(event)) return;
    event.preventDefault();
    await receive(event.dataTransfer);
  });

  // --- the clipboard

  on(document, "paste", async (event) => {
    const target = event.composedPath()[0];
    const isField = target.matches?.("input, textarea, [contenteditable]");
    const { clipboardData } = event;
    if (clipboardData.files.length) {
      event.preventDefault();
      add([...clipboardData.files]);
    } else if (!isField) {
      offer(clipboardData.getData("text/plain"));
    }
  });

  async function receive(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (transfer.files.length) {
      const folders = entries.filter((entry) => entry.isDirectory);
      if (!folders.length) return add([...transfer.files]);
      const alone = entries.filter((entry) => entry.isFile);
      const found = [...alone, ...(await picturesAmong((await Promise.all(folders.map(filesIn))).flat()))];
      add(await Promise.all(found.map((entry) => new Promise((resolve, reject) => entry.file(resolve, reject)))));
    } else {
      offer(transfer.getData("text/uri-list") || transfer.getData("text/plain"));
    }
  }

  /** Ask the server which files are pictures: it leaves out results of earlier runs, for example. */
  async function picturesAmong(entries) {
    const { folder, token } = component.data;
    const names = JSON.stringify(entries.map((entry) => entry.fullPath));
    const answer = await fetch(new URL(folder, document.baseURI), { method: "POST", headers: { "X-Tab": token }, body: names });
    return answer.ok ? (await answer.json()).pictures.map((number) => entries[number]) : entries;
  }

  function offer(text) {
    const url = text.trim();
    if (component.data.allowsLinks && /^https?:\/\/\S+$/i.test(url)) follow(url);
  }

  const close = () => {
    watching.disconnect();
    clearTimeout(losing);
    closing.abort();
  };
  return { update, close };
}

/** Return all files below a dropped entry. */
async function filesIn(entry) {
  if (entry.isFile) return [entry];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) break;
    for (const each of batch) found.push(...(await filesIn(each)));
  }
  return found;
}

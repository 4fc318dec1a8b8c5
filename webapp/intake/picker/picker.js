// Pictures that are chosen, dropped, pasted or linked. Each is sent to the server, one after the other, and the page is
// told of those that came together. `data` is {token, refusedRestores, isForgotten, digests, links, shown, addresses, accept,
// maxFiles, allowsLinks, texts}; with each refusal the data differ, so that the picker is told of it. `links` are those of
// fetched pictures, by digest, and `shown` is the digest of the picture on the page.

const CHOSEN = "super-resolution-chosen"; // the event of a choice of another picture

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
  const closing = new AbortController();
  const queue = [];
  let component;
  let isBusy = false;
  let isLate = false; // whether the visitor has chosen another picture since the last ones came

  const on = (target, name, listener) => target.addEventListener(name, listener, { signal: closing.signal });
  const data = () => component.data;
  const ask = (question) => handOn(component, "restore", JSON.stringify(question));
  const memory = createMemory({ ask, handIn: take });
  const connection = createConnection(root, () => memory.askFor(data().token));
  const delivery = createDelivery(root, { data, memory, connection });

  function update(next) {
    component = next;
    const { accept, allowsLinks, digests, texts } = data();
    find(".choose").textContent = texts.choose;
    find(".choose").title = texts.kinds;
    find(".choose").classList.toggle("main", digests.length === 0); // the first thing to do
    input.accept = accept;
    find(".hint span").textContent = texts.hint;
    find(".promise").textContent = texts.promise;
    input.setAttribute("aria-label", texts.choose);
    link.placeholder = texts.link;
    link.setAttribute("aria-label", texts.link);
    find(".link button").textContent = texts.get;
    find(".link").hidden = !allowsLinks;
    overlay.firstElementChild.textContent = texts.drop;
    find(".lost").textContent = texts.lost;
    memory.update(data());
  }

  /** Send what the visitor chose, and show the first of it. */
  function add(pictures) {
    memory.showOthers();
    take(pictures);
  }

  function follow(text) {
    const url = text.trim();
    if (!url) link.focus();
    else if (data().allowsLinks) add([/^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`]);
  }

  function take(pictures) {
    isLate = false;
    queue.push(...pictures);
    if (!isBusy && queue.length) send();
  }

  async function send() {
    isBusy = true;
    const digests = [];
    let refused = null;
    for (let count = 1; queue.length; count += 1) {
      const picture = queue.shift();
      const name = picture.name ?? ""; // a link has none
      if (count > data().maxFiles) {
        refused = { name, reason: "too_many_pictures" };
        queue.length = 0;
        break;
      }
      const answer = await delivery.deliver(picture);
      if (answer.digest) {
        digests.push(answer.digest);
        memory.keepPicture(answer.digest, picture);
      } else refused = { name, reason: answer.error };
    }
    delivery.end();
    isBusy = false;
    handOn(component, "added", JSON.stringify({ digests, refused, shown: memory.takeShown(), isLate }));
  }

  /** Ask the server which files are pictures: it leaves out results of earlier runs, for example. */
  async function picturesAmong(entries) {
    await memory.known();
    const { addresses, token } = data();
    const names = JSON.stringify(entries.map((entry) => entry.fullPath));
    const asked = { method: "POST", headers: { "X-Tab": token }, body: names };
    const answer = await fetch(new URL(addresses.folder, document.baseURI), asked);
    return answer.ok ? (await answer.json()).pictures.map((number) => entries[number]) : entries;
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
  // A page that the browser keeps goes on, and so does one of a phone that is locked.
  on(window, "pagehide", ({ persisted }) => {
    if (!persisted) navigator.sendBeacon(new URL(data().addresses.leave, document.baseURI), data().token);
  });
  listenForTransfers({ overlay, on, add, follow, picturesAmong });

  const close = () => {
    connection.close();
    closing.abort();
  };
  return { update, close };
}

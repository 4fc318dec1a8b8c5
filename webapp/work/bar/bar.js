// The state of the work. `data` is {key, live, stream, isBusy, isRunning, seconds, start, note, others,
// askAfter, notifyAfter, title, texts}: `start` is the label of the button or empty, `others` are [{key, text}] of jobs for the
// same picture, `stream` the address of the tab's events, which are also told to the slider and the gallery.

const LIVE = "super-resolution-live";
const MARKS = "super-resolution-marks";
const RETRY = 2000; // milliseconds before an ended job is told again

const bars = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  const bar = bars.get(parentElement) ?? createBar(parentElement);
  const close = keep(bars, parentElement, bar);
  bar.update(component);
  return close;
}

function createBar(parent) {
  const root = parent.querySelector(".bar");
  const find = (selector) => root.querySelector(selector);
  let component;
  let source = null;
  let elapsed = 0;
  let told = "";
  let hasAsked = false;
  let retry;

  function update(next) {
    const isOther = component?.data.key !== next.data.key;
    const focused = root.getRootNode().activeElement;
    const hadFocus = root.contains(focused);
    component = next;
    const { data } = next;
    const { texts } = data;
    root.setAttribute("aria-label", texts.label);
    root.getRootNode().host.toggleAttribute("data-running", data.isRunning); // page.css hides an older result's menu
    find(".start").hidden = !data.start;
    find(".start").textContent = data.start;
    find(".work").hidden = find(".stop").hidden = !data.isRunning;
    if (isOther || !data.isRunning) {
      find(".question").hidden = true;
      elapsed = 0;
      show({ percent: 0, text: texts.starting });
    }
    const canNotify = "Notification" in window && Notification.permission === "default" && !hasAsked;
    find(".notify").hidden = !(data.isRunning && data.seconds > data.notifyAfter && canNotify);
    find(".notify").textContent = texts.notify;
    find(".track").setAttribute("aria-label", texts.running);
    find(".stop").textContent = texts.ask;
    find(".question p").textContent = texts.question;
    find(".question").setAttribute("aria-label", texts.question);
    find(".yes").textContent = texts.yes;
    find(".no").textContent = texts.no;
    find(".note").textContent = data.note;
    find(".note").hidden = !data.note;
    find(".others").replaceChildren(...data.others.map(another));
    if (hadFocus && !isSeen(focused)) passFocus(focused);
    if (data.isBusy) listen();
    else close();
  }

  const isSeen = (element) => element.getClientRects().length > 0;

  /** Give the focus of what is gone to another button, or free it for the result. */
  function passFocus(gone) {
    const next = [...root.querySelectorAll("button")].find(isSeen);
    if (next) next.focus({ preventScroll: true });
    else gone.blur();
  }

  /** Show a job for the same picture with other choices. */
  function another({ key, text }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "control";
    button.textContent = `${text} ✕`;
    button.title = component.data.texts.stop_other.replace("{name}", text);
    button.setAttribute("aria-label", button.title);
    button.onclick = () => handOn(component, "stop", key);
    return button;
  }

  function listen() {
    const address = new URL(component.data.stream, document.baseURI).href;
    if (source?.url === address && source.readyState !== EventSource.CLOSED) return;
    close();
    source = new EventSource(address);
    source.onmessage = (event) => hear(JSON.parse(event.data));
    source.onerror = wait;
  }

  /** Promise no time, and take no press, while nothing is heard of the work. */
  function wait() {
    find(".question").hidden = true;
    find(".stop").disabled = true;
    find(".text").textContent = component.data.texts.running;
    document.title = component.data.title;
  }

  function hear({ now, marks, ended }) {
    find(".stop").disabled = false;
    if (now) {
      const known = window.superResolutionLive;
      const pieces = known?.address === now.address ? known.pieces : [];
      window.superResolutionLive = { ...now, pieces: [...pieces, ...now.pieces] };
      window.dispatchEvent(new CustomEvent(LIVE, { detail: window.superResolutionLive }));
      if (now.isRunning && now.address === component.data.live) {
        elapsed = now.elapsed;
        show(now);
        document.title = `${component.data.texts.percent.replace("{number}", now.percent)} · ${component.data.title}`;
      }
    }
    window.dispatchEvent(new CustomEvent(MARKS, { detail: marks }));
    over(ended.join());
  }

  /** Have the page drawn again for an ended job, and once more if that got lost. */
  function over(ended) {
    clearTimeout(retry);
    if (!ended) return;
    if (ended !== told && ended.split(",").includes(component.data.key)) notify();
    if (ended !== told) handOn(component, "over", ended);
    told = ended;
    retry = setTimeout(() => {
      told = "";
      over(ended);
    }, RETRY);
  }

  /** Notify visitors who look at another tab, if they asked for it. */
  function notify() {
    const { seconds, notifyAfter, texts } = component.data;
    if (!document.hidden || seconds <= notifyAfter || globalThis.Notification?.permission !== "granted") return;
    new Notification(texts.notified);
  }

  find(".notify").onclick = () => {
    hasAsked = true;
    find(".notify").hidden = true;
    Notification.requestPermission();
  };

  function show({ percent, text }) {
    find(".text").textContent = text;
    find(".track").setAttribute("aria-valuenow", percent);
    find(".track").setAttribute("aria-valuetext", text);
    find(".done").style.width = `${percent}%`;
  }

  function stop() {
    goOn();
    handOn(component, "stop", component.data.key);
  }

  find(".start").onclick = () => handOn(component, "start", component.data.key);
  find(".stop").onclick = () => {
    if (elapsed < component.data.askAfter) {
      stop();
    } else {
      find(".question").hidden = false;
      find(".no").focus();
    }
  };
  function goOn() {
    find(".question").hidden = true;
    find(".stop").focus();
  }

  find(".yes").onclick = stop;
  find(".no").onclick = goOn;
  find(".question").onkeydown = ({ key }) => {
    if (key === "Escape") goOn();
  };

  function close() {
    clearTimeout(retry);
    source?.close();
    source = null;
    told = "";
  }

  return { update, close };
}

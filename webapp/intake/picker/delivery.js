// The way of a file or link to the server. Each is sent again if that may succeed after a lost connection or a restart.

const SEND_AGAIN = 2; // how often it is sent again while the connection seems to be there
const TOKEN_WAITS = 60; // how often we look for the token of a server that has restarted

function createDelivery(root, { data, memory, connection }) {
  const uploading = root.querySelector(".uploading");
  const bar = uploading.querySelector("progress");

  const pause = () => new Promise((resolve) => setTimeout(resolve, LOST_AFTER));

  /** Send a file or link, with its progress in sight; return {digest} or {error}. */
  async function deliver(picture) {
    const { texts } = data();
    const isLink = typeof picture === "string";
    uploading.querySelector(".name").textContent = isLink ? texts.fetching : texts.uploading.replace("{name}", picture.name);
    uploading.hidden = false;
    for (let failures = 0; ; ) {
      await memory.known();
      const { token } = data();
      const answer = await send(picture, isLink);
      if (answer.error === "tab_unknown" && (await isRenewed(token))) continue;
      if (answer.error !== "upload_failed" || failures === SEND_AGAIN) return answer;
      await pause(); // the page notices a loss later than the upload
      if (navigator.onLine && !connection.isLost()) failures += 1;
      while (!navigator.onLine || connection.isLost()) await pause();
    }
  }

  /** Wait until a server that does not know the tab has given it another token. */
  async function isRenewed(token) {
    memory.askFor(token);
    for (let waits = 0; waits < TOKEN_WAITS; waits += 1) {
      await pause();
      if (data().token !== token && memory.isKnown()) return true;
    }
    return false;
  }

  function send(picture, isLink) {
    const { addresses, token } = data();
    if (isLink) bar.removeAttribute("value"); // nobody knows how long it takes
    else bar.value = 0;
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", new URL(isLink ? addresses.link : addresses.upload, document.baseURI));
      request.setRequestHeader("X-Tab", token);
      if (!isLink) request.setRequestHeader("X-Name", encodeURIComponent(picture.name));
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        if (event.total && !isLink) bar.value = event.loaded / event.total;
      };
      request.onload = () => resolve(request.response ?? { error: "internal_error" });
      request.onerror = () => resolve({ error: "upload_failed" });
      request.send(picture);
    });
  }

  const end = () => {
    uploading.hidden = true;
  };
  return { deliver, end };
}

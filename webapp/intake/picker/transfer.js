// What is dragged over the page or pasted into it: files, folders, a link.

function listenForTransfers({ overlay, on, add, follow, picturesAmong }) {
  let depth = 0; // how many elements the dragged file has entered and not left

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

  function offer(text) {
    if (/^https?:\/\/\S+$/i.test(text.trim())) follow(text);
  }
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

// The pictures of both sides: files that came with the page, reduced where they are large, and pieces
// on demand: of a finished result that is zoomed into, and of one that is being made.

const PATIENCE = 200; // milliseconds at rest before the pieces in sight are fetched
const MAX_PIECES = 60;
const REDUCTIONS = [16, 8, 4, 2, 1];

function createPictures({ root, content: first, geometry, closed, ready, failed }) {
  const frames = [...root.querySelectorAll(".picture")].map((element) => ({
    element, side: element.parentElement.dataset.side, images: null, left: [...element.children],
  }));
  const after = frames.find((frame) => frame.side === "after");
  const tiles = new Map(); // "side column-row" -> image
  const pieces = new Map(); // number of a finished piece -> {box, reducedBy, image}
  let content = first;
  let waiting;
  let told = "";
  root.classList.remove("begun"); // of another viewer

  function put(element, place) {
    const [left, top, width, height] = place.map((fraction) => `${fraction * 100}%`);
    Object.assign(element.style, { left, top, width, height });
    return element;
  }

  function create(source, place, { alt = "", className = "" } = {}) {
    const image = put(new Image(), place);
    Object.assign(image, { draggable: false, alt, className, src: source });
    return image;
  }

  const address = (path) => new URL(path, document.baseURI).href;

  /** Show these files; the old ones stay until the new ones can be drawn. */
  async function load(next) {
    content = next;
    const urls = [];
    closed.addEventListener("abort", () => urls.forEach((url) => URL.revokeObjectURL(url)));
    const fresh = frames.map(({ side }) => {
      const own = content.pictures.filter((picture) => picture.side === side);
      // An input without a result is shown on both sides.
      const parts = own.length ? own : content.pictures.filter((picture) => picture.side === "before");
      return parts.map((part, index) => {
        const url = URL.createObjectURL(new Blob([part.bytes], { type: "image/webp" }));
        urls.push(url);
        return create(url, part.place, { alt: index ? "" : content.labels[side === "before" ? 0 : 1] });
      });
    });
    try {
      await Promise.all(fresh.flat().map((image) => image.decode()));
    } catch {
      if (!closed.aborted) failed();
      return;
    }
    if (closed.aborted || content !== next) return;
    frames.forEach((frame, index) => {
      // What another viewer left, but not the look and pieces, which may have come earlier than the input.
      for (const old of frame.images ?? frame.left) old.remove();
      frame.images = fresh[index];
      frame.element.prepend(...fresh[index]);
    });
    outline();
    if (!content.live) forgetPieces();
    ready();
    look();
  }

  function outline() {
    const [, detail] = content.pictures.filter((picture) => picture.side === "after");
    if (!detail || content.details) return;
    for (const { element, images } of frames) {
      const frame = put(document.createElement("div"), detail.place);
      frame.className = "outline";
      element.append(frame);
      images.push(frame);
    }
  }

  /** Fetch what is in sight, once the view has come to rest. */
  function look() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (content.live) fetchPieces();
      else fetchTiles();
    }, PATIENCE);
  }

  // --- a finished result

  function fetchTiles() {
    const { tile, preview } = content.limits;
    const shown = geometry.zoom() * (window.devicePixelRatio || 1);
    const ratio = Math.min(1, preview / Math.max(...content.size));
    if (!content.details || ratio === 1 || shown <= ratio * 1.1) return;
    for (const { element, side } of frames) {
      const size = side === "before" ? content.before : content.size;
      const factor = size[0] / content.size[0];
      const [left, top, right, bottom] = geometry.sight().map((each) => (each * factor) / tile);
      const columns = [Math.floor(left), Math.ceil(right)];
      const rows = [Math.floor(top), Math.ceil(bottom)];
      if ((columns[1] - columns[0]) * (rows[1] - rows[0]) > MAX_PIECES) continue;
      for (let row = rows[0]; row < rows[1]; row++) {
        for (let column = columns[0]; column < columns[1]; column++) showTile(element, side, size, column, row);
      }
    }
    for (const [key, image] of tiles) {
      if (tiles.size <= 2 * MAX_PIECES) break;
      image.remove();
      tiles.delete(key);
    }
  }

  function showTile(element, side, [width, height], column, row) {
    const key = `${side} ${column}-${row}`;
    const { tile } = content.limits;
    let image = tiles.get(key);
    if (!image) {
      const base = content.details[side === "before" ? 0 : 1];
      const [x, y] = [column * tile, row * tile];
      const place = [x / width, y / height, Math.min(tile, width - x) / width, Math.min(tile, height - y) / height];
      image = create(address(`${base}/${column}-${row}.webp`), place, { className: "tile" });
      image.onerror = () => image.remove(); // the reduced picture stays
      element.append(image);
    }
    tiles.delete(key);
    tiles.set(key, image); // now the most recently used
  }

  // --- a result that is being made

  /** Show the first look and the finished pieces that the server announces. */
  function follow(live) {
    if (live.hasLook && after.look === undefined) {
      const look = create(address(`${content.live}/look.webp`), [0, 0, 1, 1], { className: "look" });
      after.look = look;
      const isWanted = () => content.live && after.look === look;
      look.decode().then(() => isWanted() && show(look, firstPiece()), () => {
        if (isWanted()) after.look = undefined; // the next announcement asks for it again
      });
    }
    for (const [number, ...box] of live.pieces) {
      if (!pieces.has(number)) pieces.set(number, { box, reducedBy: Infinity, image: null });
    }
    fetchPieces();
  }

  function show(image, next) {
    root.classList.add("begun");
    after.element.insertBefore(image, next);
  }

  const firstPiece = () => after.element.querySelector(".piece");

  /** Fetch each finished piece in sight, with as many pixels as the screen can show. */
  function fetchPieces() {
    if (!geometry.box.width || !geometry.box.height) return; // the stage has no size yet
    const [left, top, right, bottom] = geometry.sight();
    tell([left, top, right, bottom].map(Math.round).join("/"));
    const shown = geometry.zoom() * (window.devicePixelRatio || 1);
    const reducedBy = REDUCTIONS.find((each) => each * shown <= 1) ?? 1;
    const [width, height] = content.size;
    for (const [number, piece] of pieces) {
      const [x, y, to, down] = piece.box;
      const isSeen = x < right && to > left && y < bottom && down > top;
      if (!isSeen || piece.reducedBy <= reducedBy) continue;
      piece.reducedBy = reducedBy;
      const place = [x / width, y / height, (to - x) / width, (down - y) / height];
      const image = create(address(`${content.live}/${number}-${reducedBy}.webp`), place, { className: "piece" });
      image.decode().then(() => {
        if (closed.aborted || piece.reducedBy !== reducedBy || pieces.get(number) !== piece) return;
        if (piece.image) image.classList.add("finer");
        show(image, null);
        piece.image?.remove();
        piece.image = image;
      }, () => {
        if (piece.reducedBy === reducedBy) piece.reducedBy = Infinity;
      });
    }
  }

  /** Tell the server what is in sight, which it then makes first. */
  function tell(sight) {
    if (sight === told || !content.live) return;
    told = sight;
    fetch(address(`${content.live}/sight/${sight}`), { method: "POST", signal: closed }).catch(() => {});
  }

  function forgetPieces() {
    root.classList.remove("begun");
    after.look?.remove();
    after.look = undefined;
    for (const { image } of pieces.values()) image?.remove();
    pieces.clear();
  }

  function draw(left, top, z) {
    const [width, height] = content.size;
    for (const { element } of frames) {
      element.style.width = `${width * z}px`;
      element.style.height = `${height * z}px`;
      element.style.transform = `translate(${left}px, ${top}px)`;
    }
  }

  return { load, look, follow, draw, close: () => clearTimeout(waiting) };
}

// A radio group of pictures: click, or arrow keys.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const group = parentElement.querySelector(".gallery");
  const ids = data.items.map((item) => item.id);
  if (group.dataset.items !== ids.join()) {
    group.replaceChildren(...data.items.map(button));
    group.dataset.items = ids.join();
  }
  const buttons = [...group.children];

  function check(id) {
    for (const each of buttons) {
      const checked = each.dataset.id === id;
      each.setAttribute("aria-checked", String(checked));
      each.tabIndex = checked ? 0 : -1;
    }
  }

  function pick(id) {
    check(id); // at once, without waiting for the server
    setStateValue("picked", id);
  }

  buttons.forEach((each, index) => {
    each.onclick = () => pick(each.dataset.id);
    each.onkeydown = (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      const next = buttons[(index + step + buttons.length) % buttons.length];
      next.focus();
      pick(next.dataset.id);
    };
  });
  check(data.picked);
}

function button(item) {
  const element = document.createElement("button");
  element.type = "button";
  element.setAttribute("role", "radio");
  element.setAttribute("aria-label", item.title);
  element.title = item.title;
  element.dataset.id = item.id;
  const image = new Image();
  image.src = item.image;
  image.alt = "";
  image.draggable = false;
  element.append(image);
  return element;
}

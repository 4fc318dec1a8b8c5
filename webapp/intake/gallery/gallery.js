// A radio group of pictures: click, or arrow keys. `data` is {choices, chosen, label, items, isFolded}; with each choice
// the data differ, so that the group shows what was made of it.

const MARKS = "super-resolution-marks"; // the event by which the bar tells how other jobs stand
const CHOSEN = "super-resolution-chosen"; // the event by which the drop area hears of a choice
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export default function (component) {
  const { data, parentElement } = component;
  const group = parentElement.querySelector(".gallery");
  group.setAttribute("aria-label", data.label);
  group.classList.toggle("folded", data.isFolded);
  const ids = data.items.map((item) => item.id);
  if (group.dataset.items !== ids.join()) {
    group.replaceChildren(...data.items.map(createButton));
    group.dataset.items = ids.join();
  }
  const buttons = [...group.children];
  data.items.forEach((item, index) => describe(buttons[index], item));

  function check(id) {
    buttons.forEach((each, index) => {
      const isChecked = each.dataset.id === id;
      each.setAttribute("aria-checked", String(isChecked));
      const isEntry = isChecked || (index === 0 && !ids.includes(id));
      each.tabIndex = isEntry ? 0 : -1;
    });
  }

  function choose(id) {
    check(id); // check at once, before the server answers
    handOn(component, "choice", id);
    window.dispatchEvent(new CustomEvent(CHOSEN));
  }

  buttons.forEach((each, index) => {
    each.onclick = () => choose(each.dataset.id);
    each.onkeydown = (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      const next = buttons[(index + step + buttons.length) % buttons.length];
      next.focus();
      choose(next.dataset.id);
    };
  });
  check(data.chosen);

  /** Show what a running job has done since the page was drawn. */
  function hear({ detail }) {
    data.items.forEach((item, index) => {
      const [state, description] = detail[item.id] ?? [];
      if (state !== undefined) describe(buttons[index], { ...item, state, description });
    });
  }
  window.addEventListener(MARKS, hear);
  return () => window.removeEventListener(MARKS, hear);
}

function createButton(item) {
  const element = document.createElement("button");
  element.type = "button";
  element.setAttribute("role", "radio");
  element.dataset.id = item.id;
  const image = new Image();
  image.src = item.image;
  image.alt = "";
  image.draggable = false;
  const state = document.createElement("span");
  state.className = "state";
  state.setAttribute("aria-hidden", "true");
  element.append(image, state);
  return element;
}

function describe(element, item) {
  const name = item.description ? `${item.title}: ${item.description}` : item.title;
  element.setAttribute("aria-label", name);
  element.title = name;
  element.lastElementChild.textContent = item.state;
  element.lastElementChild.hidden = !item.state;
}

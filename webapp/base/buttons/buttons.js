// A row of buttons. `data` is {buttons: [{name, text, icon, kind}]}; those that stay keep the focus.

export default function (component) {
  const { data, parentElement } = component;
  const row = parentElement.querySelector(".buttons");
  const names = data.buttons.map((button) => button.name);
  for (const each of [...row.children]) if (!names.includes(each.dataset.name)) each.remove();
  data.buttons.forEach(({ name, text, icon, kind }, index) => {
    if (row.children[index]?.dataset.name !== name) row.insertBefore(createButton(name), row.children[index] ?? null);
    const button = row.children[index];
    button.className = `control ${kind}`;
    button.firstElementChild.textContent = icon;
    button.lastElementChild.textContent = text;
    button.onclick = () => handOn(component, "press", name);
  });
}

function createButton(name) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.name = name;
  const icon = document.createElement("span");
  icon.className = "icon";
  icon.setAttribute("aria-hidden", "true");
  button.append(icon, document.createElement("span"));
  return button;
}

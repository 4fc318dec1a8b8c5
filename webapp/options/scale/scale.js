// A list of sizes. `data` is {label, chosen, choices: [{value, label}], other}; see `other.js` for the last one.

const OTHER = "other";
const fields = new WeakMap(); // mount point -> the fields in it

export default function (component) {
  const { data, parentElement } = component;
  const list = parentElement.querySelector(".scale");
  list.setAttribute("aria-label", data.label);
  const choices = data.other ? [...data.choices, { value: OTHER, label: data.other.texts.choose }] : data.choices;
  const written = JSON.stringify(choices);
  if (list.dataset.choices !== written) {
    list.dataset.choices = written;
    list.replaceChildren(...choices.map(({ value, label }) => new Option(label, value)));
  }
  list.value = data.chosen;
  list.title = list.selectedOptions[0]?.label ?? "";
  const choose = (value) => handOn(component, "choice", value);
  const asking = { ask: (name) => handOn(component, "draft", name), use: choose };
  const other = fields.get(parentElement) ?? createOther(parentElement.querySelector(".other"), asking);
  fields.set(parentElement, other);
  if (data.other) other.update(data.other);
  list.onchange = () => {
    if (list.value !== OTHER) {
      choose(list.value);
      return;
    }
    list.value = data.chosen;
    other.open(data.chosen);
  };
}

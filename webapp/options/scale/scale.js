// A list of scales. `data` is {label, chosen, choices: [{value, label}]}.

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".scale");
  list.setAttribute("aria-label", data.label);
  const written = JSON.stringify(data.choices);
  if (list.dataset.choices !== written) {
    list.dataset.choices = written;
    list.replaceChildren(...data.choices.map(({ value, label }) => new Option(label, value)));
  }
  list.value = data.chosen;
  list.title = list.selectedOptions[0]?.label ?? "";
  list.onchange = () => setTriggerValue("choice", list.value);
}

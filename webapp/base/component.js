// Every component begins with this script.

/**
 * Hand on what the visitor did. It is a state with a number of its own, which the browser sends again with whatever
 * follows: Streamlit loses a trigger if the next event comes before the page's script has begun.
 */
function handOn(component, event, value) {
  component.setStateValue(event, { value, number: Math.random() });
}

/** Keep an instance for its mount point until the component is closed; return how to close it. */
function keep(instances, parent, instance) {
  instances.set(parent, instance);
  // A fast rerun may clean up an older call after this one: only the latest may close.
  const lease = {};
  instance.lease = lease;
  return () => {
    if (instance.lease !== lease) return;
    instance.close();
    instances.delete(parent);
  };
}

// Every component begins with this script.

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

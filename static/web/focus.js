// Keeps the focus where it is when a swap removes the element that holds it.

// The element that has the focus, or had it until its own request disabled it.
export function holder({ pressed }) {
  const { activeElement, body } = document;
  return activeElement === body && pressed?.disabled ? pressed : activeElement;
}

// Moves the focus of an element that has gone to its heir in the same place. The heir is the element
// with the same `data-focus`, else one with `data-takes-focus`, else the place itself.
export function passOn(held, place) {
  if (!place || document.activeElement !== document.body) return;
  const named = [...place.querySelectorAll("[data-focus]")];
  const same = named.filter(({ dataset }) => dataset.focus === held.dataset.focus);
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  // What is disabled or hidden does not take the focus, so the next one is tried.
  [...same, ...place.querySelectorAll("[data-takes-focus]"), place].some((heir) => {
    heir.focus({ preventScroll: true });
    return heir === document.activeElement;
  });
}

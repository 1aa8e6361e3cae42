// The airport that is chosen: by the form, by the address, and on the way back.
import { fail, failure } from "./status.js";

const choice = document.getElementById("choice");

// An address below that of the page, about an airport.
export const below = (part, origin) => `${choice.action}/${part}?origin=${encodeURIComponent(origin)}`;

// Calls `show` for the chosen airport, now and whenever the choice changes; the address follows. A
// call that has not ended by then is aborted.
export function follow(show) {
  const main = document.querySelector("main");
  let asking = new AbortController();
  const anew = async (origin) => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    failure()?.remove();
    main.ariaBusy = "true";
    try {
      await show(origin, signal);
    } catch ({ message }) {
      if (!signal.aborted) fail(message, () => anew(origin));
    }
    if (!signal.aborted) main.ariaBusy = "false";
  };
  const { origin } = choice.elements;
  choice.addEventListener("change", () => {
    history.pushState(null, "", `?origin=${encodeURIComponent(origin.value)}`);
    anew(origin.value);
  });
  addEventListener("popstate", () => {
    const chosen = new URLSearchParams(location.search).get("origin") ?? origin.querySelector("[selected]").value;
    // A link within the page changes the address too, and no choice.
    if (chosen === origin.value) return;
    origin.value = chosen;
    anew(chosen);
  });
  if (!failure()) anew(origin.value);
}

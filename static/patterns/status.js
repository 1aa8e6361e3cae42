// The line above the graphs: what is shown, how far a computation is, or why there is nothing to show.

const says = document.getElementById("says");

// Shows words, of which some may be elements.
export function say(...words) {
  says.replaceChildren(...words);
}

// Shows the name of a place, and words after it.
export function sayOf(place, words) {
  const name = document.createElement("strong");
  name.textContent = place;
  say(name, ` · ${words}`);
}

// Shows how far a computation is, in thousandths, if that is known.
export function wait(permille) {
  const bar = document.getElementById("bar").content.cloneNode(true);
  if (!says.querySelector("progress")) say("Computing… ", bar);
  if (permille !== null) says.querySelector("progress").value = permille;
}

// Shows an error, with a button that tries again.
export function fail(words, again) {
  const alert = document.getElementById("failed").content.cloneNode(true);
  alert.querySelector("p").textContent = words;
  alert.querySelector("button").addEventListener("click", again);
  say();
  says.after(alert);
}

// The error that is shown.
export const failure = () => document.querySelector("#run [role=alert]");

// What this tab keeps of an airport: the server's answer, as it came, in the storage of the tab.
import { below } from "../choice.js";
import { provenance } from "../words.js";

// The columns of a destination, in the order of the table.
export const COLUMNS = ["destination", "name", "distance", "flights", "mean", "median", "p90"];

const page = document.getElementById("stored");
const trouble = document.getElementById("trouble");

const key = (origin) => `${new URL(below("summary", origin)).pathname}?origin=${origin}`;

// What a summary says, its destinations row by row. A summary that lacks something is an error.
export function read(body) {
  const { destinations, ...summary } = JSON.parse(body);
  const cell = (name, at) => [name, destinations[name][at].valueOf()];
  const rows = destinations.destination.map((_, at) => Object.fromEntries(COLUMNS.map((name) => cell(name, at))));
  return { ...summary, rows, source: provenance(summary), bytes: new TextEncoder().encode(body).length };
}

// The summary of an airport that this tab keeps. A damaged one counts as absent, and so does one of
// other data than the page; a browser may refuse its storage too.
export function kept(origin) {
  try {
    const summary = read(sessionStorage.getItem(key(origin)));
    return summary.v === page.dataset.v ? summary : undefined;
  } catch {
    return undefined;
  }
}

// Keeps an answer, and returns whether that worked. If not, the page goes on with the answer itself.
export function keep(origin, body, { v }) {
  page.dataset.v = v;
  try {
    sessionStorage.setItem(key(origin), body);
    return true;
  } catch ({ name }) {
    const why = name === "QuotaExceededError" ? "This tab’s storage is full" : "This browser refuses its storage";
    trouble.textContent = `${why}, so this airport is not held. All of this still works from the answer,
      until another airport is chosen or the page is left.`;
    return false;
  }
}

// Removes an airport from the storage.
export function remove(origin) {
  sessionStorage.removeItem(key(origin));
}

// Takes away what was said about an earlier airport.
export function clearTrouble() {
  trouble.textContent = "";
}

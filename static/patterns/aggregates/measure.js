// Measures what it takes to ask one way and to draw the answer, and fills in its column.
import { ask } from "../ask.js";
import { below } from "../choice.js";
import { plot } from "./bars.js";

const ways = document.getElementById("ways");

// The columns of the two ways.
export const AGGREGATES = { column: 1, part: "summary" };
export const ROWS = { column: 2, part: "rows" };

// How many numbers and texts JSON holds.
function size(json) {
  if (json === null || typeof json !== "object") return 1;
  return Object.values(json).reduce((sum, part) => sum + size(part), 0);
}

// Empties both columns.
export function clear() {
  for (const { cells } of ways.tBodies[0].rows) cells[1].textContent = cells[2].textContent = "";
}

// Asks one way, and draws what `form` makes of the answer.
export async function measure({ column, part }, { origin, signal }, form) {
  const started = performance.now();
  const { body, measured } = await ask(below(part, origin), signal);
  const answer = JSON.parse(body);
  const counts = form(answer);
  plot(counts);
  const ms = Math.round(performance.now() - started);
  const { encodedBodySize: encoded, decodedBodySize: decoded } = await measured;
  if (signal.aborted) return undefined;
  const took = { encoded, decoded, values: size(answer), ms };
  for (const { dataset, cells } of ways.tBodies[0].rows) {
    cells[column].textContent = took[dataset.figure]?.toLocaleString("en") ?? "not told";
  }
  return { answer, counts, encoded };
}

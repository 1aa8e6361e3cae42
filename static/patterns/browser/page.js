// Shows the numbers of an airport, from the storage of this tab or else from the server. Filter, order
// and metric ask the server nothing.
import "../../web/page.js";
import { ask } from "../ask.js";
import { below, follow } from "../choice.js";
import { say, sayOf } from "../status.js";
import { counted } from "../words.js";
import { plot } from "./bubbles.js";
import { keep, kept, read, remove, clearTrouble } from "./storage.js";
import { onOrder, order, tabulate } from "./table.js";

const [held, filter, forget] = ["held", "filter", "forget"].map((id) => document.getElementById(id));
let shown;

async function show(origin, signal) {
  clearTrouble();
  const found = kept(origin);
  if (found) return present(origin, found, "It was in this tab’s storage: 0 bytes came over the network.", true);
  say(`Asking for ${origin}…`);
  const away = `The server cannot be reached, and ${origin} is not held in this tab.`;
  const { body, measured } = await ask(below("summary", origin), signal, away);
  const summary = read(body);
  const isHeld = keep(origin, body, summary);
  const { encodedBodySize: came, decodedBodySize: unpacked } = await measured;
  if (signal.aborted) return;
  const cost = `${counted(came, "byte")} came over the network, ${counted(unpacked, "byte")} when unpacked.`;
  present(origin, summary, came ? cost : "The browser does not tell how many bytes came over the network.", isHeld);
}

function present(origin, summary, cost, isHeld) {
  const holds = isHeld ? `${counted(summary.bytes, "byte")} are held in this tab’s storage.` : "Nothing of it is held.";
  sayOf(summary.place, `${cost} ${holds} ${summary.source}`);
  shown = { ...summary, origin };
  forget.disabled = !isHeld;
  held.hidden = false;
  refresh();
}

// Draws the graph and the table of the rows that the filter lets through.
function refresh() {
  const { metric, text, least } = filter.elements;
  const words = text.value.trim().toLowerCase();
  const has = ({ destination, name }) => `${destination} ${name}`.toLowerCase().includes(words);
  const rows = shown.rows.filter((row) => row.flights >= Number(least.value) && has(row));
  rows.sort(order);
  tabulate(rows);
  plot(rows, shown, metric.value, filter.querySelector(":checked").dataset.delay);
}

filter.addEventListener("input", refresh);
filter.addEventListener("submit", (event) => event.preventDefault());
onOrder(refresh);
forget.addEventListener("click", () => {
  remove(shown.origin);
  forget.disabled = true;
  say(`${shown.place} is forgotten: the storage holds nothing of it. What is shown still works.`);
});
follow(show);

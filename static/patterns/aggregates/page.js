// Draws three graphs of the aggregates that the server sends. On demand it asks for every flight too,
// and compares what both ways take.
import "../../web/page.js";
import { follow } from "../choice.js";
import { say, sayOf } from "../status.js";
import { counted, provenance } from "../words.js";
import { AGGREGATES, ROWS, clear, measure } from "./measure.js";
import { compared, recounted } from "./recount.js";

const [send, verdict] = ["send", "verdict"].map((id) => document.getElementById(id));
let shown;

// Neither way should be charged for the time in which plotly.js arrives.
const loaded = new Promise((resolve) => addEventListener("load", resolve));

async function aggregates(origin, signal) {
  const came = await measure(AGGREGATES, { origin, signal }, (summary) => summary);
  if (came) shown = { ...came.answer, origin, signal, encoded: came.encoded };
  return came?.answer;
}

async function show(origin, signal) {
  clear();
  verdict.textContent = "";
  send.disabled = true;
  say(`Asking for ${origin}…`);
  await loaded;
  const answer = await aggregates(origin, signal);
  if (!answer) return;
  const flights = answer.days.flights.reduce((sum, number) => sum + number, 0);
  sayOf(answer.place, `${counted(flights, "flight")} in three aggregates. ${provenance(answer)}`);
  send.disabled = false;
}

send.addEventListener("click", async () => {
  const { origin, signal } = shown;
  send.disabled = true;
  verdict.textContent = "Every flight is being sent…";
  try {
    // The aggregates again, since the first graphs of a page take longer to draw, whatever they show.
    const again = await aggregates(origin, signal);
    const rows = again && await measure(ROWS, shown, (rows) => recounted(rows, shown));
    if (rows) verdict.textContent = compared(rows, shown);
  } catch ({ message }) {
    if (!signal.aborted) verdict.textContent = message;
  }
  if (!signal.aborted) send.disabled = false;
});
follow(show);

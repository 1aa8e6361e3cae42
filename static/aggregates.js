// Draws three graphs of the aggregates that came; of every flight too, if somebody wants to know
// what that takes, and measures both.

const [send, verdict, ways] = ["send", "verdict", "ways"].map((id) => document.getElementById(id));
let shown;

// Where the bars of each aggregate stand, and what a bar counts, in words.
const GRAPHS = {
  days: { x: ({ date }) => date, words: ({ date }, at) => `on ${date[at]}` },
  hours: { x: ({ hour }) => hour, words: ({ hour }, at) => `in the hour from ${hour[at]}:00` },
  delays: {
    x: ({ from, to }) => from.map((edge, at) => (edge + to[at]) / 2),
    words: ({ from, to }, at) => `with a delay of ${minutes(from[at])} to ${minutes(to[at])} minutes`,
  },
};

// The time in which plotly.js arrives is that of neither way.
const loaded = new Promise((resolve) => addEventListener("load", resolve));

// How many numbers and texts JSON holds.
function size(json) {
  if (json === null || typeof json !== "object") return 1;
  return Object.values(json).reduce((sum, part) => sum + size(part), 0);
}

// Asks one way, has the graphs drawn of what `form` makes of the answer, and fills in what it took.
async function measure(way, part, { origin, signal }, form) {
  const started = performance.now();
  const { body, measured } = await ask(below(part, origin), signal);
  const answer = JSON.parse(body);
  const counts = form(answer);
  for (const [name, graph] of Object.entries(GRAPHS)) bars(name, counts[name], graph);
  const ms = Math.round(performance.now() - started);
  const { encodedBodySize: encoded, decodedBodySize: decoded } = await measured;
  if (signal.aborted) return undefined;
  const took = { encoded, decoded, values: size(answer), ms };
  for (const { dataset, cells } of ways.tBodies[0].rows) {
    cells[way].textContent = took[dataset.figure]?.toLocaleString("en") ?? "not told";
  }
  return { answer, counts, encoded };
}

function bars(name, aggregate, { x, words }) {
  const { flights } = aggregate;
  const says = flights.map((_, at) => words(aggregate, at));
  const most = flights.reduce((most, number, at) => number > flights[most] ? at : most, 0);
  const caption = `Most flights, ${count(flights[most])}, ${says[most]}.`;
  redraw(document.getElementById(`graph-${name}`), caption, (trace) => {
    [trace.x, trace.y, trace.hovertext] = [x(aggregate), flights, says];
  });
}

async function aggregates(origin, signal) {
  const came = await measure(1, "summary", { origin, signal }, (summary) => summary);
  if (came) shown = { ...came.answer, origin, signal, encoded: came.encoded };
  return came?.answer;
}

async function show(origin, signal) {
  for (const { cells } of ways.tBodies[0].rows) cells[1].textContent = cells[2].textContent = "";
  verdict.textContent = "";
  send.disabled = true;
  says.textContent = `Asking for ${origin}…`;
  await loaded;
  const answer = await aggregates(origin, signal);
  if (!answer) return;
  const flights = answer.days.flights.reduce((sum, number) => sum + number, 0);
  const place = document.createElement("strong");
  place.textContent = answer.place;
  says.replaceChildren(place, ` · ${counted(flights, "flight")} in three aggregates. ${provenance(answer)}`);
  send.disabled = false;
}

// The same three aggregates, counted here.
function recounted({ slices }) {
  const { days, hours, delays } = shown;
  const [byDay, byHour, byDelay] = [days, hours, delays].map(({ flights }) => flights.map(() => 0));
  const [first, width, last] = [delays.from[0], delays.to[0] - delays.from[0], byDelay.length - 1];
  for (const { day, hour, delay } of slices) {
    for (let at = 0; at < day.length; at++) {
      byDay[day[at]]++;
      byHour[hour[at]]++;
      byDelay[Math.min(Math.max(Math.floor((delay[at] - first) / width), 0), last)]++;
    }
  }
  return { days: { ...days, flights: byDay }, hours: { ...hours, flights: byHour }, delays: { ...delays, flights: byDelay } };
}

// Whether both ways show the same, and what the second one cost.
function compared({ answer, counts, encoded }) {
  const differs = (name) => JSON.stringify(counts[name]) !== JSON.stringify(shown[name]);
  const others = Object.keys(GRAPHS).filter(differs);
  const why = answer.v === shown.v ? "." : ", because the data has been replaced in between.";
  const same = others.length ? `They differ by ${others.join(" and ")}${why}` : "All three aggregates are equal to those that came.";
  const times = encoded && shown.encoded ? ` Every flight took ${minutes(encoded / shown.encoded)} times the bytes.` : "";
  return same + times;
}

send.addEventListener("click", async () => {
  const { origin, signal } = shown;
  send.disabled = true;
  verdict.textContent = "Every flight is being sent…";
  try {
    // Again, since the first graphs of a page take longer to draw, whatever they show.
    const rows = await aggregates(origin, signal) && await measure(2, "rows", shown, recounted);
    if (rows) verdict.textContent = compared(rows);
  } catch ({ message }) {
    if (!signal.aborted) verdict.textContent = message;
  }
  if (!signal.aborted) send.disabled = false;
});
follow(show);

// Keeps the numbers of an airport for this tab, and makes a graph and a table of what is kept.

const COLUMNS = ["destination", "name", "distance", "flights", "mean", "median", "p90"];
const IDS = ["stored", "held", "trouble", "filter", "forget", "numbers"];
const [main, held, trouble, filter, forget, numbers] = IDS.map((id) => document.getElementById(id));
let shown;

const key = (origin) => `${new URL(below("summary", origin)).pathname}?origin=${origin}`;

// What a summary says, its destinations row by row. Whatever lacks something is an error.
function read(body) {
  const { destinations, ...summary } = JSON.parse(body);
  const cell = (name, at) => [name, destinations[name][at].valueOf()];
  const rows = destinations.destination.map((_, at) => Object.fromEntries(COLUMNS.map((name) => cell(name, at))));
  return { ...summary, rows, source: provenance(summary), bytes: new TextEncoder().encode(body).length };
}

// What this tab holds of an airport: nothing, if it is damaged or of other data than the page, or if
// the browser refuses its storage.
function kept(origin) {
  try {
    const summary = read(sessionStorage.getItem(key(origin)));
    return summary.v === main.dataset.v ? summary : undefined;
  } catch {
    return undefined;
  }
}

// Whether it is held from now on. If not, the page works from the answer.
function keep(origin, body) {
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

async function show(origin, signal) {
  trouble.textContent = "";
  const found = kept(origin);
  if (found) return present(origin, found, "It was in this tab’s storage: 0 bytes came over the network.", true);
  says.textContent = `Asking for ${origin}…`;
  const away = `The server cannot be reached, and ${origin} is not held in this tab.`;
  const { body, measured } = await ask(below("summary", origin), signal, away);
  const summary = read(body);
  main.dataset.v = summary.v;
  const isHeld = keep(origin, body);
  const { encodedBodySize: came, decodedBodySize: unpacked } = await measured;
  if (signal.aborted) return;
  const cost = `${counted(came, "byte")} came over the network, ${counted(unpacked, "byte")} when unpacked.`;
  present(origin, summary, came ? cost : "The browser does not tell how many bytes came over the network.", isHeld);
}

function present(origin, summary, cost, isHeld) {
  const holds = isHeld ? `${counted(summary.bytes, "byte")} are held in this tab’s storage.` : "Nothing of it is held.";
  const place = document.createElement("strong");
  place.textContent = summary.place;
  says.replaceChildren(place, ` · ${cost} ${holds} ${summary.source}`);
  shown = { ...summary, origin };
  forget.disabled = !isHeld;
  held.hidden = false;
  refresh();
}

// The graph and the table, of the rows that the filter lets through, in the order of the table.
function refresh() {
  const { metric, text, least } = filter.elements;
  const words = text.value.trim().toLowerCase();
  const has = ({ destination, name }) => `${destination} ${name}`.toLowerCase().includes(words);
  const head = numbers.querySelector("th[aria-sort]");
  const [by, sign] = [head.firstChild.value, head.ariaSort === "ascending" ? 1 : -1];
  const rows = shown.rows.filter((row) => row.flights >= Number(least.value) && has(row));
  rows.sort((a, b) => sign * (a[by] > b[by] ? 1 : a[by] < b[by] ? -1 : 0));
  tabulate(rows);
  plot(rows, metric.value, filter.querySelector(":checked").dataset.delay);
}

function tabulate(rows) {
  const miles = (number) => count(Math.round(number));
  const texts = { distance: miles, flights: count, mean: minutes, median: minutes, p90: minutes };
  numbers.tBodies[0].replaceChildren(...rows.map((row) => {
    const line = document.createElement("tr");
    for (const name of COLUMNS) line.insertCell().textContent = texts[name]?.(row[name]) ?? row[name];
    return line;
  }));
}

function plot(rows, metric, delay) {
  const figure = held.querySelector("figure");
  figure.querySelector("h2").textContent = `${shown.place}: ${delay} by distance of the destination`;
  const flights = rows.reduce((sum, row) => sum + row.flights, 0);
  const all = counted(shown.rows.length, "destination");
  redraw(figure, `${count(rows.length)} of ${all}, with ${counted(flights, "flight")}.`, (trace, layout) => {
    const column = (name) => rows.map((row) => row[name]);
    [trace.x, trace.y, trace.marker.size] = ["distance", metric, "flights"].map(column);
    // Areas, as on the dashboard: the largest bubble of all has a diameter of 44 pixels.
    trace.marker.sizeref = 2 * Math.max(...shown.rows.map((row) => row.flights)) / 44 ** 2;
    trace.hovertext = rows.map(label);
    layout.yaxis.title.text = `Delay, ${metric} (min)`;
  });
}

// plotly.js reads it as a little HTML.
function label({ destination, name, distance, flights, mean, median, p90 }) {
  const place = `${destination} · ${name}`.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt()};`);
  const delays = `mean ${minutes(mean)}, median ${minutes(median)}, p90 ${minutes(p90)} min`;
  return `${place}<br>${counted(flights, "flight")}, ${counted(Math.round(distance), "mile")}<br>delay: ${delays}`;
}

filter.addEventListener("input", refresh);
filter.addEventListener("submit", (event) => event.preventDefault());
numbers.tHead.addEventListener("click", ({ target }) => {
  if (!target.value) return;
  const head = target.parentElement;
  // Texts begin with A, numbers with the largest; a second click turns the order.
  const isText = ["destination", "name"].includes(target.value);
  const ascends = head.ariaSort ? head.ariaSort === "descending" : isText;
  numbers.querySelector("th[aria-sort]").removeAttribute("aria-sort");
  head.ariaSort = ascends ? "ascending" : "descending";
  refresh();
});
forget.addEventListener("click", () => {
  sessionStorage.removeItem(key(shown.origin));
  forget.disabled = true;
  says.textContent = `${shown.place} is forgotten: the storage holds nothing of it. What is shown still works.`;
});
follow(show);

// What the pages share that draw what they have asked for as JSON: asking, saying so, drawing.

const count = (number) => number.toLocaleString("en");
const counted = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
const minutes = (number) => count(Math.round(number * 10) / 10 + 0).replace("-", "−");
const provenance = ({ computed_at, computed_by }) => `Computed at ${computed_at.slice(11, 19)} UTC by worker ${computed_by}.`;

const says = document.getElementById("says");
const choice = document.getElementById("choice");

// What the browser measures of the next answer from an address.
function measurement(address) {
  const asked = performance.now();
  return new Promise((resolve) => {
    const look = (list, observer) => {
      // What is told late may be about an answer before.
      const entry = list.getEntriesByName(address).find(({ startTime }) => startTime >= asked);
      if (!entry) return;
      observer.disconnect();
      resolve(entry);
    };
    new PerformanceObserver(look).observe({ type: "resource" });
  });
}

// The body of an answer, and its bytes as they travelled and unpacked, which some browsers do not
// tell. While the server computes, it is asked again.
async function ask(address, signal, away = "The server cannot be reached.") {
  for (;;) {
    const measured = measurement(address);
    let response, body;
    try {
      response = await fetch(address, { signal });
      body = await response.text();
    } catch {
      throw new Error(away);
    }
    if (response.ok && response.status !== 202) {
      const untold = new Promise((resolve) => setTimeout(resolve, 1000, {}));
      return { body, measured: Promise.race([measured, untold]) };
    }
    if (!response.ok) {
      const words = new DOMParser().parseFromString(body, "text/html").querySelector("[role=alert] p");
      throw new Error(words?.textContent ?? `The server answered with the status ${response.status}.`);
    }
    wait(JSON.parse(body).permille);
  }
}

// Shows how far the computation is.
function wait(permille) {
  const bar = document.getElementById("bar").content.cloneNode(true);
  if (!says.querySelector("progress")) says.replaceChildren("Computing… ", bar);
  if (permille !== null) says.querySelector("progress").value = permille;
}

// An address below that of the page, about an airport.
const below = (part, origin) => `${choice.action}/${part}?origin=${encodeURIComponent(origin)}`;

// Shows what is chosen, now and whenever that changes; the address follows. What is still asked for
// then is given up.
function follow(show) {
  const main = document.querySelector("main");
  let asking = new AbortController();
  const anew = async (origin) => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    document.querySelector("#run [role=alert]")?.remove();
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
    const chosen = new URLSearchParams(location.search).get("origin");
    origin.value = chosen ?? origin.querySelector("[selected]").value;
    anew(chosen ?? origin.value);
  });
  if (!document.querySelector("#run [role=alert]")) anew(origin.value);
}

// What cannot be shown is said, with a button that tries again.
function fail(words, again) {
  const alert = document.getElementById("failed").content.cloneNode(true);
  alert.querySelector("p").textContent = words;
  alert.querySelector("button").addEventListener("click", again);
  says.replaceChildren();
  says.after(alert);
}

// Has quadrant.js draw a figure anew, in the page's palette, once `change` has put numbers into it.
function redraw(figure, caption, change) {
  const script = figure.querySelector("script.figure");
  const drawn = JSON.parse(script.textContent);
  change(drawn.data[0], drawn.layout);
  script.textContent = JSON.stringify(drawn);
  figure.querySelector(".caption").textContent = caption;
  figure.querySelector(".plot").ariaLabel = `${figure.querySelector("h2").textContent}. ${caption}`;
  purge(figure);
  delete figure.dataset.drawn;
  draw();
}

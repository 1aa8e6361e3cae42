// Asks the server for JSON, and measures what it takes.
import { wait } from "./status.js";

// What the browser measures of the next answer from an address.
function measurement(address) {
  const asked = performance.now();
  return new Promise((resolve) => {
    const look = (list, observer) => {
      // An entry that comes late may be of an earlier answer.
      const entry = list.getEntriesByName(address).find(({ startTime }) => startTime >= asked);
      if (!entry) return;
      observer.disconnect();
      resolve(entry);
    };
    new PerformanceObserver(look).observe({ type: "resource" });
  });
}

// The body of an answer, and a promise of its bytes as they travelled and unpacked, which some
// browsers do not tell. While the server computes, it is asked again.
export async function ask(address, signal, away = "The server cannot be reached.") {
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

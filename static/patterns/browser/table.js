// The table of the destinations, and the order that its heads choose.
import { count, minutes } from "../words.js";
import { COLUMNS } from "./storage.js";

const numbers = document.getElementById("numbers");

const sorted = () => numbers.querySelector("th[aria-sort]");

// Compares two rows in the order of the table.
export function order(a, b) {
  const head = sorted();
  const [by, sign] = [head.firstChild.value, head.ariaSort === "ascending" ? 1 : -1];
  return sign * (a[by] > b[by] ? 1 : a[by] < b[by] ? -1 : 0);
}

export function tabulate(rows) {
  const miles = (number) => count(Math.round(number));
  const texts = { distance: miles, flights: count, mean: minutes, median: minutes, p90: minutes };
  numbers.tBodies[0].replaceChildren(...rows.map((row) => {
    const line = document.createElement("tr");
    for (const name of COLUMNS) line.insertCell().textContent = texts[name]?.(row[name]) ?? row[name];
    return line;
  }));
}

// Calls `show` whenever a head has chosen another order.
export function onOrder(show) {
  numbers.tHead.addEventListener("click", ({ target }) => {
    if (!target.value) return;
    const head = target.parentElement;
    // Texts begin with A, numbers with the largest; a second click turns the order.
    const isText = ["destination", "name"].includes(target.value);
    const ascends = head.ariaSort ? head.ariaSort === "descending" : isText;
    sorted().removeAttribute("aria-sort");
    head.ariaSort = ascends ? "ascending" : "descending";
    show();
  });
}

// The graph of the destinations: a bubble each, by distance and delay.
import { redraw } from "../../graphs/figure.js";
import { count, counted, minutes } from "../words.js";

const figure = document.getElementById("graph-stored");

// Draws some rows of a summary. `delay` is the metric in words.
export function plot(rows, summary, metric, delay) {
  figure.querySelector("h2").textContent = `${summary.place}: ${delay} by distance of the destination`;
  const flights = rows.reduce((sum, row) => sum + row.flights, 0);
  const all = counted(summary.rows.length, "destination");
  redraw(figure, `${count(rows.length)} of ${all}, with ${counted(flights, "flight")}.`, (trace, layout) => {
    const column = (name) => rows.map((row) => row[name]);
    [trace.x, trace.y, trace.marker.size] = ["distance", metric, "flights"].map(column);
    // Areas, as on the dashboard: the largest bubble of all has a diameter of 44 pixels.
    trace.marker.sizeref = 2 * Math.max(...summary.rows.map((row) => row.flights)) / 44 ** 2;
    trace.hovertext = rows.map(label);
    layout.yaxis.title.text = `Delay, ${metric} (min)`;
  });
}

// plotly.js reads a label as a little HTML.
function label({ destination, name, distance, flights, mean, median, p90 }) {
  const place = `${destination} · ${name}`.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt()};`);
  const delays = `mean ${minutes(mean)}, median ${minutes(median)}, p90 ${minutes(p90)} min`;
  return `${place}<br>${counted(flights, "flight")}, ${counted(Math.round(distance), "mile")}<br>delay: ${delays}`;
}

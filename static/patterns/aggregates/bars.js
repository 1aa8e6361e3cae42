// The three graphs: a bar for each day, for each hour, and for each range of delays.
import { redraw } from "../../graphs/figure.js";
import { count, minutes } from "../words.js";

// Where the bars of each aggregate stand, and what a bar counts, in words.
const GRAPHS = {
  days: { x: ({ date }) => date, words: ({ date }, at) => `on ${date[at]}` },
  hours: { x: ({ hour }) => hour, words: ({ hour }, at) => `in the hour from ${hour[at]}:00` },
  delays: {
    x: ({ from, to }) => from.map((edge, at) => (edge + to[at]) / 2),
    words: ({ from, to }, at) => `with a delay of ${minutes(from[at])} to ${minutes(to[at])} minutes`,
  },
};

// The names of the aggregates.
export const NAMES = Object.keys(GRAPHS);

// Draws all three.
export function plot(aggregates) {
  for (const name of NAMES) bars(name, aggregates[name], GRAPHS[name]);
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

// Counts the rows again in the browser, and compares them with the aggregates of the server.
import { minutes } from "../words.js";
import { NAMES } from "./bars.js";

// The same three aggregates as those that are shown, counted here.
export function recounted({ slices }, { days, hours, delays }) {
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
export function compared({ answer, counts, encoded }, shown) {
  const others = NAMES.filter((name) => JSON.stringify(counts[name]) !== JSON.stringify(shown[name]));
  const why = answer.v === shown.v ? "." : ", because the data has been replaced in between.";
  const same = others.length ? `They differ by ${others.join(" and ")}${why}` : "All three aggregates are equal to those that came.";
  const times = encoded && shown.encoded ? ` Every flight took ${minutes(encoded / shown.encoded)} times the bytes.` : "";
  return same + times;
}

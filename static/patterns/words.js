// Numbers as people read them.

export const count = (number) => number.toLocaleString("en");
export const counted = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
export const minutes = (number) => count(Math.round(number * 10) / 10 + 0).replace("-", "−");
export const provenance = ({ computed_at, computed_by }) => `Computed at ${computed_at.slice(11, 19)} UTC by worker ${computed_by}.`;

// What every page does beyond htmx: it draws the figures that arrive, keeps the focus through a swap,
// and shows that the server cannot be reached.
import { draw, purge, recolor } from "../graphs/figure.js";
import { holder, passOn } from "./focus.js";
import { repeat, unreachable } from "./failure.js";

function leave({ detail: { ctx, tasks = [] } }) {
  for (const { target, fragment } of tasks) {
    purge(target);
    repeat(fragment, ctx.request);
  }
  ctx.held = holder(ctx);
  ctx.place = tasks.find(({ target }) => target?.contains?.(ctx.held))?.target;
}

function land({ detail: { ctx } }) {
  draw();
  passOn(ctx.held, ctx.place);
}

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => { ctx.pressed = document.activeElement; });
document.addEventListener("htmx:before:swap", leave);
document.addEventListener("htmx:after:swap", land);
document.addEventListener("htmx:error", unreachable);
// Told to what asks again when the browser shows the page as it was.
addEventListener("pageshow", ({ persisted }) => {
  const [{ type }] = performance.getEntriesByType("navigation");
  if (persisted || type === "back_forward") document.dispatchEvent(new Event("restored"));
});
document.getElementById("plotly")?.addEventListener("load", draw);
addEventListener("load", () => {
  document.getElementById("undrawn")?.toggleAttribute("hidden", Boolean(window.Plotly));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
draw();

// Draws the figure of each fragment that arrives, in the page's palette, passes the focus on to what
// takes the place of its holder, and says when nothing can arrive. All else is htmx.

// The palette lives in quadrant.css; traces name no colors, so a template gives them theirs:
// flights are blue, delays are orange, in all four graphs.
function palette() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const [flights, delay, ink, muted, line, panel] =
    ["flights", "delay", "ink", "muted", "line", "panel"].map(color);
  const title = { standoff: 6, font: { size: 12 } };
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, title };
  const lines = [{ line: { color: delay }, opacity: 0.75 }, { line: { color: delay } }];
  return {
    data: {
      bar: [{ marker: { color: flights, line: { width: 0 } } }],
      scatter: lines.map((look) => ({ ...look, marker: { color: flights, line: { color: panel } }, error_y: { color: delay } })),
      heatmap: [{ colorscale: [[0, flights], [0.5, color("even")], [1, delay]] }],
    },
    layout: {
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      font: { family: style.fontFamily, size: 12, color: muted },
      xaxis: axis,
      yaxis: axis,
      hoverlabel: { bgcolor: panel, bordercolor: line, font: { color: ink } },
      modebar: { bgcolor: "transparent", color: muted, activecolor: ink },
      shapedefaults: { line: { color: delay } },
      annotationdefaults: { font: { color: ink }, bgcolor: panel },
    },
  };
}

// Fragments may arrive before plotly.js, which is large: then its own arrival draws them.
function draw() {
  if (!window.Plotly) return;
  for (const graph of document.querySelectorAll("figure.graph:not([data-drawn])")) {
    graph.dataset.drawn = "";
    const { data, layout, config } = JSON.parse(graph.querySelector("script.figure").textContent);
    Plotly.newPlot(graph.querySelector(".plot"), data, { ...layout, template: palette() }, config);
  }
}

// plotly.js holds on to an element that leaves the page, unless it is told.
function purge(element) {
  element?.querySelectorAll?.(".js-plotly-plot").forEach((plot) => Plotly.purge(plot));
}

// What has the focus, or had it until its own request disabled it.
function holder(ctx) {
  const { activeElement, body } = document;
  return activeElement === body && ctx.pressed?.disabled ? ctx.pressed : activeElement;
}

// Whoever had the focus on what has gone has it in the same place: on the button of the same words,
// on what is marked to take it, or on the place itself.
function passOn(held, place) {
  if (!place || document.activeElement !== document.body) return;
  const buttons = [...place.querySelectorAll("a, button, summary")];
  const same = buttons.filter(({ textContent }) => textContent === held.textContent);
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  [...same, ...place.querySelectorAll("[data-takes-focus]"), place].some((heir) => {
    heir.focus({ preventScroll: true });
    return heir === document.activeElement;
  });
}

// "Try again" repeats the request that has failed; its address alone would be read.
function repeat(fragment, { method, action, body } = {}) {
  const button = fragment?.querySelector?.("[role=alert] button[data-hx-get]");
  if (!button || method !== "POST") return;
  button.removeAttribute("data-hx-get");
  button.dataset.hxPost = action;
  button.dataset.hxVals = JSON.stringify(Object.fromEntries(body));
}

function leave({ detail: { ctx, tasks = [] } }) {
  tasks.forEach(({ target, fragment }) => {
    purge(target);
    repeat(fragment, ctx.request);
  });
  ctx.held = holder(ctx);
  ctx.place = tasks.find(({ target }) => target?.contains?.(ctx.held))?.target;
}

// A server that cannot be reached sends no fragment to say so; the page has brought one.
function unreachable({ detail: { ctx } }) {
  const slot = ctx?.target?.closest("[data-slot]");
  if (!slot) return;
  const alert = document.getElementById("unreachable").content.cloneNode(true);
  alert.querySelector("button").dataset.hxGet = ctx.request.action;
  repeat(alert, ctx.request);
  const held = holder(ctx);
  const place = slot.contains(held) ? slot : null;
  purge(slot);
  slot.replaceChildren(alert);
  htmx.process(slot);
  passOn(held, place);
}

document.addEventListener("htmx:error", unreachable);
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => { ctx.pressed = document.activeElement; });
document.addEventListener("htmx:before:swap", leave);
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  draw();
  passOn(ctx.held, ctx.place);
});
document.getElementById("plotly")?.addEventListener("load", draw);
addEventListener("load", () => {
  document.getElementById("undrawn")?.toggleAttribute("hidden", Boolean(window.Plotly));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.relayout(plot, { template: palette() }));
});
draw();

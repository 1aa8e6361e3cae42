// Draws the figure of each fragment that arrives, in the page's palette. All else is htmx.

// The palette lives in quadrant.css; traces name no colors, so a template gives them theirs:
// flights are blue, delays are orange, in all four graphs.
function palette() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const [flights, delay, ink, muted, line, panel] =
    ["flights", "delay", "ink", "muted", "line", "panel"].map(color);
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line };
  const lines = [{ line: { color: delay }, opacity: 0.75 }, { line: { color: delay } }];
  return {
    data: {
      bar: [{ marker: { color: flights, line: { width: 0 } } }],
      scatter: lines.map((look) => ({ ...look, marker: { color: flights, line: { color: panel } } })),
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
function purge(event) {
  for (const { target } of event.detail.tasks ?? []) {
    target?.querySelectorAll?.(".js-plotly-plot").forEach((plot) => Plotly.purge(plot));
  }
}

document.addEventListener("htmx:before:swap", purge);
document.addEventListener("htmx:after:swap", draw);
document.getElementById("plotly").addEventListener("load", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.relayout(plot, { template: palette() }));
});
draw();

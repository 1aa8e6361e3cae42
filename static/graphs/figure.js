// Draws the figures that are in the page, with plotly.js, which is a script of its own.
import { palette } from "./palette.js";

// Draws what is not drawn yet. Fragments may arrive before plotly.js, which is large: its own arrival
// draws them then.
export function draw() {
  if (!window.Plotly) return;
  for (const graph of document.querySelectorAll("figure.graph:not([data-drawn])")) {
    graph.dataset.drawn = "";
    const { data, layout, config } = JSON.parse(graph.querySelector("script.figure").textContent);
    window.Plotly.newPlot(graph.querySelector(".plot"), data, { ...layout, template: palette() }, config);
  }
}

// plotly.js holds on to an element that leaves the page, unless it is purged.
export function purge(element) {
  element?.querySelectorAll?.(".js-plotly-plot").forEach((plot) => window.Plotly.purge(plot));
}

// Draws a figure again, once `change` has put numbers into its first trace and its layout.
export function redraw(figure, caption, change) {
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

// Gives every graph the colors that the page has now.
export function recolor() {
  document.querySelectorAll(".js-plotly-plot").forEach((plot) => window.Plotly.relayout(plot, { template: palette() }));
}

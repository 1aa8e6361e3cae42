// The colors of a graph. They live in the style sheet and follow its light and dark schemes. Traces
// name no colors, so a template gives them theirs: flights are blue, delays are orange.

export function palette() {
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

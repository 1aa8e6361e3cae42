"""The same four graphs in Dash with Flask-Caching, as the Dash documentation shares data.

`global_store` computes what all four graphs need for one airport and is memoized on the file
system, for all processes. The callback of the signal calls it; the four graph callbacks, which the
signal starts, call it again and find its value. Each caller that the benchmark plays sends these
five requests. Settings come from the environment: DATASET (the data file), CACHE_DIR (where
Flask-Caching keeps its files) and COMPUTED (a file that gets a line for each computation).

    DATASET=data/flights.parquet CACHE_DIR=/tmp/cache COMPUTED=/tmp/computed \\
        gunicorn --pythonpath benches/peers --workers 6 --bind 127.0.0.1:8050 app:server
"""

import datetime
import json
import os

import dash
import polars as pl
from dash import Input, Output, callback, dcc, html
from flask_caching import Cache
from polars_selection import FIRST, STEP, frames

DATASET = os.environ["DATASET"]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
METRICS = ["mean", "median", "p90"]

app = dash.Dash(__name__)
server = app.server
cache = Cache(
    server,
    config={
        "CACHE_TYPE": "FileSystemCache",
        "CACHE_DIR": os.environ["CACHE_DIR"],
        "CACHE_DEFAULT_TIMEOUT": 86400,
    },
)
contents = json.loads(pl.read_parquet_metadata(DATASET)["quadrant.1"])
airports = contents["airports"]
places = {airport["code"]: place for place, airport in enumerate(airports)}
days = [
    datetime.date(1970, 1, 1) + datetime.timedelta(days=contents["first_day"] + day)
    for day in range(contents["days"])
]

graphs = ["daily", "distribution", "rhythm", "destinations"]
app.layout = html.Div(
    [dcc.Store(id="origin", data="ALL"), dcc.Store(id="metric", data="mean"), dcc.Store(id="signal")]
    + [dcc.Graph(id=graph) for graph in graphs]
)


@cache.memoize()
def global_store(origin):
    """The frames of all four graphs, with all three metrics."""
    with open(os.environ["COMPUTED"], "a") as log:
        log.write(f"{origin}\n")
    flights = pl.scan_parquet(DATASET)
    if origin != "ALL":
        # The rows of an airport are one range, which the metadata tells.
        airport = airports[places[origin]]
        flights = flights.slice(airport["first"], airport["flights"])
    computed = frames(flights)
    computed[1] = computed[1].with_columns(
        [pl.col(metric).rolling_mean(7).alias(f"{metric}_7d") for metric in METRICS]
    )
    return computed


@callback(Output("signal", "data"), Input("origin", "data"))
def compute_value(origin):
    global_store(origin)
    return origin


@callback(Output("daily", "figure"), Input("signal", "data"), Input("metric", "data"))
def daily(origin, metric):
    frame = global_store(origin)[1]
    dates = [days[day] for day in frame["day"]]
    line = {"type": "scatter", "mode": "lines", "x": dates, "yaxis": "y2"}
    return {
        "data": [
            {"type": "bar", "x": dates, "y": frame["flights"].to_list(), "name": "Flights"},
            {**line, "y": frame[metric].to_list(), "name": "Delay"},
            {**line, "y": frame[f"{metric}_7d"].to_list(), "name": "7-day rolling mean"},
        ],
        "layout": {"yaxis": {"domain": [0, 0.3]}, "yaxis2": {"domain": [0.38, 1]}},
    }


@callback(Output("distribution", "figure"), Input("signal", "data"))
def distribution(origin):
    computed = global_store(origin)
    summary, bins = computed[0].row(0, named=True), computed[2]
    lines = [{"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": at, "x1": at}
             for at in (summary["median"], summary["p90"], summary["p99"])]
    middle = [low + STEP / 2 for low in bins["from"]]
    bars = {"type": "bar", "x": middle, "y": bins["flights"].to_list(), "name": "Flights"}
    return {"data": [bars], "layout": {"shapes": lines}}


@callback(Output("rhythm", "figure"), Input("signal", "data"), Input("metric", "data"))
def rhythm(origin, metric):
    frame = global_store(origin)[3]
    rows, says = [[None] * 24 for _ in WEEKDAYS], [[""] * 24 for _ in WEEKDAYS]
    for hour, flights, delay in zip(frame["hour"], frame["flights"], frame[metric]):
        rows[hour // 24][hour % 24] = delay
        weekday = WEEKDAYS[hour // 24]
        says[hour // 24][hour % 24] = f"{weekday} {hour % 24:02}:00<br>{delay:.1f} min<br>{flights} flights"
    trace = {"type": "heatmap", "x": list(range(24)), "y": WEEKDAYS, "z": rows, "hovertext": says}
    return {"data": [trace], "layout": {}}


@callback(Output("destinations", "figure"), Input("signal", "data"), Input("metric", "data"))
def destinations(origin, metric):
    frame = global_store(origin)[4]
    says = [
        f"{airports[row['destination']]['code']} · {airports[row['destination']]['name']}<br>"
        f"{row['flights']} flights, mean {row['mean']:.1f}, median {row['median']:.1f}, "
        f"p90 {row['p90']:.1f} min"
        for row in frame.iter_rows(named=True)
    ]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": frame["distance"].to_list(),
        "y": frame[metric].to_list(),
        "hovertext": says,
        "marker": {"size": frame["flights"].to_list(), "sizemode": "area"},
    }
    return {"data": [trace], "layout": {}}

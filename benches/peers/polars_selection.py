"""What a selection costs in polars from Python: the same numbers, from the same file.

    python polars_selection.py FILE RUNS ORIGIN...

One line an origin, in milliseconds: `ATL: first 25.1, median 21.7 ms (15 runs)`. The first run is
not among those of the median. Only the first origin finds the process fresh.
"""

import json
import statistics
import sys
import time

import polars as pl

# The bins of the distribution: edges in minutes of delay. Flights beyond are in the end bins.
FIRST, LAST, STEP = -60, 240, 5


def selection(path, airports, origin):
    """The frames of all four graphs, and the numbers of the distribution's lines."""
    flights = pl.scan_parquet(path)
    if origin != "ALL":
        # The rows of an airport are one range, which the metadata tells.
        airport = next(airport for airport in airports if airport["code"] == origin)
        flights = flights.slice(airport["first"], airport["flights"])
    delay = pl.col("delay")
    metrics = [
        pl.len().alias("flights"),
        delay.mean().alias("mean"),
        delay.median().alias("median"),
        delay.quantile(0.9, "linear").alias("p90"),
    ]
    step = (delay.clip(FIRST, LAST - 1) - FIRST) // STEP * STEP + FIRST
    return pl.collect_all([
        flights.select(*metrics, delay.quantile(0.99, "linear").alias("p99")),
        flights.group_by("day").agg(metrics).sort("day"),
        flights.group_by(step.alias("from")).agg(pl.len().alias("flights")).sort("from"),
        flights.group_by("hour").agg(metrics).sort("hour"),
        flights.group_by("destination")
        .agg(pl.col("distance").mean(), *metrics)
        .sort("destination"),
    ])


def main(path, runs, *origins):
    airports = json.loads(pl.read_parquet_metadata(path)["quadrant.1"])["airports"]
    for origin in origins:
        times = []
        for _ in range(int(runs) + 1):
            started = time.perf_counter()
            selection(path, airports, origin)
            times.append((time.perf_counter() - started) * 1000)
        median = statistics.median(times[1:])
        print(f"{origin}: first {times[0]:.1f}, median {median:.1f} ms ({runs} runs)")


if __name__ == "__main__":
    main(*sys.argv[1:])

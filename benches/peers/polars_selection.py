"""What a selection costs in polars from Python: the same numbers, from the same file.

    python polars_selection.py FILE RUNS ORIGIN...

One line for each origin: `polars ATL: first 25.1 ms, then median 21.7 ms (15 runs)`. The median is
that of the later runs. Only the first origin is computed in a fresh process.
"""

import json
import statistics
import sys
import time

import polars as pl

# The bins of the distribution: edges in minutes of delay. Flights beyond are in the end bins.
FIRST, LAST, STEP = -60, 240, 5


def selection(path, airports, origin):
    """The numbers of all four graphs for one airport."""
    flights = pl.scan_parquet(path)
    if origin != "ALL":
        flights = flights.filter(pl.col("origin") == airports.index(origin))
    return frames(flights)


def frames(flights):
    """The numbers of all four graphs, and of the lines in the distribution."""
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
    contents = json.loads(pl.read_parquet_metadata(path)["quadrant.1"])
    airports = [airport["code"] for airport in contents["airports"]]
    for origin in origins:
        times = []
        for _ in range(int(runs) + 1):
            started = time.perf_counter()
            selection(path, airports, origin)
            times.append((time.perf_counter() - started) * 1000)
        median = statistics.median(times[1:])
        print(f"polars {origin}: first {times[0]:.1f} ms, then median {median:.1f} ms ({runs} runs)")


if __name__ == "__main__":
    main(*sys.argv[1:])

#!/usr/bin/env python3
"""How fast nightbill's scan is beside other engines: sum(seconds) and count(*) by account, app, day in UTC+8 and tier
(or also by five-minute period) over one day of usage, on the same files, in one run.

    python3 -m venv target/compare/venv && target/compare/venv/bin/pip install duckdb polars
    target/compare/venv/bin/python benches/compare.py          # 200 million rows in two layouts; 1.5 GB of disk

Every engine runs in a process of its own with as many threads as there are cores. First all come to the same sums,
group by group, or the script ends; of several ways to ask DuckDB and polars the fastest is then taken as their best.
Of DuckDB three more are timed: `integer days`, which knows nothing of the files, the same grouped by tier row by row, and
`natural`, as one writes it first.
Then each runs once a round, one after another, so that all see the same neighbours. Shown are medians; ratios are the
median over the rounds of (engine / nightbill in the same round). Files come from the page cache: they are read once before
each run. Timed is the query
alone: not the start of the process, not the import of a library, not the comparing. CPU seconds are user and system
time of all threads meanwhile, memory is the peak of resident memory of the whole process (an idle Python is 10 MB of
it). DuckDB and polars are spared what nightbill checks in each row: known account, range of keys and seconds,
partition, rejects.

Prints Markdown: docs/performance.md has a copy. Linux, Python 3.11 or later, a Rust toolchain.
"""

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from scale import machine, megabytes, print_table

ROOT = Path(__file__).resolve().parent.parent
DAY = date(2024, 10, 11)
DAYS = (DAY - date(1970, 1, 1)).days
UTC_OFFSET_MS = 8 * 3_600_000  # Asia/Shanghai
DAY_MS = 86_400_000
PERIOD_MS = 300_000
PERIODS_A_DAY = DAY_MS // PERIOD_MS
START_MS = DAYS * DAY_MS - UTC_OFFSET_MS
LAYOUTS = ["time", "sorted"]
PERIODS = ["day", "5min"]


def catalog() -> list[dict]:
    """The catalog's meters: raw usage -> item and tier."""
    return tomllib.loads((ROOT / "jobs/catalog/trtc.toml").read_text())["meter"]


# --- DuckDB -----------------------------------------------------------------------------------------------------


def sql_tier(meter: str, pixels: str) -> str:
    cases = []
    for entry in catalog():
        *bounded, last = [(tier["max_pixels"], f"'{entry['item']}.{tier['tier']}'") for tier in entry["tiers"]]
        tiers = " ".join(f"WHEN coalesce({pixels}, 0) <= {bound} THEN {tier}" for bound, tier in bounded)
        cases.append(f"WHEN '{entry['id']}' THEN CASE {tiers} ELSE {last[1]} END")
    return f"CASE {meter} {' '.join(cases)} END"


def sql_mapped_last(raw: str, day: str, period: str) -> str:
    """Groups by meter and pixels as they are, then maps the few groups to tiers and adds them up."""
    return f"""
        SELECT account_id, sdk_app_id, {day} AS day, {sql_tier('meter', 'pixels')} AS tier, {period} AS period,
               sum(seconds) AS seconds, sum(rows) AS rows
        FROM ({raw}) GROUP BY ALL"""


def duckdb_queries(usage: str, period: str) -> dict[str, str]:
    """By name; each gives account_id, sdk_app_id, day (days since 1970), tier, period, seconds, rows."""
    source = f"read_parquet('{usage}', hive_partitioning = false)"
    sums = "sum(seconds) AS seconds, count(*) AS rows"
    local = f"(epoch_us(ts) + {UTC_OFFSET_MS * 1000})"
    if period == "day":
        bucket = f"{local} // {DAY_MS * 1000}"
        day, number = "bucket", "0"
        within = "0"
    else:
        bucket = f"{local} // {PERIOD_MS * 1000}"
        day, number = f"bucket // {PERIODS_A_DAY}", f"bucket % {PERIODS_A_DAY}"
        within = f"(epoch_us(ts) - {START_MS * 1000}) // {PERIOD_MS * 1000}"
    one_day = f"ts >= make_timestamptz({START_MS * 1000}) AND ts < make_timestamptz({(START_MS + DAY_MS) * 1000})"
    queries = {
        "integer days": sql_mapped_last(
            f"SELECT account_id, sdk_app_id, {bucket} AS bucket, meter, pixels, {sums} FROM {source} GROUP BY ALL",
            day, number,
        ),
        "one day filtered": sql_mapped_last(
            f"SELECT account_id, sdk_app_id, {within} AS bucket, meter, pixels, {sums} FROM {source} "
            f"WHERE {one_day} GROUP BY ALL",
            str(DAYS), "bucket",
        ),
        "integer days, tier by row": f"""
            SELECT account_id, sdk_app_id, {day} AS day, tier, {number} AS period, seconds, rows FROM (
                SELECT account_id, sdk_app_id, {bucket} AS bucket, {sql_tier('meter', 'pixels')} AS tier, {sums}
                FROM {source} GROUP BY ALL)""",
    }
    if period == "day":
        queries["natural"] = f"""
            SELECT account_id, sdk_app_id, (ts AT TIME ZONE 'Asia/Shanghai')::DATE - DATE '1970-01-01' AS day,
                   {sql_tier('meter', 'pixels')} AS tier, 0 AS period, {sums}
            FROM {source} GROUP BY ALL"""
    return queries


def run_duckdb(query: str, usage: str, period: str, threads: int, wants_digest: bool) -> dict:
    import duckdb

    connection = duckdb.connect(config={"threads": threads})
    # None of it changes the result; without a progress bar and an order to keep it is faster, if anything.
    connection.execute("SET enable_progress_bar = false; SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    statement = f"CREATE TEMP TABLE result AS {duckdb_queries(usage, period)[query]}"
    took = timed(lambda: connection.execute(statement))
    took["version"] = f"DuckDB {duckdb.__version__}"
    if wants_digest:
        columns = "account_id, sdk_app_id, tier, period, seconds, rows, day"
        took["digest"] = digest_of(connection.execute(f"SELECT {columns} FROM result").fetchall())
    return took


# --- polars -----------------------------------------------------------------------------------------------------

POLARS_QUERIES = ["integer days", "one day filtered", "integer days, tier by row"]


def polars_queries(usage: str, period: str) -> dict:
    """By name; columns as of DuckDB's."""
    import polars as pl

    def tier() -> pl.Expr:
        mapped = pl
        for entry in catalog():
            is_meter = pl.col("meter") == entry["id"]
            for position, bound in enumerate(entry["tiers"]):
                is_last = position + 1 == len(entry["tiers"])
                within = is_meter if is_last else is_meter & (pl.col("pixels").fill_null(0) <= bound["max_pixels"])
                mapped = mapped.when(within).then(pl.lit(f"{entry['item']}.{bound['tier']}"))
        return mapped.alias("tier")

    keys = ["account_id", "sdk_app_id"]
    rows = pl.scan_parquet(usage, hive_partitioning=False)
    # polars sums 32-bit integers in 32 bits, which can wrap.
    sums = [pl.col("seconds").cast(pl.Int64).sum(), pl.len().cast(pl.Int64).alias("rows")]
    add_up = [pl.col("seconds").sum(), pl.col("rows").sum()]
    ms = pl.col("ts").to_physical()
    size = DAY_MS if period == "day" else PERIOD_MS
    bucket = ((ms + UTC_OFFSET_MS) // size).alias("bucket")
    if period == "day":
        of_bucket = [pl.col("bucket").alias("day"), pl.lit(0).alias("period")]
    else:
        day, number = pl.col("bucket") // PERIODS_A_DAY, pl.col("bucket") % PERIODS_A_DAY
        of_bucket = [day.alias("day"), number.alias("period")]
    one_day = (ms >= START_MS) & (ms < START_MS + DAY_MS)
    if period == "day":
        within, of_filtered = [], [pl.lit(DAYS).alias("day"), pl.lit(0).alias("period")]
    else:
        within, of_filtered = [bucket], of_bucket

    def mapped_last(rows: pl.LazyFrame, by: list[pl.Expr], day_and_period: list[pl.Expr]) -> pl.LazyFrame:
        raw = rows.group_by(*keys, *by, "meter", "pixels").agg(sums)
        return raw.with_columns(tier(), *day_and_period).group_by(*keys, "day", "tier", "period").agg(add_up)

    plans = [
        mapped_last(rows, [bucket], of_bucket),
        mapped_last(rows.filter(one_day), within, of_filtered),
        rows.group_by(*keys, bucket, tier()).agg(sums).with_columns(of_bucket),
    ]
    return dict(zip(POLARS_QUERIES, plans))


def run_polars(query: str, usage: str, period: str, threads: int, wants_digest: bool) -> dict:
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    plan = polars_queries(usage, period)[query]
    results = []
    took = timed(lambda: results.append(plan.collect(engine="streaming")))
    took["version"] = f"polars {pl.__version__}"
    if wants_digest:
        columns = ["account_id", "sdk_app_id", "tier", "period", "seconds", "rows", "day"]
        took["digest"] = digest_of(results[0].select(columns).rows())
    return took


# --- what every engine has in common ----------------------------------------------------------------------------


def timed(work) -> dict:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Not ru_maxrss, which a process has from the one that started it.
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_bytes": peak}


def digest_of(groups: list[tuple]) -> str:
    """As `cargo bench --bench scan -- --digest` has it."""
    if any(group[-1] != DAYS for group in groups):
        sys.exit(f"there are rows of other days than {DAY}")
    lines = sorted(tuple(group[:-1]) for group in groups)
    text = "".join(f"{','.join(map(str, line))}\n" for line in lines)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Engine:
    """A way to get the sums, and what it took in each round."""

    name: str
    query: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)


@dataclass
class Case:
    """One layout, by day or by five-minute period."""

    layout: str
    period: str
    rows: int
    groups: int
    engines: list[Engine]


def read_files(directory: Path) -> None:
    """A busy machine, or one that frees what is not used, may have dropped them from its page cache."""
    buffer = bytearray(1 << 20)
    for path in sorted(directory.glob("usage/*/*.parquet")):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def run_engine(
    engine: str, query: str, directory: Path, period: str, scan: str, threads: int, wants_digest: bool = False
) -> dict:
    """Once, in a process of its own, with the files in the page cache; `scan` is the benchmark's program."""
    read_files(directory)
    if engine == "nightbill":
        command = [scan, str(directory), "--period", period, "--threads", str(threads),
                   "--rounds", "1", "--warm-up", "0", "--json", *(["--digest"] if wants_digest else [])]
    else:
        command = [sys.executable, __file__, "--worker", engine, query, str(directory / "usage/*/*.parquet"), period,
                   str(threads), "digest" if wants_digest else ""]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{process.stdout}{process.stderr}")
    document = json.loads(process.stdout)
    if engine == "nightbill":
        (case,) = document["cases"]
        return {
            "seconds": case["seconds"][0], "cpu_seconds": case["cpu_seconds"][0],
            "peak_bytes": document["peak_memory_bytes"], "digest": case["digest"],
            "version": f"nightbill {document['version']}", "rows": case["rows"], "groups": case["groups"],
        }
    return document


def prepare(layout: str, period: str, chosen, versions: set[str]) -> Case:
    """Checks that all come to the same sums, and takes the fastest query of each engine."""
    where = (chosen.data / layout, period, chosen.scan, chosen.threads)
    own = run_engine("nightbill", "", *where, wants_digest=True)
    versions.add(own["version"])
    engines = [Engine("nightbill", "scan")]
    for engine in ["duckdb", "polars"]:
        queries = duckdb_queries("", period) if engine == "duckdb" else POLARS_QUERIES
        tried = {}
        for query in queries:
            took = run_engine(engine, query, *where, wants_digest=True)
            if took["digest"] != own["digest"]:
                sys.exit(f"{engine}, {query}: other sums than nightbill's on {where[0]} by {period}")
            versions.add(took["version"])
            tried[query] = took["seconds"]
        best = min(tried, key=tried.get)
        note = ", ".join(f"{query} {seconds:.2f} s" for query, seconds in tried.items())
        print(f"{layout} by {period}, {engine}: same sums; {note}", file=sys.stderr, flush=True)
        engines.append(Engine(engine, best))
        shown_too = ["integer days", "integer days, tier by row", "natural"] if engine == "duckdb" else []
        engines += [Engine(engine, query) for query in shown_too if query in tried and query != best]
    return Case(layout, period, own["rows"], own["groups"], engines)


def measure(cases: list[Case], chosen) -> None:
    for round_ in range(chosen.rounds):
        for case in cases:
            for engine in case.engines:
                where = (chosen.data / case.layout, case.period, chosen.scan, chosen.threads)
                took = run_engine(engine.name, engine.query, *where)
                engine.seconds.append(took["seconds"])
                engine.cpu_seconds.append(took["cpu_seconds"])
                engine.peak_bytes.append(took["peak_bytes"])
        print(f"round {round_ + 1} of {chosen.rounds}: done", file=sys.stderr, flush=True)


def table_rows(case: Case) -> list[list[str]]:
    own = case.engines[0]

    def ratio(mine: list[float], theirs: list[float]) -> str:
        # CPU time is counted in steps of 10 ms: so small a sample tells no ratio.
        return f"{statistics.median(their / my for my, their in zip(mine, theirs)):.1f}" if all(mine) else "-"

    return [
        [case.layout, case.period, engine.name, engine.query, f"{statistics.median(engine.seconds):.2f}",
         f"{statistics.median(engine.cpu_seconds):.2f}", megabytes(max(engine.peak_bytes)),
         ratio(own.seconds, engine.seconds), ratio(own.cpu_seconds, engine.cpu_seconds)]
        for engine in case.engines
    ]


@dataclass
class Programs:
    """What is built here."""

    nightbill: str
    scan: str


def build() -> Programs:
    """The program, which makes the samples, and the benchmark of the scan."""
    command = ["cargo", "bench", "--locked", "--bench", "scan", "--no-run", "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in built.splitlines()]
    programs = {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}
    return Programs(nightbill=programs["nightbill"], scan=programs["scan"])


def make_sample(nightbill: str, directory: Path, layout: str, rows: int, *options: str) -> None:
    """A day of usage, unless it is there."""
    if (directory / "job.toml").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [nightbill, "sample", directory, "--accounts", "20000", "--rows", str(rows), "--files-per-day", "16",
         "--layout", layout, "--from", str(DAY), "--quiet", *options],
        check=True,
    )


def work(engine: str, query: str, usage: str, period: str, threads: str, digest: str) -> None:
    """What a process of DuckDB or polars does."""
    run = run_duckdb if engine == "duckdb" else run_polars
    print(json.dumps(run(query, usage, period, int(threads), bool(digest))))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("target/compare/data"), help="has or gets the samples")
    arguments.add_argument("--rows", type=int, default=200_000_000, help="of the samples, where they have to be made")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    arguments.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS)
    arguments.add_argument("--periods", nargs="+", choices=PERIODS, default=PERIODS)
    arguments.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.worker:
        return work(*chosen.worker)

    programs = build()
    chosen.scan = programs.scan
    for layout in chosen.layouts:
        make_sample(programs.nightbill, chosen.data / layout, layout, chosen.rows)
    described, versions = machine(), set()
    cases = [prepare(layout, period, chosen, versions) for layout in chosen.layouts for period in chosen.periods]
    measure(cases, chosen)
    print(f"{described}; {chosen.threads} threads; median of {chosen.rounds} rounds; {', '.join(sorted(versions))}\n")
    for case in cases:
        size = sum(file.stat().st_size for file in (chosen.data / case.layout / "usage").rglob("*.parquet"))
        print(f"* {case.layout}, {case.period}: {case.rows:,} rows, {megabytes(size)}, {case.groups:,} groups")
    print_table(
        ["layout", "by", "engine", "query", "s", "CPU s", "peak memory", "time / nightbill's", "CPU / nightbill's"],
        [row for case in cases for row in table_rows(case)],
    )


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How long it takes and how much memory to read a month of relay samples, of screenshots and of logins, 100 million rows
each, and what the night of the month's last day takes with them.

    cargo build --release --locked && target/ci/venv/bin/python benches/measured.py      # 6 GB of disk, needs pyarrow and numpy

Prints Markdown: docs/performance.md has a copy. One run per input, on as many threads as the machine has cores or
RAYON_NUM_THREADS says; memory is the peak of resident memory that the kernel counted, of the whole run. With --check the
figures are compared with those of DuckDB. Linux, Python 3.9 or later.
"""

from __future__ import annotations

import argparse
import datetime
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from scale import run

# What makes and checks files runs in processes of its own: the kernel counts what a parent held at the fork as memory of the
# command that it measures.
if __name__ == "__mp_main__":
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

MONTH = [f"2024-10-{day:02}" for day in range(1, 32)]
LAST = MONTH[-1]
# 2024-10-01 00:00:00 in Shanghai, in milliseconds.
START = 1_727_712_000_000
DAY = 86_400_000
ACCOUNTS = 20_000
APPS_PER_ACCOUNT = 3
ROW_GROUP = 1 << 20
CATALOG = Path(__file__).resolve().parent.parent / "jobs/catalog/trtc.toml"

JOB = """name = "measured"
timezone = "Asia/Shanghai"
billing_time = "10:00"
catalog = "catalog.toml"
output = "file:out-{name}"

[inputs]
usage = {{ url = "file:usage", shape = "daily" }}
accounts = "file:accounts.csv"
packages = "file:packages.csv"
payments = "file:payments.csv"
{input} = "file:{name}"
"""


def write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=ROW_GROUP, compression="zstd", compression_level=1)


def accounts_and_apps(random: np.random.Generator, rows: int) -> tuple:
    """Few accounts have most rows (Zipf), and each has some apps."""
    account = np.minimum(random.zipf(1.3, rows), ACCOUNTS).astype(np.int64)
    app = account * 10 + random.integers(1, APPS_PER_ACCOUNT + 1, rows)
    return account, app


def times(random: np.random.Generator, rows: int) -> np.ndarray:
    """Milliseconds of a day, in order."""
    return np.sort(random.integers(0, DAY, rows))


def texts(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pc.cast(pa.array(numbers), pa.string()), "-")


# Each makes the rows of a day; those of other days are the same but for their times, and what `redraw` draws again.


def relay(random: np.random.Generator, rows: int) -> dict:
    account, app = accounts_and_apps(random, rows)
    # Some tasks of an account at a time, with ids like those of a tracing system.
    return {
        "account_id": account, "sdk_app_id": app, "task_id": texts("task", account * 1_000 + random.integers(0, 200, rows)),
        "ts": times(random, rows), "kbps": random.integers(200, 4_000, rows).astype(np.int32),
        "destination": pa.array(np.where(random.random(rows) < 0.7, "css", "third_party")).dictionary_encode(),
    }  # fmt: skip


def relay_worst(random: np.random.Generator, rows: int) -> dict:
    """Every row is a task of its own."""
    columns = relay(random, rows)
    columns["task_id"] = np.arange(rows, dtype=np.int64)
    return columns


def screenshots(random: np.random.Generator, rows: int) -> dict:
    account, app = accounts_and_apps(random, rows)
    images = random.integers(1, 5, rows).astype(np.int32)
    return {"account_id": account, "sdk_app_id": app, "ts": times(random, rows), "images": images}


def logins(random: np.random.Generator, rows: int) -> dict:
    """Users of whom most come back day after day."""
    account, app = accounts_and_apps(random, rows)
    users = texts("user", random.integers(0, 2_000_000, rows))
    return {"account_id": account, "sdk_app_id": app, "ts": times(random, rows), "user_id": users}


def logins_worst(random: np.random.Generator, rows: int) -> dict:
    """Nobody comes twice."""
    columns = logins(random, rows)
    columns["user_id"] = np.arange(rows, dtype=np.int64)
    return columns


def redraw(columns: dict, random: np.random.Generator, day: int, is_worst: bool) -> dict:
    columns = dict(columns)
    columns["ts"] = pa.array(START + day * DAY + columns["ts"], pa.timestamp("ms", tz="UTC"))
    for name, least, most in [("kbps", 200, 4_000), ("images", 1, 5)]:
        if name in columns:
            columns[name] = random.integers(least, most, len(columns[name])).astype(np.int32)
    for name in ["task_id", "user_id"]:
        if name in columns and is_worst:
            columns[name] = columns[name] + day * (1 << 32)
    return columns


# name, input, what it is, how a day's rows are made, whether no two rows are of the same task or user, whether all are of one day
CASES = [
    ("relay", "relay", "relay: samples of tasks, a month", relay, False, False),
    ("relay-worst", "relay", "relay: no two rows of one task, all on one day", relay_worst, True, True),
    ("screenshots", "screenshots", "screenshots, a month", screenshots, False, False),
    ("logins", "logins", "logins: users who come back, text ids, a month", logins, False, False),
    ("logins-worst", "logins", "logins: no user comes twice, integer ids, a month", logins_worst, True, False),
]


def prepare(directory: Path) -> None:
    directory.mkdir(parents=True)
    shutil.copy(CATALOG, directory / "catalog.toml")
    lines = ["account_id,registered_at,payg"]
    lines += [f"{account},2024-01-01T00:00:00+08:00,on" for account in range(1, ACCOUNTS + 1)]
    (directory / "accounts.csv").write_text("\n".join(lines) + "\n")
    (directory / "packages.csv").write_text("package_id,account_id,apps,plan,purchased_at\n")
    (directory / "payments.csv").write_text("payment_id,account_id,paid_at,amount\n")
    usage = {
        "account_id": pa.array([1]), "sdk_app_id": pa.array([11]), "item": pa.array(["av"]), "tier": pa.array(["hd"]),
        "day": pa.array([datetime.date.fromisoformat(LAST)]), "seconds": pa.array([60]),
    }  # fmt: skip
    write(directory / f"usage/date={LAST}/a.parquet", pa.table(usage))


def make(directory: Path, case: tuple, rows: int) -> None:
    name, source, _, columns, is_worst, is_one_day = case
    random = np.random.default_rng(7)
    first = columns(random, -(-rows // len(MONTH)))
    written = 0
    for day, date in enumerate(MONTH):
        of_day = redraw(first, random, len(MONTH) - 1 if is_one_day else day, False)
        if is_worst:
            of_day = redraw(first, random, day, True) | {"ts": of_day["ts"]}
        table = pa.table(of_day).slice(0, rows - written)
        write(directory / f"{name}/date={LAST if is_one_day else date}/part-{day}.parquet", table)
        written += len(table)
    (directory / f"{name}.toml").write_text(JOB.format(name=name, input=source))


def measure(nightbill: str, directory: Path, case: tuple, rows: int, check: bool) -> list:
    name, source, what, *_ = case
    aside(make, directory, case, rows)
    size = sum(file.stat().st_size for file in (directory / name).rglob("*.parquet"))
    took = run(nightbill, "settle", str(directory / f"{name}.toml"), "--day", LAST)
    (settled,) = took.document["days"]
    stages = {stage["stage"]: stage["milliseconds"] / 1000 for stage in settled["stages"]}
    (totals,) = settled["totals"]["measured"]
    if totals["accepted_rows"] != rows:
        sys.exit(f"{name}: {totals['accepted_rows']} of {rows} rows were accepted")
    if check:
        aside(compare, directory, name, source)
    shutil.rmtree(directory / name)
    return [what, f"{rows:,}", f"{size / 1e6:,.0f} MB", f"{stages['measured']:.1f}", f"{took.seconds:.1f}", f"{took.cpu_seconds:.1f}",
            f"{took.peak_bytes / 1e6:,.0f} MB"]  # fmt: skip


def aside(work, *arguments) -> None:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        sys.exit(f"{work.__name__} ended with {process.exitcode}")


QUERIES = {
    "relay": """
        SELECT account_id, 0 AS sdk_app_id, destination AS tier, max(kbps) AS figure FROM (
            SELECT account_id, destination, minute, sum(kbps) AS kbps FROM (
                SELECT account_id, destination, task_id, date_trunc('minute', ts) AS minute, max(kbps) AS kbps
                FROM rows GROUP BY ALL
            ) GROUP BY ALL
        ) GROUP BY ALL""",
    "screenshots": "SELECT account_id, 0 AS sdk_app_id, 'image' AS tier, sum(images) AS figure FROM rows GROUP BY ALL",
    "logins": "SELECT account_id, sdk_app_id, 'user' AS tier, count(DISTINCT user_id) AS figure FROM rows GROUP BY ALL",
}
# What the catalog makes of a figure: the line's quantity.
QUANTITIES = {
    "relay": "CASE WHEN tier = 'css' AND figure <= 100000 THEN 0 ELSE figure / 1000 END",
    "screenshots": "greatest(ceil((figure - 10000) / 1000), 0) * 1000",
    "logins": "figure",
}


def compare(directory: Path, name: str, source: str) -> None:
    """Every line against DuckDB's figures."""
    import duckdb

    db = duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(directory / "duckdb")})
    db.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{directory}/{name}/*/*.parquet')")
    lines = f"read_parquet('{directory}/out-{name}/bill_lines/*/*.parquet')"
    item = "mau" if source == "logins" else source
    different = db.execute(
        f"""WITH expected AS (SELECT account_id, sdk_app_id, tier, {QUANTITIES[source]} AS quantity FROM ({QUERIES[source]})),
            found AS (SELECT account_id, sdk_app_id, tier, quantity FROM {lines} WHERE item = '{item}')
            SELECT count(*) FROM expected FULL JOIN found USING (account_id, sdk_app_id, tier)
            WHERE round(expected.quantity, 3) IS DISTINCT FROM round(found.quantity, 3)"""
    ).fetchone()[0]
    found = db.execute(f"SELECT count(*) FROM {lines} WHERE item = '{item}'").fetchone()[0]
    print(f"{name}: {found} lines, {different} of them not as DuckDB has them", file=sys.stderr)
    if different or not found:
        sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--nightbill", default="target/release/nightbill")
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--directory", type=Path, default=Path("target/measured"))
    parser.add_argument("--only", help="one case: " + ", ".join(case[0] for case in CASES))
    parser.add_argument("--check", action="store_true", help="compare with DuckDB (slow)")
    options = parser.parse_args()
    shutil.rmtree(options.directory, ignore_errors=True)
    aside(prepare, options.directory)
    try:
        print(f"{platform.system()} {platform.release()}, {os.cpu_count()} cores\n")
        print("| rows | count | files | read s | whole run s | CPU s | peak memory |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for case in CASES:
            if options.only in (None, case[0]):
                row = measure(options.nightbill, options.directory, case, options.rows, options.check)
                print("| " + " | ".join(row) + " |", flush=True)
    finally:
        shutil.rmtree(options.directory, ignore_errors=True)


if __name__ == "__main__":
    main()

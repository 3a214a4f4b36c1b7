#!/usr/bin/env python3
"""How time and memory grow with the number of accounts: samples of one usage row per account, app and tier are settled
for two days, each in a run of its own (the second merges the snapshots of the first), and the second is verified.

    cargo build --release --locked && benches/scale.py        # 1, 3 and 10 million accounts; 6 GB of disk

Prints Markdown: docs/performance.md has a copy. Seconds are of the clock, `CPU s` are user and system time of all
threads, memory is the peak of resident memory that the kernel counted. Linux, Python 3.9 or later, nothing else.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

DAYS = ["2024-10-11", "2024-10-12"]
GROUPS_PER_ACCOUNT = 3
MILLION = 1_000_000
STAGES = ["dimensions", "scan", "settle", "publish"]


@dataclass
class Run:
    """One command that ended well."""

    document: dict
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(*command: str) -> Run:
    began = time.monotonic()
    process = subprocess.Popen([*command, "--output", "json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{printed.decode()}")
    return Run(
        document=json.loads(printed),
        seconds=time.monotonic() - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * 1024,  # getrusage(2): KiB
    )


def stages_of(settled: Run) -> list[float]:
    """Seconds of each stage of a run that posted one day."""
    (day,) = settled.document["days"]
    if day["outcome"] != "posted":
        sys.exit(f"{day['day']} was not posted: {day['outcome']}")
    took = {stage["stage"]: stage["milliseconds"] / 1000 for stage in day["stages"]}
    return [took[stage] for stage in STAGES]


def measure(nightbill: str, accounts: int, directory: Path) -> tuple[list[list], list]:
    """Rows of the two tables for one number of accounts; what they are made from is gone afterwards."""
    rows = accounts * GROUPS_PER_ACCOUNT * len(DAYS)
    shutil.rmtree(directory, ignore_errors=True)
    try:
        sampled = run(
            nightbill, "sample", str(directory), "--shape", "groups", "--accounts", str(accounts),
            "--rows", str(rows), "--days", str(len(DAYS)), "--from", DAYS[0],
        )
        job = str(directory / "job.toml")
        settled = []
        for day in DAYS:
            posted = run(nightbill, "settle", job, "--day", day)
            totals = posted.document["days"][0]["totals"]
            settled.append([
                accounts, totals["lines"], day, sampled.seconds, *stages_of(posted), posted.seconds,
                posted.cpu_seconds, posted.peak_bytes,
            ])
        verified = run(nightbill, "verify", job)
        output = sum(file.stat().st_size for file in (directory / "out").rglob("*.parquet"))
        return settled, [accounts, output, verified.seconds, verified.cpu_seconds, verified.peak_bytes]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def print_table(heads: list[str], rows: list[list[str]]) -> None:
    print("\n| " + " | ".join(heads) + " |")
    print("|" + " ---: |" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def per_million(row: list, base: list, seconds: int) -> list[str]:
    """Seconds of a column per million accounts, and how many times that of the smallest number of accounts."""
    own, of_base = row[seconds] / row[0] * MILLION, base[seconds] / base[0] * MILLION
    return [f"{own:.1f}", f"{own / of_base:.2f}"]


def settle_row(row: list, base: list) -> list[str]:
    accounts, groups, day, *seconds, peak = row
    shown = [f"{value:.1f}" for value in seconds]
    return [f"{accounts:,}", f"{groups:,}", day, *shown, megabytes(peak), *per_million(row, base, -3),
            *per_million(row, base, -2)]


def verify_row(row: list, base: list) -> list[str]:
    accounts, output, seconds, cpu_seconds, peak = row
    return [f"{accounts:,}", megabytes(output), f"{seconds:.1f}", f"{cpu_seconds:.1f}", megabytes(peak),
            *per_million(row, base, 2), *per_million(row, base, 3)]


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    load = os.getloadavg()[0]
    return (f"{processor}, {os.cpu_count()} cores, {memory:.1f} GiB, Linux {platform.release()}, {rustc}; "
            f"load before the first command: {load:.1f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--millions", type=float, nargs="+", default=[1, 3, 10], help="of accounts, ascending")
    arguments.add_argument("--dir", type=Path, default=Path("target/scale"), help="emptied before and afterwards")
    arguments.add_argument("--nightbill", default="target/release/nightbill")
    chosen = arguments.parse_args()

    print(machine(), flush=True)
    settled, verified = [], []
    for millions in chosen.millions:
        days, batch = measure(chosen.nightbill, round(millions * MILLION), chosen.dir / f"{millions:g}M")
        settled.extend(days)
        verified.append(batch)
        print(f"{millions:g} M accounts: done", file=sys.stderr)
    per = ["s per M accounts", "ratio", "CPU s per M accounts", "ratio"]
    print_table(
        ["accounts", "groups", "day", "sample s", *(f"{stage} s" for stage in STAGES), "run s", "CPU s", "peak memory",
         *per],
        [settle_row(row, settled[at % len(DAYS)]) for at, row in enumerate(settled)],
    )
    print_table(
        ["accounts", "tables of two days", "verify s", "CPU s", "peak memory", *per],
        [verify_row(row, verified[0]) for row in verified],
    )


if __name__ == "__main__":
    main()

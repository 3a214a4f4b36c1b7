#!/usr/bin/env python3
"""What the way in which usage files are written does to nightbill's scan, and how the scan grows with threads and rows.

    benches/files.py                    # 200 million rows a day, and up to a billion; 20 GB of disk

Each figure is the median over the rounds; all files of a table take turns in each round. The samples are made below
--data and kept there. Prints Markdown: docs/performance.md has a copy. Linux, Python 3.11 or later, a Rust toolchain.
"""

import argparse
import os
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

from compare import build, make_sample, run_engine
from scale import machine, megabytes, print_table


@dataclass
class Case:
    """Files, and how they are scanned."""

    directory: Path
    period: str
    threads: int
    shown: list[str]
    rows: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)


# Order of the rows, encoding of ts, compression.
FILES = [
    ("time", "dictionary", "zstd"), ("time", "delta", "zstd"), ("time", "plain", "zstd"),
    ("time", "dictionary", "lz4"), ("time", "dictionary", "none"), ("time", "delta", "lz4"),
    ("sorted", "dictionary", "zstd"), ("sorted", "delta", "zstd"), ("sorted", "plain", "zstd"),
    ("sorted", "delta", "lz4"),
]


def measure(cases: list[Case], chosen) -> None:
    for round_ in range(chosen.rounds + 1):
        for case in cases:
            took = run_engine("nightbill", "", case.directory, case.period, chosen.scan, case.threads)
            case.rows = took["rows"]
            # The first round brings the files into the page cache.
            if round_ > 0:
                case.seconds.append(took["seconds"])
                case.cpu_seconds.append(took["cpu_seconds"])
                case.peak_bytes.append(took["peak_bytes"])
        print(f"round {round_} of {chosen.rounds}: done", file=sys.stderr, flush=True)


def table(heads: list[str], cases: list[Case], chosen) -> None:
    measure(cases, chosen)
    rows = []
    for case in cases:
        seconds = statistics.median(case.seconds)
        rows.append([
            *case.shown, case.period, f"{seconds:.2f}", f"{statistics.median(case.cpu_seconds):.2f}",
            f"{case.rows / seconds / 1e6:,.0f}", megabytes(max(case.peak_bytes)),
        ])
    print_table([*heads, "by", "s", "CPU s", "M rows/s", "peak memory"], rows)
    sys.stdout.flush()


def size_of(directory: Path) -> str:
    return megabytes(sum(file.stat().st_size for file in (directory / "usage").rglob("*.parquet")))


def files(chosen) -> list[Case]:
    cases = []
    for layout, ts, compression in FILES:
        directory = chosen.data / f"{layout}-{ts}-{compression}"
        make_sample(chosen.nightbill, directory, layout, chosen.rows, "--ts-encoding", ts, "--compression", compression)
        for period in ["day", "5min"]:
            cases.append(Case(directory, period, chosen.threads, [layout, ts, compression, size_of(directory)]))
    return cases


def threads(chosen) -> list[Case]:
    cases = []
    for layout in ["time", "sorted"]:
        directory = chosen.data / f"{layout}-dictionary-zstd"
        make_sample(chosen.nightbill, directory, layout, chosen.rows)
        for count in range(1, chosen.threads + 1):
            cases.append(Case(directory, "day", count, [layout, str(count)]))
    return cases


def sizes(chosen) -> list[Case]:
    cases = []
    for layout in ["time", "sorted"]:
        for rows in chosen.sizes:
            directory = chosen.data / (f"{layout}-{rows}" if rows != chosen.rows else f"{layout}-dictionary-zstd")
            make_sample(chosen.nightbill, directory, layout, rows)
            cases.append(Case(directory, "day", chosen.threads, [layout, f"{rows:,}", size_of(directory)]))
    return cases


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("target/compare/files"), help="has or gets the samples")
    arguments.add_argument("--rows", type=int, default=200_000_000)
    arguments.add_argument("--sizes", type=int, nargs="*", default=[20_000_000, 200_000_000, 1_000_000_000])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    chosen = arguments.parse_args()
    programs = build()
    chosen.nightbill, chosen.scan = programs.nightbill, programs.scan
    print(f"{machine()}; median of {chosen.rounds} rounds")
    table(["order", "ts", "compression", "size"], files(chosen), chosen)
    table(["order", "threads"], threads(chosen), chosen)
    if chosen.sizes:
        table(["order", "rows", "size"], sizes(chosen), chosen)


if __name__ == "__main__":
    main()

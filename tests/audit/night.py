"""What the audit reads: the ledger's files, the job, the catalog and the raw inputs. Nothing of nightbill's own code."""

import calendar
import csv
import datetime as dt
import json
import tomllib
from decimal import Context, Decimal, Inexact, InvalidOperation, setcontext
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

# Sums of money are exact here or an error.
setcontext(Context(prec=80, traps=[Inexact, InvalidOperation]))

TABLES = [
    "usage_daily", "usage_periods", "bill_lines", "bills", "deductions", "grants", "accounts", "flags", "refunds",
    "renewals", "rejects",
]  # fmt: skip


class Audit:
    """Collects what does not hold."""

    def __init__(self):
        self.failures = []
        self.held = 0

    def same(self, what, got, expected):
        if got == expected:
            self.held += 1
        else:
            self.failures.append(f"{what}: {got!r} is not {expected!r}")

    def none(self, what, offenders):
        offenders = list(offenders)
        if not offenders:
            self.held += 1
        else:
            self.failures.append(f"{what}: {len(offenders)} break it, first {offenders[:3]!r}")

    def same_rows(self, what, got, expected):
        """Two tables as dicts by key."""
        self.none(f"{what}, missing", sorted(expected.keys() - got.keys(), key=str))
        self.none(f"{what}, beyond", sorted(got.keys() - expected.keys(), key=str))
        differ = [(key, got[key], expected[key]) for key in got.keys() & expected.keys() if got[key] != expected[key]]
        self.none(f"{what}, different", sorted(differ, key=str))

    def some(self, what, count):
        """An audit of nothing proves nothing."""
        if count == 0:
            self.failures.append(f"{what}: nothing to check")


class Night:
    """A ledger, and what it was settled from."""

    def __init__(self, output, job):
        self.output = Path(output)
        self.job_path = Path(job)
        self.records = sorted(
            (json.loads(path.read_text()) for path in self.output.glob("_batches/*.json")), key=lambda r: r["batch"]
        )
        self.job = tomllib.loads(self.job_path.read_text())
        self.catalog = tomllib.loads((self.job_path.parent / self.job["catalog"]).read_text())
        self.zone = ZoneInfo(self.job["timezone"])
        self.period = self.records[0]["job"]["deduction_period"]
        self.db = duckdb.connect()
        self.db.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            self.db.execute(
                f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{self.output}/{table}/*/*.parquet', "
                "hive_partitioning = true, hive_types_autocast = false)"
            )

    def rows(self, sql, *parameters):
        return self.db.execute(sql, list(parameters)).fetchall()

    def dicts(self, sql, *parameters):
        cursor = self.db.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    # Inputs

    def input(self, name):
        entry = self.job["inputs"].get(name)
        if entry is None:
            return None
        url = entry["url"] if isinstance(entry, dict) else entry
        return (self.job_path.parent / url.removeprefix("file:")).resolve()

    def dimension(self, name):
        path = self.input(name)
        if path is None:
            return []
        with path.open(newline="") as file:
            return [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]

    @cached_property
    def days(self):
        return [dt.date.fromisoformat(record["day"]) for record in self.records]

    # Time

    def local_day(self, instant):
        return instant.astimezone(self.zone).date()

    def start_of(self, day):
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)

    def billing_time(self, day):
        at = dt.time.fromisoformat(self.job["billing_time"])
        return dt.datetime.combine(day + dt.timedelta(days=1), at, self.zone).astimezone(dt.UTC)

    # Catalog

    @cached_property
    def items(self):
        return {item["id"]: item for item in self.catalog["item"]}

    @cached_property
    def plans(self):
        return {plan["id"]: plan for plan in self.catalog["plan"]}

    @cached_property
    def ratios(self):
        tables = {}
        for table in self.catalog["ratios"]:
            tables[table["id"]] = {tier: Decimal(ratio) for tier, ratio in table["minutes"].items()}
        return tables

    def price(self, price_list, day, tier):
        """The price of `item.tier` and the list that gave it."""
        entries = sorted((e for e in self.catalog["price_list"] if e["id"] == price_list), key=lambda e: e["from"])
        in_force = [entry for entry in entries if entry["from"] <= day]
        if in_force and tier in in_force[-1]["prices"]:
            return Decimal(in_force[-1]["prices"][tier]), price_list
        base = (in_force[-1] if in_force else entries[0]).get("base")
        return self.price(base, day, tier) if base else (None, None)


def instant(text):
    return dt.datetime.fromisoformat(text) if text else None


def add_months(day, months):
    """The same date some months later, clamped to the month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

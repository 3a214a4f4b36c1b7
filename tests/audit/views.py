"""docs/queries.sql in DuckDB: its views come to what `verify` and the commit records say."""

from decimal import Decimal
from pathlib import Path

import duckdb

QUERIES = Path(__file__).parents[2] / "docs" / "queries.sql"


def opened(output):
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute(f"SET VARIABLE output = '{output}'")
    db.execute(QUERIES.read_text())
    return db


def sums(db):
    """The figures that `verify --output json` calls `sums`, from the views."""
    rows, seconds = db.execute("SELECT sum(rows), sum(seconds) FROM usage_daily").fetchone()
    figures = "minutes free_minutes package_minutes payg_minutes unbilled_minutes".split()
    lines = db.execute(f"SELECT {', '.join(f'sum({f})' for f in figures)}, sum(amount) FROM lines_now").fetchone()
    exact, amount = db.execute("SELECT sum(exact), sum(amount) FROM bills_now").fetchone()
    return {
        "rows": rows, "seconds": seconds, **dict(zip(figures, lines)), "line_amounts": lines[-1], "exact": exact,
        "amount": amount,
    }  # fmt: skip


def recorded(records):
    """The same from the control totals of commit records."""
    totals = [record["totals"] for record in records]
    kinds = {"total": "minutes", **{kind: f"{kind}_minutes" for kind in ["free", "package", "payg", "unbilled"]}}
    exact = sum(Decimal(total["exact"]) for total in totals)
    return {
        "rows": sum(total["accepted_rows"] for total in totals),
        "seconds": sum(total["accepted_seconds"] for total in totals),
        **{name: sum(total["minutes"][kind] for total in totals) for kind, name in kinds.items()},
        "line_amounts": exact,
        "exact": exact,
        "amount": sum(Decimal(total["amount"]) for total in totals),
    }


def check(audit, night, verified):
    db = opened(night.output)
    expected = {name: Decimal(v) if isinstance(v, str) else v for name, v in verified["sums"].items()}
    audit.same("views against verify", sums(db), expected)
    audit.same("views against commit records", sums(db), recorded(night.records))
    audit.same("batches", db.execute("SELECT batch FROM batches ORDER BY 1").fetchall(), [(r["batch"],) for r in night.records])
    totals = night.records[-1]["totals"]
    accounts, closing, paid = db.execute("SELECT count(*), sum(closing), sum(paid) FROM accounts_now").fetchone()
    audit.same("accounts_now", (accounts, closing, paid), (totals["accounts"], Decimal(totals["closing"]), Decimal(totals["paid"])))
    reasons = {}
    for record in night.records:
        for reason, rows in record["totals"]["rejected"].items():
            reasons[reason] = reasons.get(reason, 0) + rows
    audit.same("rejects_now", dict(db.execute("SELECT reason, count(*) FROM rejects_now GROUP BY 1").fetchall()), reasons)
    last = night.records[-1]["batch"]
    for table in ["grants", "flags"]:
        of_last = night.rows(f"SELECT count(*) FROM {table} WHERE batch = ?", last)
        audit.same(f"{table}_now", db.execute(f"SELECT count(*) FROM {table}_now").fetchall(), of_last)
    loose = db.execute("FROM lines_now ANTI JOIN bills_now USING (bill_id, account_id, item, currency)").fetchall()
    audit.none("lines_now without a bill in bills_now", [row[0] for row in loose])
    floats = db.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND data_type IN ('DOUBLE', 'FLOAT', 'HUGEINT')"
    ).fetchall()
    audit.none("views with columns that pandas would read as floats", floats)
    urls(audit, night, sums(db))
    unpublished(audit, night)


def urls(audit, night, expected):
    """A URL, and a slash at the end, name the same ledger."""
    audit.same("views of a file: URL", sums(opened(f"file://{night.output}/")), expected)


def unpublished(audit, night):
    """The newest batch is left out whole while its `.published` is missing."""
    *before, last = night.records
    mark = night.output / "_batches" / f"{last['batch']}.published"
    away = mark.with_suffix(".away")
    mark.rename(away)
    try:
        db = opened(night.output)
        audit.same("views without the unpublished batch", sums(db), recorded(before))
        snapshot = db.execute("SELECT DISTINCT batch FROM accounts_now").fetchall()
        audit.same("accounts_now without the unpublished batch", snapshot, [(before[-1]["batch"],)])
        audit.same("rejects_now without the unpublished batch",
            db.execute("SELECT count(*) FROM rejects_now").fetchall(),
            [(sum(record["totals"]["rejected_rows"] for record in before),)])  # fmt: skip
    finally:
        away.rename(mark)

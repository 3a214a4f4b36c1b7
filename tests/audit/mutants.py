"""The audit must be able to fail: one figure of one table is moved by its smallest unit, the commit record made to agree
with the edited file, and the audit has to name what no longer holds.

    python mutants.py OUTPUT JOB VERIFY_JSON
"""

import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from audit import audited

# Table, column, and what must be named.
MUTANTS = [
    ("usage_daily", "seconds", ["usage_daily", "SQL, law 6", "views against verify"]),
    ("usage_daily", "rows", ["usage_daily", "SQL, law 6", "no raw row is lost"]),
    ("bill_lines", "minutes", ["SQL, law 1", "pandas, law 1", "bill_lines", "views against commit records"]),
    ("bill_lines", "free_minutes", ["SQL, law 2", "pandas, law 2, free", "bill_lines"]),
    ("bill_lines", "package_minutes", ["SQL, law 2", "pandas, law 2, package"]),
    ("bill_lines", "unit_price", ["bill_lines"]),
    ("bill_lines", "amount", ["SQL, law 4, bills", "pandas, law 4, exact", "views against verify"]),
    ("bills", "amount", ["SQL, law 4, bills", "SQL, law 5, charged", "pandas, law 4, amount", "pandas, law 5, charged"]),
    ("bills", "issued_at", ["bills"]),
    ("bills", "bill_id", ["bills", "SQL, law 4, lines without a bill"]),
    ("deductions", "minutes", ["SQL, law 2", "deductions"]),
    ("deductions", "quota", ["SQL, law 3, used", "pandas, law 3, used"]),
    ("grants", "balance", ["SQL, law 3, balance", "pandas, law 3, balance", "grants"]),
    ("grants", "valid_to", ["grants"]),
    ("accounts", "opening", ["SQL, law 5, opening", "pandas, law 5, opening", "accounts"]),
    ("accounts", "closing", ["SQL, law 5, closing", "pandas, law 5, closing", "accounts_now"]),
    ("accounts", "paid_total", ["SQL, law 5, opening and paid_total"]),
    ("accounts", "account_id", ["every account in every batch", "accounts"]),
]


def moved(value, kind):
    if pa.types.is_decimal(kind):
        return value + Decimal(1).scaleb(-kind.scale)
    if pa.types.is_temporal(kind):
        return value + type(value - value)(days=1)
    return value + ("x" if isinstance(value, str) else 1)


def edit(part, column):
    """Moves the last row's value; the last account is the largest, so rows stay in order."""
    table = pq.read_table(part, partitioning=None)
    field = table.schema.field(column)
    values = table[column].to_pylist()
    values[-1] = moved(values[-1], field.type)
    position = table.schema.get_field_index(column)
    pq.write_table(table.set_column(position, field, pa.array(values, field.type)), part, store_schema=False)


def agree(record_path, part, path):
    record = json.loads(record_path.read_text())
    data = part.read_bytes()
    entry = next(entry for entry in record["files"] if entry["path"] == path)
    entry["size"], entry["sha256"] = len(data), hashlib.sha256(data).hexdigest()
    record_path.write_text(json.dumps(record))


def main(output, job, verified):
    output = Path(output)
    record_path = sorted(output.glob("_batches/*.json"))[-1]
    batch, unnoticed = record_path.stem, []
    for table, column, names in MUTANTS:
        path = f"{table}/batch={batch}/part-0.parquet"
        part = output / path
        kept = part.read_bytes(), record_path.read_bytes()
        edit(part, column)
        agree(record_path, part, path)
        failures = audited(output, job, verified).failures
        for name in names:
            if not any(failure.startswith((name, f"SQL, {name}", f"keys of {name}")) for failure in failures):
                unnoticed.append(f"{table}.{column}: not named as {name!r}, but: {failures}")
        part.write_bytes(kept[0])
        record_path.write_bytes(kept[1])
    print("\n".join(unnoticed) or f"{len(MUTANTS)} edits were noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The files: every batch has every table, schemas are exactly SPEC section 4's, rows are sorted, hashes are the recorded ones."""

import hashlib
from collections import Counter

import pandas
import pyarrow as pa
import pyarrow.parquet as pq

from night import TABLES

I64, TEXT, DAY, AT = pa.int64(), pa.string(), pa.date32(), pa.timestamp("us", tz="UTC")
CENTS, RATIO, QUANTITY, EXACT = pa.decimal128(18, 2), pa.decimal128(9, 2), pa.decimal128(18, 6), pa.decimal128(38, 9)


def columns(text, **types):
    """`name` is text, `name:type` is of that type."""
    named = {"i64": I64, "day": DAY, "at": AT, "cents": CENTS, "ratio": RATIO, "quantity": QUANTITY, "exact": EXACT,
             "i16": pa.int16(), "bool": pa.bool_()}  # fmt: skip
    pairs = [word.partition(":") for word in text.split()]
    return [(name, named.get(kind, TEXT)) for name, _, kind in pairs]


LINE = "account_id:i64 sdk_app_id:i64 day:day item tier"
SCHEMAS = {
    "usage_daily": columns(f"{LINE} seconds:i64 rows:i64"),
    "usage_periods": columns(f"{LINE} period:i16 seconds:i64"),
    "bill_lines": columns(
        f"bill_id {LINE} seconds:i64 minutes:i64 free_minutes:i64 package_minutes:i64 payg_minutes:i64 "
        "unbilled_minutes:i64 quantity:quantity unit unit_price:quantity per:i64 amount:exact currency price_list"
    ),
    "bills": columns(
        "bill_id account_id:i64 period_start:day period_end:day item cadence exact:exact amount:cents currency "
        "issued_at:at corrects"
    ),
    "deductions": columns(f"{LINE} grant_id grant_kind minutes:i64 ratio:ratio quota:cents"),
    "grants": columns(
        "account_id:i64 grant_id kind plan apps valid_from:day valid_to:day quota:cents opening:cents used:cents "
        "balance:cents status"
    ),
    "accounts": columns(
        "account_id:i64 day:day opening:cents paid:cents charged:cents closing:cents paid_total:cents state "
        "overdue_since:at suspend_at:at suspended_at:at remove_at:at facts:i64"
    ),
    "flags": columns("account_id:i64 sdk_app_id:i64 product flag since:at deadline:at stop_rooms_by:at actions"),
    "refunds": columns("package_id account_id:i64 requested_at:at approved:bool amount:cents reason"),
    "renewals": columns("package_id account_id:i64 apps plan purchased_at:at price:cents"),
    "rejects": columns(
        "day:day file row:i64 reason account_id:i64 sdk_app_id:i64 meter ts:at seconds:i64 pixels:i64"
    ),
}

# "Rows are sorted by account, then the other key columns."
SORTED_BY = {
    "usage_daily": "account_id sdk_app_id day item tier",
    "usage_periods": "account_id sdk_app_id day item tier period",
    "bill_lines": "account_id sdk_app_id day item tier",
    "bills": "account_id period_start item",
    "deductions": "account_id sdk_app_id day item tier grant_id",
    "grants": "account_id grant_id",
    "accounts": "account_id",
    "flags": "account_id sdk_app_id product flag",
    "refunds": "account_id package_id",
    "renewals": "account_id package_id",
    "rejects": "account_id day file row",
}


def check(audit, night):
    for record in night.records:
        found = {path.parts[-3] for path in night.output.glob(f"*/batch={record['batch']}/part-*.parquet")}
        audit.same(f"tables of {record['batch']}", found, {*TABLES, "_carried"})
        recorded(audit, night, record)
    for table in TABLES:
        for batch in sorted((night.output / table).iterdir()):
            parts = sorted(batch.glob("*.parquet"), key=lambda path: int(path.stem.removeprefix("part-")))
            for part in parts:
                schema(audit, table, part)
            order(audit, table, parts)
        directory(audit, night, table)


def recorded(audit, night, record):
    """Law 7, and nothing beside what the record names."""
    for file in record["files"]:
        data = (night.output / file["path"]).read_bytes()
        entry = (file["size"], file["sha256"])
        audit.same(f"law 7: {file['path']}", (len(data), hashlib.sha256(data).hexdigest()), entry)
        parquet = pq.ParquetFile(night.output / file["path"])
        audit.same(f"rows of {file['path']}", parquet.metadata.num_rows, file["rows"])
        for column, name in [("account_id", "accounts"), ("day", "days")]:
            if column in parquet.schema_arrow.names:
                values = [value for value in parquet.read([column])[column].to_pylist() if value is not None]
                span = [min(values), max(values)] if values else None
                if span and name == "days":
                    span = [day.isoformat() for day in span]
                audit.same(f"{name} of {file['path']}", file[name], span)
    named = {file["path"] for file in record["files"]}
    found = {str(path.relative_to(night.output)) for path in night.output.glob(f"*/batch={record['batch']}/*")}
    audit.same(f"files of {record['batch']}", found, named)


def schema(audit, table, part):
    parquet = pq.ParquetFile(part)
    got = [(field.name, field.type) for field in parquet.schema_arrow]
    audit.same(f"schema of {part}", got, SCHEMAS[table])
    audit.same(f"no embedded Arrow schema in {part}", b"ARROW:schema" in (parquet.metadata.metadata or {}), False)


def order(audit, table, parts):
    keys = SORTED_BY[table].split()
    rows = [row for part in parts for row in pq.read_table(part, columns=keys, partitioning=None).to_pylist()]
    # Nulls first; strings by bytes.
    keyed = [
        tuple((row[key] is not None, row[key].encode() if isinstance(row[key], str) else row[key]) for key in keys)
        for row in rows
    ]
    audit.none(f"order of {table}", [(a, b) for a, b in zip(keyed, keyed[1:]) if a > b])
    audit.none(f"keys of {table}", [key for key, count in Counter(keyed).items() if count > 1])


def directory(audit, night, table):
    """pandas reads a table's directory, every string as a string."""
    frame = pandas.read_parquet(night.output / table)
    names = [name for name, _ in SCHEMAS[table]]
    audit.same(f"pandas columns of {table}", list(frame.columns), [*names, "batch"])
    categories = [name for name in names if isinstance(frame[name].dtype, pandas.CategoricalDtype)]
    audit.same(f"pandas categories of {table}", categories, [])
    rows = sum(file["rows"] for record in night.records for file in record["files"] if file["table"] == table)
    audit.same(f"pandas rows of {table}", len(frame), rows)

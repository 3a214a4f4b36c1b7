"""Adds a file to a usage partition that has every combination of good and bad values: rows of every reject reason, alone
and together, and good rows between them.

    python bad_rows.py PARTITION ACCOUNT_ID
"""

import datetime as dt
import itertools
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema([
    ("ts", pa.timestamp("ms", tz="UTC")), ("account_id", pa.int64()), ("sdk_app_id", pa.int64()), ("meter", pa.string()),
    ("seconds", pa.int32()), ("pixels", pa.int32()),
])  # fmt: skip


def main(partition, account_id):
    partition, account_id = Path(partition), int(account_id)
    day = dt.date.fromisoformat(partition.name.removeprefix("date="))
    midnight = dt.datetime.combine(day, dt.time(), ZoneInfo("Asia/Shanghai"))
    second = dt.timedelta(seconds=1)
    choices = [
        [midnight, midnight + dt.timedelta(days=1) - second, None, midnight - second, midnight + dt.timedelta(days=1)],
        [account_id, None, 0, -5, 999_999_999],
        [1_500_000_001, None, 0],
        ["av", "recording", None, "nonsense", ""],
        [1, 86_400, None, 0, 86_401, -1],
        [None, 0, 921_601, 2_000_000_000, -1],
    ]
    rows = itertools.product(*choices)
    table = pa.Table.from_arrays([pa.array(column, field.type) for column, field in zip(zip(*rows), SCHEMA)], schema=SCHEMA)
    pq.write_table(table, partition / "bad.parquet", row_group_size=1000)


if __name__ == "__main__":
    main(*sys.argv[1:])

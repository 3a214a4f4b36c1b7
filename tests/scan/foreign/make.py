"""Writes the usage files of this folder with other tools than the parquet crate, and `expected.txt` beside them.

    pip install duckdb pyarrow polars && python make.py

Every file holds the rows of `rows()`, in the types that its name says; the scan must find the same sums in all of
them. Files that begin with `wrong_` have a type that is refused.
"""

import datetime as dt
import decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
START = dt.datetime(2024, 10, 12, tzinfo=dt.timezone.utc)  # a day of UTC
METERS = ["av", "recording", None, "mix_h264", "teapot"]
PIXELS = [None, 0, 921_600, 2_073_600, 4_000_000, 10_000_000, -1]


def rows():
    for i in range(600):
        yield {
            # Every 100th row has no time, every 90th is of the day before.
            "ts": None if i % 100 == 99 else START + dt.timedelta(seconds=i * 143 - (200_000 if i % 90 == 89 else 0)),
            "account_id": None if i % 75 == 74 else i % 7,
            "sdk_app_id": 1_400_000_000 + i % 3,
            "meter": METERS[(i // 4) % 5],
            "seconds": i % 50,
            "pixels": PIXELS[(i // 3) % 7],
        }


ROWS = list(rows())
INTS = {"account_id": pa.int64(), "sdk_app_id": pa.int64(), "seconds": pa.int64(), "pixels": pa.int64()}


def table(ts=pa.timestamp("us", "UTC"), meter=pa.string(), ints=None, **extra):
    types = {"ts": ts, "meter": meter, **INTS, **(ints or {})}
    columns = {}
    for name in ["ts", "account_id", "sdk_app_id", "meter", "seconds", "pixels"]:
        values = [row[name] for row in ROWS]
        if name == "ts" and types["ts"].tz is None:
            values = [value and value.replace(tzinfo=None) for value in values]
        if name == "pixels" and pa.types.is_unsigned_integer(types["pixels"]):
            # There is no -1: 2^63 does not fit either.
            values = [2**63 if value == -1 else value for value in values]
        columns[name] = pa.array(values, types[name])
    return pa.table({**columns, **extra})


def write(name, data, **options):
    pq.write_table(data, HERE / name, **options)


def pyarrow_files():
    write("pyarrow_plain.parquet", table(), use_dictionary=False, compression="none", write_statistics=False)
    write("pyarrow_seconds.parquet", table(pa.timestamp("s")), row_group_size=100)
    write("pyarrow_ms.parquet", table(pa.timestamp("ms", "Asia/Shanghai")), data_page_version="2.0", compression="zstd")
    write("pyarrow_ns.parquet", table(pa.timestamp("ns")), compression="gzip", version="2.6")
    write("pyarrow_int96.parquet", table(pa.timestamp("ns")), use_deprecated_int96_timestamps=True)
    write("pyarrow_large_string.parquet", table(meter=pa.large_string()), compression="brotli", data_page_size=64)
    write("pyarrow_string_view.parquet", table(meter=pa.string_view()), compression="lz4")
    write("pyarrow_binary.parquet", table(meter=pa.binary()))
    write("pyarrow_dictionary.parquet", table(meter=pa.dictionary(pa.int8(), pa.string())))
    write("pyarrow_narrow.parquet", table(ints={"account_id": pa.int8(), "sdk_app_id": pa.uint32(), "seconds": pa.uint8(), "pixels": pa.int32()}))
    write("pyarrow_unsigned.parquet", table(ints={"account_id": pa.uint16(), "sdk_app_id": pa.uint64(), "seconds": pa.uint32(), "pixels": pa.uint64()}))
    write("pyarrow_delta.parquet", table(), use_dictionary=False, data_page_size=256, column_encoding={
        "ts": "DELTA_BINARY_PACKED", "account_id": "BYTE_STREAM_SPLIT", "sdk_app_id": "DELTA_BINARY_PACKED",
        "meter": "DELTA_BYTE_ARRAY", "seconds": "DELTA_BINARY_PACKED", "pixels": "BYTE_STREAM_SPLIT"})
    write("pyarrow_delta_length.parquet", table(), use_dictionary=False, column_encoding={"meter": "DELTA_LENGTH_BYTE_ARRAY"})
    write("pyarrow_checksums.parquet", table(), write_page_checksum=True, compression="snappy")
    nested = pa.array([{"room": [i, i + 1], "tags": {"a": str(i % 3)}} for i in range(len(ROWS))])
    write("pyarrow_nested.parquet", table(session=nested).select(["session", "pixels", "seconds", "meter", "sdk_app_id", "account_id", "ts"]))


def duckdb_files():
    connection = duckdb.connect()
    connection.register("usage", table())
    columns = "ts, account_id, sdk_app_id, meter, seconds, pixels"
    for name, select, options in [
        ("duckdb.parquet", columns, "compression zstd"),
        ("duckdb_v2.parquet", columns, "parquet_version v2, compression lz4_raw"),
        ("duckdb_naive.parquet", columns.replace("ts,", "ts::timestamp_ms AS ts,"), "compression gzip"),
        ("duckdb_enum.parquet", columns.replace("meter", "meter::enum('av', 'recording', 'mix_h264', 'teapot') AS meter"), "compression snappy"),
    ]:
        connection.execute(f"SET TimeZone = 'UTC'; COPY (SELECT {select} FROM usage) TO '{HERE / name}' (format parquet, {options})")


def polars_files():
    frame = pl.from_arrow(table())
    frame.write_parquet(HERE / "polars.parquet", compression="zstd")
    frame.with_columns(pl.col("meter").cast(pl.Categorical)).write_parquet(HERE / "polars_categorical.parquet", compression="lz4")
    frame.write_parquet(HERE / "polars_small_pages.parquet", row_group_size=150, data_page_size=100, statistics=False)


def wrong_files():
    number = pa.decimal128(18, 0)
    as_decimal = pa.array([None if row["seconds"] is None else decimal.Decimal(row["seconds"]) for row in ROWS], number)
    good = table()
    put = lambda name, column: good.set_column(good.schema.get_field_index(name), name, column)
    write("wrong_seconds_decimal.parquet", put("seconds", as_decimal))
    write("wrong_pixels_float.parquet", put("pixels", good["pixels"].cast(pa.float64())))
    write("wrong_ts_string.parquet", put("ts", pa.array([str(row["ts"]) for row in ROWS])))
    write("wrong_ts_date.parquet", put("ts", good["ts"].cast(pa.timestamp("us")).cast(pa.date32())))
    write("wrong_account_id_string.parquet", put("account_id", pa.array([str(row["account_id"]) for row in ROWS])))
    write("wrong_meter_list.parquet", put("meter", pa.array([[row["meter"]] for row in ROWS])))
    write("wrong_seconds_duration.parquet", put("seconds", pa.array([row["seconds"] * 1000 for row in ROWS], pa.duration("ms"))))
    write("wrong_sdk_app_id_missing.parquet", good.drop_columns(["sdk_app_id"]))
    write("wrong_pixels_missing.parquet", good.drop_columns(["pixels"]))


def expected():
    """The rules of the contract, row by row: account, app, tier -> seconds, rows; then rejects by reason."""
    tiers = {
        "av": [(0, "av.audio"), (921_600, "av.hd"), (2_073_600, "av.fhd"), (3_686_400, "av.2k"), (8_847_360, "av.4k")],
        "recording": [(0, "recording.audio"), (921_600, "recording.hd"), (2_073_600, "recording.fhd")],
        "mix_h264": [(0, "mix.audio"), (2_073_600, "mix.h264_fhd")],
    }
    sums, rejects = {}, {}

    def reason_of(row):
        if row["ts"] is None:
            return "bad_ts"
        if row["ts"].date() != START.date():
            return "misplaced"
        if row["account_id"] is None:
            return "null_key"
        if row["account_id"] <= 0:
            return "bad_key"
        if row["account_id"] == 6:
            return "unknown_account"
        if row["meter"] not in tiers:
            return "unknown_meter"
        if not 1 <= row["seconds"] <= 86_400:
            return "bad_seconds"
        if row["pixels"] is not None and row["pixels"] < 0:
            return "bad_pixels"
        return None

    for row in ROWS:
        reason = reason_of(row)
        if reason:
            rejects[reason] = rejects.get(reason, 0) + 1
            continue
        steps = tiers[row["meter"]]
        tier = next((name for most, name in steps if (row["pixels"] or 0) <= most), steps[-1][1])
        key = (row["account_id"], row["sdk_app_id"], tier)
        seconds, count = sums.get(key, (0, 0))
        sums[key] = (seconds + row["seconds"], count + 1)
    lines = [f"{account} {app} {tier} {seconds} {count}" for (account, app, tier), (seconds, count) in sorted(sums.items())]
    lines += [f"{reason} {count}" for reason, count in sorted(rejects.items())]
    (HERE / "expected.txt").write_text("\n".join(lines) + "\n")


pyarrow_files()
duckdb_files()
polars_files()
wrong_files()
expected()

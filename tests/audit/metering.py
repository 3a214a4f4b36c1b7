"""Usage once more, straight from the raw Parquet and the catalog: accepted rows by SQL, rejects by the contract's order
of reasons."""

import datetime as dt

JUDGED = """
CREATE TABLE judged AS
WITH raw AS (
    SELECT
        CAST(regexp_extract(filename, 'date=([0-9-]+)/', 1) AS DATE) AS partition,
        filename[length($url) + 2:] AS file, file_row_number + 1 AS row,
        ts, account_id, sdk_app_id, meter, seconds, pixels
    FROM read_parquet($url || '/*/*.parquet', filename = true, file_row_number = true, union_by_name = true)
), placed AS (
    SELECT raw.*, days.day, (epoch_us(ts) - days.starts) // 300000000 AS period, of_partition.billed
    FROM raw
    LEFT JOIN days ON epoch_us(ts) >= days.starts AND epoch_us(ts) < days.ends
    LEFT JOIN days AS of_partition ON of_partition.day = partition
)
SELECT placed.* REPLACE (partition AS day), CASE
    WHEN ts IS NULL THEN 'bad_ts'
    WHEN placed.day IS DISTINCT FROM partition THEN 'misplaced'
    WHEN placed.account_id IS NULL OR sdk_app_id IS NULL THEN 'null_key'
    WHEN placed.account_id <= 0 OR sdk_app_id <= 0 THEN 'bad_key'
    WHEN known.registered_at IS NULL OR known.registered_at > placed.billed THEN 'unknown_account'
    WHEN meter IS NULL OR meter NOT IN (SELECT meter FROM meters) THEN 'unknown_meter'
    WHEN seconds IS NULL OR seconds NOT BETWEEN 1 AND 86400 THEN 'bad_seconds'
    WHEN pixels < 0 THEN 'bad_pixels'
END AS reason
FROM placed LEFT JOIN known USING (account_id)
WHERE partition IN (SELECT day FROM days)
"""

# Tier = first of the meter's tiers with pixels <= max_pixels; above the last bound, the last tier.
METERED = """
CREATE TABLE metered AS
SELECT account_id, sdk_app_id, day, meters.item, tier, period, sum(seconds) AS seconds, count(*) AS rows
FROM judged JOIN meters ON judged.meter = meters.meter
    AND coalesce(pixels, 0) > meters.over AND (coalesce(pixels, 0) <= meters.upto OR meters.upto IS NULL)
WHERE reason IS NULL
GROUP BY ALL
"""


def load(night):
    db = night.db
    db.execute("CREATE TABLE days (day DATE, starts BIGINT, ends BIGINT, billed TIMESTAMPTZ)")
    for day in night.days:
        starts, ends = night.start_of(day), night.start_of(day + dt.timedelta(days=1))
        micros = [int(at.timestamp()) * 1_000_000 for at in (starts, ends)]
        db.execute("INSERT INTO days VALUES (?, ?, ?, ?)", [day, *micros, night.billing_time(day).isoformat()])
    db.execute("CREATE TABLE known (account_id BIGINT, registered_at TIMESTAMPTZ)")
    for account in night.dimension("accounts"):
        db.execute("INSERT INTO known VALUES (?, ?)", [int(account["account_id"]), account["registered_at"]])
    db.execute("CREATE TABLE meters (meter VARCHAR, item VARCHAR, tier VARCHAR, over BIGINT, upto BIGINT)")
    for meter in night.catalog["meter"]:
        over = -1
        for step in meter["tiers"]:
            last = step is meter["tiers"][-1]
            upto = None if last else step["max_pixels"]
            db.execute("INSERT INTO meters VALUES (?, ?, ?, ?, ?)", [meter["id"], meter["item"], step["tier"], over, upto])
            over = step["max_pixels"]
    db.execute(JUDGED, {"url": str(night.input("usage"))})
    db.execute(METERED)


def check(audit, night):
    load(night)
    key = "account_id, sdk_app_id, day, item, tier"
    same(audit, night, "usage_daily", f"SELECT {key}, seconds, rows FROM usage_daily",
        f"SELECT {key}, sum(seconds), sum(rows) FROM metered GROUP BY ALL")  # fmt: skip
    five_minutes = night.period == "5min"
    same(audit, night, "usage_periods", f"SELECT {key}, period, seconds FROM usage_periods",
        f"SELECT {key}, period, seconds FROM metered WHERE {five_minutes}")  # fmt: skip
    # As the file has it, in the file's order.
    figures = "day, file, row, reason, account_id, sdk_app_id, meter, epoch_us(ts), seconds, pixels"
    same(audit, night, "rejects", f"SELECT {figures} FROM rejects", f"SELECT {figures} FROM judged WHERE reason IS NOT NULL")
    lost = night.rows(
        "SELECT count(*) - (SELECT sum(rows) FROM usage_daily) - (SELECT count(*) FROM rejects) FROM judged"
    )
    audit.same("no raw row is lost or billed twice", lost, [(0,)])
    audit.some("raw rows", night.rows("SELECT count(*) FROM judged")[0][0])
    inputs(audit, night)


def same(audit, night, what, got, expected):
    missing = night.rows(f"({expected}) EXCEPT ALL ({got})")
    beyond = night.rows(f"({got}) EXCEPT ALL ({expected})")
    audit.none(f"{what}, missing", missing)
    audit.none(f"{what}, beyond", beyond)


def inputs(audit, night):
    """What the commit records say about each file."""
    got = {}
    for record in night.records:
        for entry in record["inputs"]:
            got[record["day"], entry["path"]] = (entry["day_rows"], entry["accepted_rows"], entry["accepted_seconds"])
    rows = night.rows(
        "SELECT CAST(day AS VARCHAR), file, count(*), count(*) FILTER (reason IS NULL), "
        "coalesce(sum(seconds) FILTER (reason IS NULL), 0) FROM judged GROUP BY ALL"
    )
    audit.same_rows("inputs of the records", got, {(day, file): tuple(figures) for day, file, *figures in rows})

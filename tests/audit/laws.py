"""The laws of SPEC section 4, twice: in DuckDB's SQL and in pandas on Python's integers. Law 7 is in files.py, the raw
rows of law 6 in metering.py."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pandas

LINE = "account_id, sdk_app_id, day, item, tier"

SQL = {
    "law 1, minutes": f"""
        SELECT {LINE} FROM bill_lines GROUP BY ALL
        HAVING sum(minutes) <> sum(free_minutes) + sum(package_minutes) + sum(payg_minutes) + sum(unbilled_minutes)
            OR min(least(free_minutes, package_minutes, payg_minutes, unbilled_minutes)) < 0""",
    "law 2, deductions": f"""
        WITH given AS (
            SELECT {LINE},
                sum(minutes) FILTER (grant_kind = 'free') AS free, sum(minutes) FILTER (grant_kind = 'package') AS package
            FROM deductions GROUP BY ALL
        ), taken AS (
            SELECT {LINE}, sum(free_minutes) AS free, sum(package_minutes) AS package FROM bill_lines GROUP BY ALL
        )
        SELECT {LINE} FROM given FULL JOIN taken USING ({LINE})
        WHERE coalesce(given.free, 0) IS DISTINCT FROM taken.free
            OR coalesce(given.package, 0) IS DISTINCT FROM taken.package""",
    "law 2, quota": "SELECT * FROM deductions WHERE quota <> minutes * ratio OR minutes <= 0",
    "law 3, balance": "SELECT * FROM grants WHERE quota <> used + balance OR balance < 0",
    "law 3, used": """
        SELECT grants.batch, grants.grant_id, used, opening, sum(deductions.quota)
        FROM grants LEFT JOIN deductions
            ON deductions.account_id = grants.account_id AND deductions.grant_id = grants.grant_id
            AND deductions.batch <= grants.batch
        GROUP BY ALL HAVING used <> opening + coalesce(sum(deductions.quota), 0)""",
    "law 3, deductions have a grant": """
        SELECT deductions.* FROM deductions ANTI JOIN grants
            ON grants.batch = deductions.batch AND grants.grant_id = deductions.grant_id
            AND grants.account_id = deductions.account_id AND grants.kind = grant_kind
            AND deductions.day BETWEEN valid_from AND valid_to AND status NOT IN ('void', 'queued')""",
    "law 3, grants stay": """
        SELECT before.batch, before.grant_id FROM grants AS before
        JOIN batches ON before.batch = batches.batch
        JOIN batches AS next ON next.day = batches.day + 1
        LEFT JOIN grants AS after ON after.batch = next.batch AND after.grant_id = before.grant_id
        WHERE before.valid_to > batches.day AND (after.grant_id IS NULL
            OR (before.account_id, before.kind, before.plan, before.apps, before.quota, before.opening) IS DISTINCT FROM
            (after.account_id, after.kind, after.plan, after.apps, after.quota, after.opening))""",
    "law 4, bills": """
        WITH billed AS (
            SELECT account_id, period_start, period_end, item, sum(exact) AS exact, sum(amount) AS amount
            FROM bills GROUP BY ALL
        ), lines AS (
            SELECT bills.account_id, period_start, period_end, bills.item, sum(bill_lines.amount) AS amount
            FROM bills JOIN bill_lines USING (bill_id) GROUP BY ALL
        )
        SELECT * FROM billed FULL JOIN lines USING (account_id, period_start, period_end, item)
        WHERE billed.exact IS DISTINCT FROM lines.amount OR billed.amount IS DISTINCT FROM round(lines.amount, 2)""",
    "law 4, lines without a bill": """
        SELECT bill_lines.* FROM bill_lines ANTI JOIN bills ON bills.bill_id = bill_lines.bill_id
            AND bills.batch = bill_lines.batch AND bills.account_id = bill_lines.account_id
            AND bills.item = bill_lines.item AND bills.currency = bill_lines.currency
            AND bill_lines.day BETWEEN period_start AND period_end""",
    "law 4, lines": """
        SELECT * FROM bill_lines
        WHERE CAST(amount AS DECIMAL(30, 9)) * CAST(per AS DECIMAL(8, 0)) <> quantity * unit_price
            OR (unit = 'minute' AND quantity <> payg_minutes)""",
    "law 5, closing": "SELECT * FROM accounts WHERE closing <> opening + paid - charged",
    "law 5, opening and paid_total": """
        SELECT * FROM (SELECT *, lag(closing) OVER days AS before, lag(paid_total) OVER days AS paid_before
            FROM accounts WINDOW days AS (PARTITION BY account_id ORDER BY batch))
        WHERE opening <> coalesce(before, opening) OR paid_total <> coalesce(paid_before, 0) + paid""",
    "law 5, charged": """
        SELECT batch, account_id, charged, sum(amount)
        FROM accounts FULL JOIN bills USING (batch, account_id)
        GROUP BY ALL HAVING charged IS DISTINCT FROM coalesce(sum(amount), 0)""",
    "law 6, per batch": """
        SELECT batches.batch, total_rows, total_seconds FROM batches
        WHERE total_rows <> coalesce((SELECT sum(rows) FROM usage_daily WHERE usage_daily.batch = batches.batch), 0)
                + (SELECT count(*) FROM rejects WHERE rejects.batch = batches.batch)
            OR total_seconds <> coalesce((SELECT sum(seconds) FROM usage_daily WHERE usage_daily.batch = batches.batch), 0)
                + coalesce((SELECT sum(seconds) FROM rejects
                    WHERE rejects.batch = batches.batch AND seconds BETWEEN 1 AND 86400), 0)""",
    "every account in every batch": """
        SELECT account_id, batch FROM (SELECT DISTINCT account_id, min(batch) AS first FROM accounts GROUP BY 1)
        JOIN batches ON batch >= first ANTI JOIN accounts USING (account_id, batch)""",
    "usage and lines": """
        WITH used AS (SELECT account_id, day, item, tier, sum(seconds) AS seconds FROM usage_daily GROUP BY ALL),
            billed AS (SELECT account_id, day, item, tier, sum(seconds) AS seconds FROM bill_lines
                WHERE unit = 'minute' GROUP BY ALL)
        SELECT * FROM used FULL JOIN billed USING (account_id, day, item, tier)
        WHERE used.seconds IS DISTINCT FROM billed.seconds""",
}


def check(audit, night):
    night.db.execute("CREATE TABLE batches (batch VARCHAR, day DATE, total_rows BIGINT, total_seconds BIGINT)")
    for record in night.records:
        totals = record["totals"]
        row = [record["batch"], record["day"], totals["rows"], totals["seconds"]]
        night.db.execute("INSERT INTO batches VALUES (?, ?, ?, ?)", row)
    for law, offenders in SQL.items():
        audit.none(f"SQL, {law}", night.rows(offenders))
    for table in ["bill_lines", "bills", "deductions", "grants", "accounts"]:
        audit.some(table, night.rows(f"SELECT count(*) FROM {table}")[0][0])
    in_pandas(audit, night)


class Frames:
    """The additive columns of the tables as Python's integers of the smallest unit: no float comes near them."""

    SCALES = {"exact": 9, "quota": 2, "opening": 2, "used": 2, "balance": 2, "paid": 2, "charged": 2, "closing": 2}

    def __init__(self, output):
        self.output = output

    def read(self, table):
        frame = pandas.read_parquet(self.output / table)
        frame["batch"] = frame["batch"].astype(str)
        scales = {**self.SCALES, "amount": 9 if table == "bill_lines" else 2}
        for column in frame.columns.intersection(list(scales)):
            scale = scales[column]
            frame[column] = pandas.Series([int(value.scaleb(scale)) for value in frame[column]], dtype=object)
        for column in frame.columns[frame.columns.str.endswith("minutes")]:
            frame[column] = frame[column].astype(object)
        return frame


def cents(nanos):
    """Rounds billionths to cents, half away from zero."""
    with localcontext() as context:
        context.clear_traps()
        return int((Decimal(nanos).scaleb(-7)).quantize(Decimal(1), ROUND_HALF_UP))


def in_pandas(audit, night):
    frames = Frames(night.output)
    key = ["account_id", "sdk_app_id", "day", "item", "tier"]
    parts = ["free_minutes", "package_minutes", "payg_minutes", "unbilled_minutes"]
    lines = frames.read("bill_lines")
    by_line = lines.groupby(key)[["minutes", *parts]].sum()
    audit.none("pandas, law 1", by_line[by_line["minutes"] != by_line[parts].sum(axis=1)].index)

    deductions = frames.read("deductions")
    for kind in ["free", "package"]:
        given = deductions[deductions["grant_kind"] == kind].groupby(key)["minutes"].sum()
        taken = by_line[f"{kind}_minutes"]
        audit.none(f"pandas, law 2, {kind}", compare(given, taken[taken != 0]))

    grants = frames.read("grants")
    broken = (grants["quota"] != grants["used"] + grants["balance"]) | (grants["balance"] < 0)
    audit.none("pandas, law 3, balance", grants[broken]["grant_id"])
    latest = grants.sort_values("batch").groupby(["account_id", "grant_id"]).last()
    spent = latest["used"] - latest["opening"]
    given = deductions.groupby(["account_id", "grant_id"])["quota"].sum()
    audit.none("pandas, law 3, used", compare(given, spent[spent != 0]))

    bills = frames.read("bills")
    bill = bills.groupby(["account_id", "period_start", "period_end", "item"])
    sums = lines.merge(bills[["bill_id", "period_start", "period_end"]], on="bill_id")
    sums = sums.groupby(["account_id", "period_start", "period_end", "item"])["amount"].sum()
    audit.none("pandas, law 4, exact", compare(bill["exact"].sum(), sums))
    audit.none("pandas, law 4, amount", compare(bill["amount"].sum(), sums.map(cents)))

    accounts = frames.read("accounts").sort_values(["account_id", "batch"])
    broken = accounts["closing"] != accounts["opening"] + accounts["paid"] - accounts["charged"]
    audit.none("pandas, law 5, closing", accounts[broken]["account_id"])
    before = accounts.groupby("account_id")["closing"].shift()
    audit.none("pandas, law 5, opening", accounts[before.notna() & (before != accounts["opening"])]["account_id"])
    charged = accounts.set_index(["batch", "account_id"])["charged"]
    audit.none("pandas, law 5, charged", compare(bills.groupby(["batch", "account_id"])["amount"].sum(), charged[charged != 0], 0))


def compare(got, expected, absent=None):
    """Keys where two series differ; with `absent`, that value may be left out."""
    got, expected = got.to_dict(), expected.to_dict()
    keys = got.keys() | expected.keys()
    return [key for key in keys if got.get(key, absent) != expected.get(key, absent)]

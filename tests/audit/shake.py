"""Makes a sample's dimensions as awkward as they may be: contracts, cycles that begin within the days, purchases, refunds and
gifts at random instants, queues, payments on the second of a billing time, accounts registered in the middle.

    python shake.py JOB SEED
"""

import csv
import datetime as dt
import random
import sys
import tomllib
from pathlib import Path

CONTRACT = """
[[price_list]]
id = "acme"
base = "list"
from = 2024-10-12
prices = { "av.audio" = "0.5", "av.hd" = "2.123456", "recording.hd" = "4.4" }

[[price_list]]
id = "acme"
base = "list"
from = 2024-10-14
prices = { "av.fhd" = "7.77" }
"""
FIRST = dt.datetime(2024, 10, 11, tzinfo=dt.timezone(dt.timedelta(hours=8)))
PLANS = ["rtc_engine.starter", "rtc_engine.lite", "rtc_engine.standard", "conference.trial", "conference.lite", "call.one_to_one"]


def rewrite(path, change):
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        names, rows = reader.fieldnames, list(reader)
    rows = change(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class Shake:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.apps = {}
        self.other_cycles = set()
        self.late = set()

    def often(self, probability):
        return self.random.random() < probability

    def instant(self, first_day, last_day):
        """Sometimes the first second of a day or a billing time, else any."""
        day = FIRST + dt.timedelta(days=self.random.randint(first_day, last_day))
        second = self.random.choice([0, 10 * 3600, 10 * 3600 + 1, *[self.random.randrange(86_400) for _ in range(5)]])
        return (day + dt.timedelta(seconds=second)).isoformat()

    def accounts(self, rows):
        for row in rows:
            row["payg"] = self.random.choice(["", "auto", "on", "on", "off"])
            row["price_list"] = self.random.choice(["", "list", "acme"])
            before = row["free_anchor"], row["registered_at"]
            if self.often(0.1):
                row["free_anchor"] = (FIRST.date() - dt.timedelta(days=self.random.randint(-5, 200))).isoformat()
            if self.often(0.05):
                row["registered_at"] = self.instant(0, 4)
                self.late.add(row["account_id"])
            if before != (row["free_anchor"], row["registered_at"]):
                self.other_cycles.add(row["account_id"])
        return rows

    def opening(self, rows):
        """Of who was there before the first settled day."""
        return [row for row in rows if row["account_id"] not in self.late]

    def opening_grants(self, rows, quotas):
        """Leaves so little that grants run out in the middle of lines. A free cycle that no longer begins on its day would be
        an error."""
        free = [row["grant_id"] for row in rows if row["grant_id"].startswith("free:")]
        kept = [(id, 10_000) for id in free if id.split(":")[1] not in self.other_cycles]
        left = [(id, quota, self.random.randint(0, 3000)) for id, quota in [*kept, *quotas.items()] if self.often(0.8)]
        return [{"grant_id": id, "used": f"{quota - hundredths / 100:.2f}"} for id, quota, hundredths in left]

    def packages(self, rows):
        for row in rows:
            self.apps.setdefault(row["account_id"], set()).update(row["apps"].split(";"))
        for row in list(rows):
            for copy in range(self.random.choice([0, 0, 1, 2, 3])):
                again = dict(row, package_id=f"{row['package_id']}-{copy}", refunded_at="", refunded_amount="")
                again["apps"] = self.random.choice([row["apps"], row["apps"], "", ";".join(sorted(self.apps[row["account_id"]] - {""}))])
                again["plan"] = self.random.choice([row["plan"], *PLANS])
                again["purchased_at"] = self.instant(-33, 5)
                rows.append(again)
        for row in rows:
            row["gift"] = "true" if self.often(0.2) else ""
            if self.often(0.25):
                after = dt.timedelta(seconds=self.random.randrange(20 * 86_400))
                row["refunded_at"] = (dt.datetime.fromisoformat(row["purchased_at"]) + after).isoformat()
                row["refunded_amount"] = "1.00"
        old = [row for row in rows if row["account_id"] not in self.late]
        before = [row for row in old if dt.datetime.fromisoformat(row["purchased_at"]) < FIRST]
        self.bought_before = {row["package_id"]: row["plan"] for row in before}
        return rows

    def payments(self, rows):
        for number in range(100):
            account = self.random.choice(rows)["account_id"]
            paid_at, amount = self.instant(-1, 5), f"{self.random.randint(-5000, 20_000) / 100:.2f}"
            rows.append({"payment_id": f"extra-{number}", "account_id": account, "paid_at": paid_at, "amount": amount})
        return rows


def main(job, seed):
    job, shake = Path(job), Shake(int(seed))
    folder = job.parent
    catalog = folder / tomllib.loads(job.read_text())["catalog"]
    catalog.write_text(catalog.read_text() + CONTRACT)
    rewrite(folder / "accounts.csv", shake.accounts)
    rewrite(folder / "opening.csv", shake.opening)
    rewrite(folder / "packages.csv", shake.packages)
    minutes = {plan["id"]: plan.get("minutes", 0) for plan in tomllib.loads(catalog.read_text())["plan"]}
    quotas = {id: minutes[plan] for id, plan in shake.bought_before.items() if minutes[plan]}
    rewrite(folder / "opening_grants.csv", lambda rows: shake.opening_grants(rows, quotas))
    rewrite(folder / "payments.csv", shake.payments)


if __name__ == "__main__":
    main(*sys.argv[1:])

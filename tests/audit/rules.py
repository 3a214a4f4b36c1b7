"""The rules of SPEC sections 3.2 to 3.6, 3.8 and 3.9 in plain Python on exact numbers, from the inputs: grants, deductions, lines,
bills and balances, compared with the ledger row by row."""

import datetime as dt
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal, localcontext

from night import add_months, instant

DAY = dt.timedelta(days=1)
WIDE = float("inf")  # of an account-wide grant's scope: only compared


class Package:
    """A purchase, with the dates that its queue gives it."""

    def __init__(self, night, row):
        self.id, self.account = row["package_id"], int(row["account_id"])
        self.apps = frozenset(int(app) for app in (row["apps"] or "").split(";") if app)
        self.plan = night.plans[row["plan"]]
        self.purchased_at = instant(row["purchased_at"])
        self.day = night.local_day(self.purchased_at)
        self.refunded_at = instant(row.get("refunded_at"))
        self.refunded_amount = Decimal(row.get("refunded_amount") or 0)
        self.gift, self.auto_renew = row.get("gift") == "true", row.get("auto_renew") == "true"
        self.first, self.renewals = row["package_id"], 0

    def queue(self, night, start, known_at):
        validity = self.plan["validity"]
        self.start = max(start, self.day)
        if "months" in validity:
            self.end = add_months(self.start, validity["months"]) - DAY
        else:
            self.end = self.start + (validity["days"] - 1) * DAY
        self.refund_day = None
        done = self.end + DAY
        if self.refunded_at and self.refunded_at <= known_at:
            self.refund_day = night.local_day(self.refunded_at)
            done = min(done, max(self.start, self.refund_day))
        return done

    def renewed(self, night, day):
        """The package that follows from the day after on."""
        row = {
            "package_id": f"{self.first}+{self.renewals + 1}", "account_id": self.account, "plan": self.plan["id"],
            "apps": ";".join(str(app) for app in self.apps), "purchased_at": night.start_of(day + DAY).isoformat(),
            "auto_renew": "true",
        }  # fmt: skip
        package = Package(night, row)
        package.first, package.renewals = self.first, self.renewals + 1
        return package

    def covers(self, day):
        return self.start <= day <= self.end and (self.refund_day is None or day < self.refund_day)


class Grant:
    """Quota that a day can use."""

    def __init__(self, grant_id, ratios, order, apps, balance):
        self.id, self.ratios, self.order, self.apps, self.balance = grant_id, ratios, order, apps, balance

    def serves(self, line, tier):
        in_scope = self.apps is None or line[0] in self.apps
        return in_scope and tier in self.ratios


class Books:
    """The state that nights carry on: what grants have used, balances, payments counted."""

    def __init__(self, night):
        self.night = night
        self.accounts = {int(row["account_id"]): row for row in night.dimension("accounts")}
        self.opening_used = {row["grant_id"]: Decimal(row["used"]) for row in night.dimension("opening_grants")}
        self.used = {}
        self.balance = {int(row["account_id"]): Decimal(row["balance"]) for row in night.dimension("opening")}
        self.paid_total = defaultdict(Decimal)
        self.dates = {}
        self.packages = defaultdict(list)
        for row in night.dimension("packages"):
            package = Package(night, row)
            self.packages[package.account].append(package)
        self.expected = {table: {} for table in ["deductions", "bill_lines", "bills", "grants", "accounts"]}

    def used_of(self, grant_id):
        return self.used.setdefault(grant_id, self.opening_used.get(grant_id, Decimal(0)))

    # 3.2 and 3.3

    def free_cycle(self, account, day):
        registered = self.night.local_day(instant(account["registered_at"]))
        anchor = dt.date.fromisoformat(account["free_anchor"]) if account["free_anchor"] else registered
        k = 0
        while add_months(anchor, k + 1) <= day:
            k += 1
        if anchor > day:
            return None
        for free in self.night.catalog["free"]:
            if free.get("registered_from", registered) <= registered and registered < free.get("registered_before", dt.date.max):
                return add_months(anchor, k), add_months(anchor, k + 1) - DAY, free
        return None

    def known_packages(self, account_id, known_at):
        queues = defaultdict(list)
        for package in self.packages[account_id]:
            if package.purchased_at <= known_at:
                queues[package.plan["family"], package.apps].append(package)
        for queue in queues.values():
            start = dt.date.min
            for package in sorted(queue, key=lambda package: (package.purchased_at, package.id)):
                start = package.queue(self.night, start, known_at)
        return [package for queue in queues.values() for package in queue]

    def promoted(self, plan, day):
        return any(
            plan["id"] in promotion["plans"] and promotion["from"] <= day <= promotion["until"]
            for promotion in self.night.catalog.get("scope_promotion", [])
        )

    # The night

    def settle(self, record, usage, payments):
        day = dt.date.fromisoformat(record["day"])
        known_at = self.night.billing_time(day)
        for account_id in sorted(self.accounts):
            account = self.accounts[account_id]
            if instant(account["registered_at"]) > known_at:
                continue
            packages = self.known_packages(account_id, known_at)
            cycle = self.free_cycle(account, day)
            grants = self.usable(account_id, cycle, packages, day)
            lines = self.deduct(usage.get((account_id, day), {}), grants, account_id, day)
            charged = self.bill(account, lines, packages, day, known_at)
            self.grants_of(record["batch"], account_id, cycle, packages, day)
            state = self.account_of(record["batch"], account, day, payments[account_id], charged)
            if state == "active":
                self.renew(account, packages, day)

    def usable(self, account_id, cycle, packages, day):
        """Grants that are valid on the day, in the order of 3.4."""
        grants = []
        if cycle:
            start, end, free = cycle
            grant_id = f"free:{account_id}:{start}"
            balance = Decimal(free["minutes"]) - self.used_of(grant_id)
            grants.append(Grant(grant_id, self.night.ratios[free["ratios"]], (0,), None, balance))
        for package in packages:
            if package.day <= day and package.covers(day) and package.plan.get("minutes"):
                wide = not package.apps or self.promoted(package.plan, day)
                order = (1, WIDE if wide else len(package.apps), package.end, package.purchased_at, package.id)
                balance = package.plan["minutes"] - self.used_of(package.id)
                ratios = self.night.ratios[package.plan["ratios"]]
                grants.append(Grant(package.id, ratios, order, None if wide else package.apps, balance))
        return sorted(grants, key=lambda grant: grant.order)

    def line_order(self, line):
        app, item, tier = line
        return (app == 0, app, list(self.night.items).index(item), self.night.items[item]["tiers"].index(tier))

    def deduct(self, usage, grants, account_id, day):
        """Lines as (app, item, tier) -> [seconds, minutes, free, package], with their deductions booked."""
        lines, periods = {}, defaultdict(dict)
        for (app, item, tier, period), seconds in usage.items():
            line = (0 if self.night.items[item].get("round") == "account" else app, item, tier)
            of_period = periods[period if self.night.period == "5min" else 0]
            of_period[line] = of_period.get(line, 0) + seconds
        for period in sorted(periods):
            for line in sorted(periods[period], key=self.line_order):
                totals = lines.setdefault(line, [0, 0, 0, 0])
                totals[0] += periods[period][line]
                minutes = -(-totals[0] // 60) - totals[1]
                totals[1] += minutes
                self.give(line, minutes, totals, grants, account_id, day)
        return lines

    def give(self, line, rest, totals, grants, account_id, day):
        tier = f"{line[1]}.{line[2]}"
        for grant in grants:
            if not rest or not grant.serves(line, tier):
                continue
            ratio = grant.ratios[tier]
            minutes = min(rest, int(grant.balance // ratio))
            if not minutes:
                continue
            rest -= minutes
            grant.balance -= minutes * ratio
            self.used[grant.id] += minutes * ratio
            kind = "free" if grant.order == (0,) else "package"
            totals[2 if kind == "free" else 3] += minutes
            row = self.expected["deductions"].setdefault((account_id, line[0], day, *line[1:], grant.id), [kind, 0, ratio, 0])
            row[1] += minutes
            row[3] += minutes * ratio

    # 3.5 and 3.6

    def entitled(self, account, line, packages, day):
        payg = account["payg"] or "auto"
        if payg != "auto":
            return payg == "on"
        product = self.night.items[line[1]]["product"]
        return any(
            package.plan["paid"] and package.plan["product"] == product and package.day <= day and package.covers(day)
            and (line[0] == 0 or not package.apps or line[0] in package.apps)
            for package in packages
        )  # fmt: skip

    def bill(self, account, lines, packages, day, known_at):
        account_id, bills = int(account["account_id"]), defaultdict(Decimal)
        for line, (seconds, minutes, free, package) in lines.items():
            app, item, tier = line
            rest = minutes - free - package
            payg = rest if self.entitled(account, line, packages, day) else 0
            per = self.night.items[item]["per"]
            price, price_list = self.night.price(account["price_list"] or "list", day, f"{item}.{tier}")
            amount = payg * (price or 0) / per
            bill_id = f"{account_id}/{day}/{item}"
            bills[item] += amount
            self.expected["bill_lines"][account_id, app, day, item, tier] = (
                bill_id, seconds, minutes, free, package, payg, rest - payg, payg, "minute", price or 0, per, amount,
                self.night.catalog["currency"], price_list,
            )  # fmt: skip
        self.packages_of(account_id, packages, day, bills)
        charged = Decimal(0)
        for item, exact in bills.items():
            with localcontext() as context:
                context.clear_traps()
                amount = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
            charged += amount
            self.expected["bills"][f"{account_id}/{day}/{item}"] = (
                account_id, day, day, item, "daily", exact, amount, self.night.catalog["currency"],
                int(known_at.timestamp()) * 1_000_000, None,
            )  # fmt: skip
        return charged

    # 3.8

    def packages_of(self, account_id, packages, day, bills):
        """Lines of what was bought or given back on the day."""
        bought, returned = defaultdict(int), []
        for package in packages:
            app = next(iter(package.apps)) if len(package.apps) == 1 else 0
            if package.day == day and not package.gift and "price" in package.plan:
                bought[app, package.plan["id"]] += 1
            if package.refund_day == day:
                returned.append((app, package))
        for (app, plan), count in bought.items():
            self.package_line(account_id, app, day, "package", plan, count, Decimal(self.night.plans[plan]["price"]), bills)
        for app, package in returned:
            self.package_line(account_id, app, day, "refund", package.id, -1, package.refunded_amount, bills)

    def package_line(self, account_id, app, day, item, tier, quantity, price, bills):
        bills[item] += quantity * price
        self.expected["bill_lines"][account_id, app, day, item, tier] = (
            f"{account_id}/{day}/{item}", 0, 0, 0, 0, 0, 0, quantity, "package", price, 1, quantity * price,
            self.night.catalog["currency"], None,
        )  # fmt: skip

    def renew(self, account, packages, day):
        account_id = int(account["account_id"])
        funds = self.balance[account_id] + Decimal(account["credit_limit"] or 0)
        order = lambda package: (package.purchased_at, package.id)  # noqa: E731
        for package in sorted(packages, key=order):
            plan, price = package.plan, Decimal(package.plan.get("price", 0))
            same_queue = [
                other for other in packages
                if (other.plan["family"], other.apps) == (plan["family"], package.apps) and other.refund_day is None
            ]  # fmt: skip
            sold = [other.plan["id"] for other in packages if not other.gift]
            due = package.auto_renew and not package.gift and "price" in plan and package.end == day
            followed = any(order(other) > order(package) for other in same_queue)
            allowed = sold.count(plan["id"]) < plan.get("max_purchases", WIDE)
            allowed = allowed and not set(sold) & set(plan.get("new_customers_of", []))
            if due and package.refund_day is None and not followed and allowed and funds >= price:
                funds -= price
                self.packages[account_id].append(package.renewed(self.night, day))

    # 3.9

    def dates_of(self, account, opening, charged, day):
        """State and dates after the day's events; those of the sample never come to a removal or a violation."""
        account_id, limit = int(account["account_id"]), -Decimal(account["credit_limit"] or 0)
        before = self.night.start_of(day) if day == self.night.days[0] else self.night.billing_time(day - DAY)
        after = self.night.billing_time(day)
        since, suspended = self.dates.get(account_id, (None, None))
        balance, events = opening, defaultdict(Decimal)
        for row in self.night.dimension("payments"):
            at = instant(row["paid_at"])
            in_window = before <= at if day == self.night.days[0] else before < at
            if int(row["account_id"]) == account_id and in_window and at <= after:
                events[at] += Decimal(row["amount"])
        for at, amount, is_charge in [*((at, events[at], False) for at in sorted(events)), (after, -charged, True)]:
            deadline = since and since + DAY
            if since and not suspended and (deadline < at or is_charge and deadline == at):
                suspended = deadline
            balance += amount
            if balance >= limit:
                since = suspended = None
            elif not since:
                since = at
        self.dates[account_id] = (since, suspended)
        dates = [since, since and since + DAY, suspended, suspended and suspended + 60 * DAY]
        micros = [at and int(at.timestamp() * 1_000_000) for at in dates]
        return "suspended" if suspended else "overdue" if since else "active", *micros

    # Snapshots

    def grants_of(self, batch, account_id, cycle, packages, day):
        rows = []
        if cycle:
            start, end, free = cycle
            rows.append((f"free:{account_id}:{start}", "free", "free", None, start, end, Decimal(free["minutes"]), None))
        for package in packages:
            if package.day <= day <= package.end:
                apps = ";".join(str(app) for app in sorted(package.apps)) or None
                quota = Decimal(package.plan.get("minutes", 0))
                rows.append((package.id, "package", package.plan["id"], apps, package.start, package.end, quota, package.refund_day))
        for grant_id, kind, plan, apps, start, end, quota, refunded in rows:
            used, opening = self.used_of(grant_id), self.opening_used.get(grant_id, Decimal(0))
            statuses = [(refunded, "refunded"), (end == day, "expired"), (start > day, "queued"), (used == quota, "exhausted")]
            status = next((status for holds, status in statuses if holds), "active")
            self.expected["grants"][batch, account_id, grant_id] = (
                kind, plan, apps, start, end, quota, opening, used, quota - used, status,
            )  # fmt: skip

    def account_of(self, batch, account, day, paid_until_now, charged):
        account_id = int(account["account_id"])
        opening = self.balance.get(account_id, Decimal(0))
        paid = paid_until_now - self.paid_total[account_id]
        self.paid_total[account_id] = paid_until_now
        self.balance[account_id] = opening + paid - charged
        state = self.dates_of(account, opening, charged, day)
        self.expected["accounts"][batch, account_id] = (
            day, opening, paid, charged, self.balance[account_id], paid_until_now, *state,
        )  # fmt: skip
        return state[0]


def usage_of(night):
    """By account and day, what metering.py summed from the raw rows."""
    usage = defaultdict(dict)
    for account_id, app, day, item, tier, period, seconds in night.rows(
        "SELECT account_id, sdk_app_id, day, item, tier, period, CAST(seconds AS BIGINT) FROM metered"
    ):
        usage[account_id, day][app, item, tier, period] = seconds
    return usage


def payments_until(night, known_at):
    """Sums by account of payments from the first settled day on."""
    sums = defaultdict(Decimal)
    for row in night.dimension("payments"):
        if night.start_of(night.days[0]) <= instant(row["paid_at"]) <= known_at:
            sums[int(row["account_id"])] += Decimal(row["amount"])
    return sums


# Columns, the first of them the key, and of how many the key is.
TABLES = {
    "deductions": ("account_id, sdk_app_id, day, item, tier, grant_id, grant_kind, minutes, ratio, quota", 6),
    "bill_lines": (
        "account_id, sdk_app_id, day, item, tier, bill_id, seconds, minutes, free_minutes, package_minutes, payg_minutes, "
        "unbilled_minutes, quantity, unit, unit_price, per, amount, currency, price_list",
        5,
    ),
    "bills": (
        "bill_id, account_id, period_start, period_end, item, cadence, exact, amount, currency, epoch_us(issued_at), corrects",
        1,
    ),
    "grants": (
        "batch, account_id, grant_id, kind, plan, apps, valid_from, valid_to, quota, opening, used, balance, status",
        3,
    ),
    "accounts": (
        "batch, account_id, day, opening, paid, charged, closing, paid_total, state, epoch_us(overdue_since), "
        "epoch_us(suspend_at), epoch_us(suspended_at), epoch_us(remove_at)",
        2,
    ),
}


def check(audit, night):
    books, usage = Books(night), usage_of(night)
    for record in night.records:
        known_at = night.billing_time(dt.date.fromisoformat(record["day"]))
        books.settle(record, usage, payments_until(night, known_at))
    for table, (columns, key) in TABLES.items():
        rows = night.rows(f"SELECT {columns} FROM {table}")
        got = {plain(row[:key]): row[key:] for row in rows}
        expected = {plain(key): tuple(row) for key, row in books.expected[table].items()}
        audit.same(f"keys of {table}", len(got), len(rows))
        audit.some(table, len(got))
        audit.same_rows(table, got, expected)


def plain(key):
    return key[0] if isinstance(key, tuple) and len(key) == 1 else key

//! One account and its facts, built from short texts, and its day as text.

use chrono::{DateTime, NaiveTime, Utc};
use nightbill::catalog::book::{Book, PriceListId, ProductId};
use nightbill::rules::account_day::{AccountDay, AccountFacts, DayContext, DeductionPeriod, settle_account_day};
use nightbill::rules::error::RuleError;
use nightbill::rules::facts::{
    Account, DisabledApp, ExhaustedApp, Opening, OpeningGrant, Package, Payg, Payment, RefundRequest, UsageGroup,
};
use nightbill::rules::flags::{Flag, FlagKind};
use nightbill::rules::recorder::{Fate, Recorder, Rest, Step};
use nightbill::units::calendar::Calendar;
use nightbill::units::quantity::{AccountId, BillingDay, Cents, Instant, Quota, SdkAppId, Seconds};

use crate::book::{book, day, plan_id, tier_id, tier_name};

/// An account with no free minutes, no packages and nothing used, on 2024-06-15 in Shanghai.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) book: Book,
    pub(crate) calendar: Calendar,
    pub(crate) day: BillingDay,
    pub(crate) first_settled_day: BillingDay,
    pub(crate) period: DeductionPeriod,
    pub(crate) account: Account<'static>,
    pub(crate) packages: Vec<Package<'static>>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) requests: Vec<RefundRequest<'static>>,
    pub(crate) disabled: Vec<DisabledApp>,
    pub(crate) usage: Vec<UsageGroup>,
    pub(crate) dunning_from: BillingDay,
    pub(crate) opening: Opening,
}

impl std::fmt::Debug for World {
    /// All but the book.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} by {:?}, {:?}", self.day, self.period, self.account)?;
        writeln!(f, "{:?} {:?}", self.packages, self.payments)?;
        writeln!(f, "{:?} {:?}", self.usage, self.opening)
    }
}

pub(crate) fn at(text: &str) -> Instant {
    Instant::from(text.parse::<DateTime<Utc>>().unwrap())
}

pub(crate) fn cents(text: &str) -> Cents {
    Cents::parse(text).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let mut book = book();
        book.free.clear();
        Self {
            book,
            calendar: Calendar::new(chrono_tz::Asia::Shanghai, NaiveTime::from_hms_opt(10, 0, 0).unwrap()),
            day: day("2024-06-15"),
            first_settled_day: day("2024-01-01"),
            period: DeductionPeriod::Day,
            account: Account {
                id: AccountId::new(7).unwrap(),
                registered_at: at("2024-01-01T00:00:00Z"),
                free_anchor: None,
                price_list: PriceListId(0),
                payg: Payg::Auto,
                credit_limit: Cents::ZERO,
                products: &[ProductId(0), ProductId(1)],
                violation_at: None,
            },
            packages: Vec::new(),
            payments: Vec::new(),
            requests: Vec::new(),
            disabled: Vec::new(),
            usage: Vec::new(),
            dunning_from: day("2024-01-01"),
            opening: Opening::default(),
        }
    }

    pub(crate) fn on(mut self, text: &str) -> Self {
        self.day = day(text);
        self
    }

    /// With the 10,000 free minutes of the guide, the cycles counted from `anchor`.
    pub(crate) fn with_free_minutes(mut self, anchor: &str) -> Self {
        self.book.free = book().free;
        self.account.free_anchor = Some(day(anchor));
        self
    }

    pub(crate) fn payg(mut self, payg: Payg) -> Self {
        self.account.payg = payg;
        self
    }

    pub(crate) fn in_five_minutes(mut self) -> Self {
        self.period = DeductionPeriod::FiveMinutes;
        self
    }

    /// `id plan apps purchased_at`, apps `;`-separated or `-`, and maybe `gift`, `renew`, `refunded=<instant>`, `amount=<refunded>`.
    pub(crate) fn package(mut self, text: &str) -> Self {
        let word: Vec<&'static str> = text.to_owned().leak().split_whitespace().collect();
        let apps: Vec<SdkAppId> = word[2]
            .split(';')
            .filter(|app| *app != "-")
            .map(|app| SdkAppId::new(app.parse().unwrap()).unwrap())
            .collect();
        self.packages.push(Package {
            id: word[0],
            apps: apps.leak(),
            plan: plan_id(&self.book, word[1]),
            purchased_at: at(word[3]),
            gift: word.contains(&"gift"),
            auto_renew: word.contains(&"renew"),
            refunded_at: word.iter().find_map(|word| word.strip_prefix("refunded=")).map(at),
            refunded_amount: word
                .iter()
                .find_map(|word| word.strip_prefix("amount="))
                .map_or(Cents::ZERO, cents),
        });
        self
    }

    /// `id requested_at`.
    pub(crate) fn request(mut self, text: &str) -> Self {
        let (package, requested_at) = text.to_owned().leak().split_once(' ').unwrap();
        self.requests.push(RefundRequest {
            package,
            requested_at: at(requested_at),
        });
        self
    }

    pub(crate) fn disabled(mut self, app: i64, since: &str) -> Self {
        self.disabled.push(DisabledApp {
            app: SdkAppId::new(app).unwrap(),
            since: at(since),
        });
        self
    }

    pub(crate) fn violated(mut self, text: &str) -> Self {
        self.account.violation_at = Some(at(text));
        self
    }

    pub(crate) fn credit_limit(mut self, limit: &str) -> Self {
        self.account.credit_limit = cents(limit);
        self
    }

    pub(crate) fn opening_balance(mut self, balance: &str) -> Self {
        self.opening.balance = cents(balance);
        self
    }

    /// The next day, with what the ledger says then, nothing used yet.
    pub(crate) fn next_day(&self) -> Self {
        let mut next = self.clone();
        next.opening = opening_after(&self.settle());
        next.day = self.day.checked_add_days(1).unwrap();
        next.usage.clear();
        next
    }

    /// Settles up to a day, the first of them this world's.
    pub(crate) fn until(&self, text: &str) -> Self {
        let mut world = self.clone();
        while world.day < day(text) {
            world = world.next_day();
        }
        world
    }

    /// Seconds of an app in a tier `item.tier`.
    pub(crate) fn used(self, app: i64, tier: &str, seconds: i64) -> Self {
        self.used_in_period(app, tier, 0, seconds)
    }

    /// Seconds of an app in a meter, at an aggregate resolution.
    pub(crate) fn metered(self, app: i64, meter: &str, pixels: i64, seconds: i64) -> Self {
        let found = self.book.meters.iter().find(|one| one.id == meter).unwrap();
        let tier = tier_name(&self.book, found.tier_of(pixels));
        self.used(app, &tier, seconds)
    }

    pub(crate) fn used_in_period(mut self, app: i64, tier: &str, period: u16, seconds: i64) -> Self {
        let key = (SdkAppId::new(app).unwrap(), tier_id(&self.book, tier), period);
        let seconds = Seconds::new(seconds);
        match self
            .usage
            .binary_search_by_key(&key, |group| (group.app, group.tier, group.period))
        {
            Ok(found) => {
                let group = &mut self.usage[found];
                group.seconds = group.seconds.plus(seconds).unwrap();
                group.rows += 1;
            }
            Err(place) => self.usage.insert(
                place,
                UsageGroup {
                    app: key.0,
                    tier: key.1,
                    period,
                    seconds,
                    rows: 1,
                },
            ),
        }
        self
    }

    /// A grant of which the ledger knows that this much is used.
    pub(crate) fn opening_grant(mut self, id: &str, opening: &str, used: &str) -> Self {
        self.opening.grants.push(OpeningGrant {
            id: id.to_owned(),
            opening: Quota::parse(opening).unwrap(),
            used: Quota::parse(used).unwrap(),
        });
        self
    }

    /// Removed then: what it had is void.
    pub(crate) fn removed(mut self, text: &str) -> Self {
        self.opening.carried.removals.push(at(text));
        self
    }

    pub(crate) fn paid(mut self, paid_at: &str, amount: &str) -> Self {
        self.payments.push(Payment {
            paid_at: at(paid_at),
            amount: cents(amount),
        });
        self
    }

    /// The billing time of the day before, as every night but the first has it.
    pub(crate) fn billed_before(&self) -> Option<Instant> {
        let before = self.day.checked_add_days(-1)?;
        (self.day > self.first_settled_day).then(|| self.calendar.billing_instant(before).unwrap())
    }

    pub(crate) fn try_settle(&self, recorder: Option<&mut dyn Recorder>) -> Result<AccountDay<'_>, RuleError> {
        let context = DayContext {
            book: &self.book,
            calendar: &self.calendar,
            day: self.day,
            deduction_period: self.period,
            first_settled_day: self.first_settled_day,
            billed_before: self.billed_before(),
            dunning_from: self.dunning_from,
        };
        let facts = AccountFacts {
            account: self.account,
            packages: &self.packages,
            payments: &self.payments,
            requests: &self.requests,
            disabled: &self.disabled,
            usage: &self.usage,
            measured: &[],
            opening: &self.opening,
        };
        settle_account_day(context, facts, recorder)
    }

    pub(crate) fn settle(&self) -> AccountDay<'_> {
        self.try_settle(None).unwrap()
    }

    /// `<app> <item>.<tier> <minutes>`, then what they are made of, parts of 0 left out.
    pub(crate) fn lines(&self) -> Vec<String> {
        let day = self.settle();
        let line = |line: &nightbill::rules::account_day::BillLine| {
            let mut text = format!("{} {} {}", line.app, tier_name(&self.book, line.tier), line.minutes);
            for (minutes, part) in [
                (line.free_minutes, "free"),
                (line.package_minutes, "package"),
                (line.payg_minutes, "payg"),
                (line.unbilled_minutes, "unbilled"),
            ] {
                if minutes.get() != 0 {
                    text += &format!(" {part} {minutes}");
                }
            }
            text
        };
        day.lines.iter().map(line).collect()
    }

    /// `<item> <exact> <amount>`.
    pub(crate) fn bills(&self) -> Vec<String> {
        let day = self.settle();
        let bills = day.bills.iter();
        bills
            .map(|bill| format!("{} {} {}", bill.item.name(&self.book), bill.exact, bill.amount))
            .collect()
    }

    /// `<app> <item>.<tier> <grant> <minutes> x <ratio> = <quota>`.
    pub(crate) fn deductions(&self) -> Vec<String> {
        let day = self.settle();
        let text = |row: &nightbill::rules::account_day::Deduction<'_>| {
            let tier = tier_name(&self.book, row.tier);
            format!(
                "{} {tier} {} {} x {} = {}",
                row.app, row.grant, row.minutes, row.ratio, row.quota
            )
        };
        day.deductions.iter().map(text).collect()
    }

    /// `<id> <valid_from> <valid_to> used <used> of <quota> <status>`.
    pub(crate) fn grants(&self) -> Vec<String> {
        let day = self.settle();
        let text = |row: &nightbill::rules::account_day::GrantState<'_>| {
            let (status, dates) = (row.status.as_str(), format!("{} {}", row.valid_from, row.valid_to));
            format!("{} {dates} used {} of {} {status}", row.grant, row.used, row.quota)
        };
        day.grants.iter().map(text).collect()
    }
}

/// What the ledger would say on the next morning: the snapshots, and the flags that go on.
pub(crate) fn opening_after(day: &AccountDay<'_>) -> Opening {
    let grant = |grant: &nightbill::rules::account_day::GrantState<'_>| OpeningGrant {
        id: grant.grant.to_string(),
        opening: grant.opening,
        used: grant.used,
    };
    let exhausted = |flag: &&Flag| flag.kind == FlagKind::FreeExhausted;
    Opening {
        balance: day.balance.closing,
        paid_total: day.balance.paid_total,
        grants: day.grants.iter().map(grant).collect(),
        standing: day.standing,
        exhausted: day
            .flags
            .iter()
            .filter(exhausted)
            .map(|flag| ExhaustedApp {
                app: flag.app,
                product: flag.product,
                since: flag.since,
            })
            .collect(),
        carried: day.carried.clone(),
    }
}

/// Keeps every step, its grant as text, and `<app> <minutes> <fate>` of what grants left.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) Vec<KeptStep>, pub(crate) Vec<String>);

/// A [`Step`] that owns its grant's id.
#[derive(Debug, Clone)]
pub(crate) struct KeptStep {
    pub(crate) line: (SdkAppId, nightbill::catalog::book::TierId, u16),
    pub(crate) grant: String,
    pub(crate) outcome: nightbill::rules::recorder::Outcome,
}

impl Recorder for Kept {
    fn record(&mut self, step: &Step<'_>) {
        self.0.push(KeptStep {
            line: (step.app, step.tier, step.period),
            grant: step.grant.to_string(),
            outcome: step.outcome,
        });
    }

    fn record_rest(&mut self, rest: &Rest<'_>) {
        let fate = match rest.fate {
            Fate::PaygOn => "payg on".to_owned(),
            Fate::PaidPackage(package) => format!("paid package {package}"),
            Fate::PaygOff => "payg off".to_owned(),
            Fate::NoPaidPackage => "no paid package".to_owned(),
            Fate::NoPrice => "no price".to_owned(),
        };
        self.1.push(format!("{} {} {fate}", rest.app, rest.minutes));
    }
}

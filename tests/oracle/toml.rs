//! The border: a world's job and catalog as the files that say the same.

use std::fmt::Write;

use chrono::NaiveDate;

use super::scenario::{
    Catalog, FreeMinutes, Item, Kind, Meter, Plan, PriceListEntry, Product, RatioTable, RefundKind, Setting, Validity,
};

/// The job file, which posts to `output`.
pub fn job_file(setting: &Setting, output: &str) -> String {
    let (hour, minute) = setting.billing_time;
    let period = if setting.five_minutes { "5min" } else { "day" };
    let shape = if setting.by_the_day { "daily" } else { "seconds" };
    let zone = setting.partition_zone;
    let partitions = match zone == setting.zone {
        true => String::new(),
        false => format!(", partition_timezone = \"{}\"", zone.name()),
    };
    let dunning = setting.dunning_from;
    let dunning = dunning.map_or_else(String::new, |day| format!("dunning_from = {day}\n"));
    format!(
        "name = \"oracle\"\ntimezone = \"{}\"\nbilling_time = \"{hour:02}:{minute:02}\"\ncatalog = \"catalog.toml\"\n\
         output = \"file:{output}\"\ndeduction_period = \"{period}\"\nmax_rejected_rows = 1000000\nmin_day_ratio = 0\n\
         max_new_suspensions = {}\n{dunning}\n[inputs]\nusage = {{ url = \"file:usage\", shape = \"{shape}\"{partitions} }}\n\
         accounts = \"file:accounts.csv\"\npackages = \"file:packages.csv\"\npayments = \"file:payments.csv\"\n\
         apps = \"file:apps.csv\"\nrefund_requests = \"file:refund_requests.csv\"\nopening = \"file:opening.csv\"\n\
         opening_grants = \"file:opening_grants.csv\"\nrelay = {{ url = \"file:relay\"{partitions} }}\n\
         screenshots = {{ url = \"file:screenshots\"{partitions} }}\nlogins = {{ url = \"file:logins\"{partitions} }}\n",
        setting.zone.name(),
        setting.max_new_suspensions,
    )
}

/// The catalog file.
pub fn catalog_file(catalog: &Catalog) -> String {
    let mut text = "currency = \"USD\"\n".to_owned();
    let out = &mut text;
    catalog.meters.iter().for_each(|it| meter(out, it));
    catalog.items.iter().for_each(|it| item(out, it));
    catalog.price_lists.iter().for_each(|it| price_list(out, it));
    catalog.ratios.iter().for_each(|it| ratios(out, it));
    catalog.free.iter().for_each(|it| free(out, it));
    catalog.plans.iter().for_each(|it| plan(out, it));
    for offer in &catalog.promotions {
        let (plans, from, until) = (list(&offer.plans), offer.from, offer.until);
        line(
            out,
            &format!("[[scope_promotion]]\nplans = {plans}\nfrom = {from}\nuntil = {until}"),
        );
    }
    catalog.products.iter().for_each(|it| product(out, it));
    text
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

fn list(ids: &[String]) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn named(pairs: &[(String, String)]) -> String {
    let quoted: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("\"{name}\" = \"{value}\""))
        .collect();
    format!("{{ {} }}", quoted.join(", "))
}

fn day_line(out: &mut String, key: &str, day: Option<NaiveDate>) {
    if let Some(day) = day {
        line(out, &format!("{key} = {day}"));
    }
}

fn meter(out: &mut String, meter: &Meter) {
    let tiers = meter.tiers.iter();
    let tiers: Vec<String> = tiers
        .map(|(pixels, tier)| format!("{{ max_pixels = {pixels}, tier = \"{tier}\" }}"))
        .collect();
    let (id, item) = (&meter.id, &meter.item);
    line(
        out,
        &format!(
            "[[meter]]\nid = \"{id}\"\nitem = \"{item}\"\ntiers = [{}]",
            tiers.join(", ")
        ),
    );
}

fn item(out: &mut String, item: &Item) {
    let (id, product, per) = (&item.id, &item.product, item.per);
    line(
        out,
        &format!("[[item]]\nid = \"{id}\"\nproduct = \"{product}\"\nper = {per}"),
    );
    line(out, &format!("tiers = {}", list(&item.tiers)));
    let cadence = if item.is_daily { "daily" } else { "monthly" };
    line(out, &format!("cadence = \"{cadence}\""));
    match &item.kind {
        Kind::Duration { account_rounded } => {
            let round = if *account_rounded { "account" } else { "app" };
            line(out, &format!("kind = \"duration\"\nround = \"{round}\""));
        }
        Kind::Peak {
            interval_seconds,
            free_if_at_most,
        } => {
            let free = named(free_if_at_most);
            line(out, "kind = \"peak\"");
            line(
                out,
                &format!("interval_seconds = {interval_seconds}\nfree_if_at_most = {free}"),
            );
        }
        Kind::Count {
            free_quantity,
            round_up_to,
        } => {
            line(out, "kind = \"count\"");
            line(
                out,
                &format!("free_quantity = {free_quantity}\nround_up_to = {round_up_to}"),
            );
        }
        Kind::Unique => line(out, "kind = \"unique\""),
    }
    if item.unpriced_is_unbilled {
        line(out, "unpriced = \"unbilled\"");
    }
}

fn price_list(out: &mut String, entry: &PriceListEntry) {
    let (id, from) = (&entry.id, entry.from);
    line(out, &format!("[[price_list]]\nid = \"{id}\"\nfrom = {from}"));
    if let Some(base) = &entry.base {
        line(out, &format!("base = \"{base}\""));
    }
    line(out, &format!("prices = {}", named(&entry.prices)));
}

fn ratios(out: &mut String, table: &RatioTable) {
    let minutes = named(&table.minutes);
    line(out, &format!("[[ratios]]\nid = \"{}\"\nminutes = {minutes}", table.id));
}

fn free(out: &mut String, rule: &FreeMinutes) {
    let (minutes, ratios) = (rule.minutes, &rule.ratios);
    line(out, &format!("[[free]]\nminutes = {minutes}\nratios = \"{ratios}\""));
    day_line(out, "registered_from", rule.registered_from);
    day_line(out, "registered_before", rule.registered_before);
    if let Some(cycles) = rule.cycles {
        line(out, &format!("cycles = {cycles}"));
    }
}

fn plan(out: &mut String, plan: &Plan) {
    let (id, product, family) = (&plan.id, &plan.product, &plan.family);
    line(
        out,
        &format!("[[plan]]\nid = \"{id}\"\nproduct = \"{product}\"\nfamily = \"{family}\""),
    );
    let (minutes, mau, paid) = (plan.minutes, plan.mau, plan.paid);
    line(out, &format!("minutes = {minutes}\nmau = {mau}\npaid = {paid}"));
    if let Some(price) = &plan.price {
        line(out, &format!("price = \"{price}\""));
    }
    if let Some(ratios) = &plan.ratios {
        line(out, &format!("ratios = \"{ratios}\""));
    }
    let validity = match plan.validity {
        Validity::Months(months) => format!("months = {months}"),
        Validity::Days(days) => format!("days = {days}"),
    };
    line(out, &format!("validity = {{ {validity} }}"));
    if let Some(most) = plan.max_purchases {
        line(out, &format!("max_purchases = {most}"));
    }
    if !plan.new_customers_of.is_empty() {
        line(out, &format!("new_customers_of = {}", list(&plan.new_customers_of)));
    }
    let refund = match plan.refund {
        RefundKind::None => "none",
        RefundKind::Full => "full",
        RefundKind::Prorated => "prorated",
    };
    line(out, &format!("refund = \"{refund}\""));
    if plan.free_on_expiry {
        line(out, "on_expiry = \"free\"");
    }
}

fn product(out: &mut String, product: &Product) {
    let (id, grace, removal) = (&product.id, product.grace_hours, product.removal_days);
    line(
        out,
        &format!("[[product]]\nid = \"{id}\"\ngrace_hours = {grace}\nremoval_days = {removal}"),
    );
    for policy in &product.policies {
        line(out, &format!("[[product.policy]]\nfrom = {}", policy.from));
        for (key, actions) in [
            ("on_overdue", &policy.on_overdue),
            ("on_suspended", &policy.on_suspended),
            ("on_removed", &policy.on_removed),
            ("on_stopped", &policy.on_stopped),
        ] {
            line(out, &format!("{key} = {}", list(actions)));
        }
        line(
            out,
            &format!("stop_rooms_within_hours = {}", policy.stop_rooms_within_hours),
        );
    }
}

//! What `check` understood, for people.

use super::check_catalog::{CatalogPart, FreePart, ItemPart, PlanPart, ProductPart, PromotionPart};
use super::check_report::CheckReport;
use super::format::{Align, Table, bytes, counted, money, pairs, plain, thousands};
use super::terminal::Look;

/// The report as text.
pub(crate) fn text(report: &CheckReport, look: Look) -> String {
    let job = &report.job;
    let catalog = &report.catalog;
    let title = format!("{}: {} and its catalog and dimensions are valid", job.name, job.path);
    let sections = [
        (String::new(), job_lines(report)),
        ("Inputs".to_owned(), inputs(report, look)),
        (
            format!(
                "Prices in {} of list `list` on {}, and quota minutes per usage minute",
                catalog.currency, catalog.prices_on
            ),
            prices(catalog, look),
        ),
        ("Price lists".to_owned(), price_lists(catalog)),
        ("Free minutes, by registration day".to_owned(), free(catalog)),
        ("Plans".to_owned(), plans(catalog, look)),
        ("Scope promotions".to_owned(), promotions(catalog)),
        ("Products".to_owned(), products(catalog)),
    ];
    let mut text = format!("{}\n", look.good(&title));
    for (heading, body) in sections.iter().filter(|(_, body)| !body.is_empty()) {
        text.push('\n');
        if !heading.is_empty() {
            text.push_str(&format!("{}\n", look.bold(heading)));
        }
        text.push_str(body);
    }
    text.push_str(&format!("\nnext: {}\n", report.next));
    text
}

fn job_lines(report: &CheckReport) -> String {
    let job = &report.job;
    let deduction = match job.deduction_period {
        "day" => "once a day".to_owned(),
        _ => "every five minutes".to_owned(),
    };
    let duplicates = if job.allow_duplicate_files {
        "allowed"
    } else {
        "refused"
    };
    pairs(
        &[
            (
                "billing days",
                format!("{}, billed at {} on the day after", job.timezone, job.billing_time),
            ),
            ("deduction", deduction),
            ("catalog", job.catalog.clone()),
            ("output", job.output.clone()),
            (
                "rejected rows",
                format!("at most {} a day", thousands(job.max_rejected_rows)),
            ),
            (
                "thin day",
                format!("fewer rows than {} of the mean of the days before", job.min_day_ratio),
            ),
            ("equal files", duplicates.to_owned()),
            (
                "late data",
                format!(
                    "looked for up to {} back, warned of, not yet billed",
                    counted(job.lookback_days, "day", "days")
                ),
            ),
            (
                "dunning",
                format!(
                    "from {}, at most {} new suspensions a day",
                    job.dunning_from.as_deref().unwrap_or("the first settled day"),
                    thousands(job.max_new_suspensions)
                ),
            ),
        ],
        Align::Left,
    )
}

fn inputs(report: &CheckReport, look: Look) -> String {
    let usage = &report.usage;
    let mut table = Table::new([
        ("input", Align::Left),
        ("holds", Align::Right),
        ("location", Align::Left),
    ]);
    table.row([
        "usage".to_owned(),
        files_of(usage.files, usage.bytes),
        usage.location.clone(),
    ]);
    for input in &report.inputs {
        if let Some(location) = &input.location {
            let rows = input.rows.map(|rows| counted(rows, "row", "rows"));
            let files = input
                .files
                .zip(input.bytes)
                .map(|(files, bytes)| files_of(files, bytes));
            let holds = rows.or(files).unwrap_or_default();
            table.row([input.input.to_owned(), holds, location.clone()]);
        }
    }
    let mut text = table.render(look);
    text.push_str(&match (&usage.first_partition, &usage.last_partition) {
        (Some(first), Some(last)) => format!(
            "  usage has shape `{}`, partitions {first} to {last} ({})\n",
            usage.shape, usage.partition_timezone
        ),
        _ => format!(
            "  usage has shape `{}` and no partition yet ({})\n",
            usage.shape, usage.partition_timezone
        ),
    });
    let absent: Vec<&str> = report
        .inputs
        .iter()
        .filter(|input| input.location.is_none())
        .map(|input| input.input)
        .collect();
    if !absent.is_empty() {
        text.push_str(&format!("  not given: {}\n", absent.join(", ")));
    }
    text
}

fn files_of(count: usize, size: u64) -> String {
    format!("{}, {}", counted(count, "file", "files"), bytes(size))
}

fn prices(catalog: &CatalogPart, look: Look) -> String {
    let fixed = [
        ("item".to_owned(), Align::Left),
        ("tier".to_owned(), Align::Left),
        ("price".to_owned(), Align::Right),
        ("per".to_owned(), Align::Left),
    ];
    let ratios = catalog.ratio_tables.iter().map(|table| (table.clone(), Align::Right));
    let mut table = Table::new(
        fixed
            .into_iter()
            .chain(ratios)
            .chain([("billed".to_owned(), Align::Left)]),
    );
    for item in &catalog.items {
        for (position, tier) in item.tiers.iter().enumerate() {
            let first = position == 0;
            let mut cells = vec![
                if first { item.id.clone() } else { String::new() },
                tier.tier.clone(),
                tier.price.as_deref().map_or_else(|| "none".to_owned(), money),
                per(item),
            ];
            cells.extend(
                tier.ratios
                    .iter()
                    .map(|ratio| ratio.as_deref().map_or_else(|| "-".to_owned(), plain)),
            );
            cells.push(if first { billed(item) } else { String::new() });
            table.row(cells);
        }
    }
    table.render(look)
}

fn per(item: &ItemPart) -> String {
    let unit = match item.unit {
        "mbps" => "Mbps",
        unit => unit,
    };
    match item.per {
        1 => unit.to_owned(),
        per if unit == "Mbps" => format!("{} {unit}", thousands(per)),
        per => format!("{} {unit}s", thousands(per)),
    }
}

fn billed(item: &ItemPart) -> String {
    let mut words = vec![item.cadence.to_owned()];
    if item.kind == "duration" {
        words.push(format!("per {}", item.round));
    }
    words.extend(item.details.iter().cloned());
    if item.tiers.iter().any(|tier| tier.price.is_none()) {
        words.push(
            match item.unpriced {
                "stop" => "a run that needs the missing price stops",
                _ => "without price unbilled",
            }
            .to_owned(),
        );
    }
    words.join(", ")
}

fn price_lists(catalog: &CatalogPart) -> String {
    let lines = catalog.price_lists.iter().flat_map(|list| {
        list.entries.iter().map(|entry| {
            let base = entry.base.as_ref().map(|base| format!(", the rest from {base}"));
            format!(
                "  {} from {}: {}{}\n",
                list.id,
                entry.from,
                counted(entry.prices, "price", "prices"),
                base.unwrap_or_default()
            )
        })
    });
    lines.collect()
}

fn free(catalog: &CatalogPart) -> String {
    let line = |rule: &FreePart| {
        let registered = match (&rule.registered_from, &rule.registered_before) {
            (Some(from), Some(before)) => format!("from {from}, before {before}"),
            (Some(from), None) => format!("from {from}"),
            (None, Some(before)) => format!("before {before}"),
            (None, None) => "at any time".to_owned(),
        };
        let cycles = rule.cycles.map_or_else(
            || "without end".to_owned(),
            |cycles| format!("for {}", counted(cycles, "cycle", "cycles")),
        );
        let minutes = thousands(rule.minutes);
        format!(
            "  {registered}: {minutes} minutes a month, ratios {}, {cycles}\n",
            rule.ratios
        )
    };
    catalog.free.iter().map(line).collect()
}

fn plans(catalog: &CatalogPart, look: Look) -> String {
    if catalog.plans.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        ("plan", Align::Left),
        ("product", Align::Left),
        ("price", Align::Right),
        ("minutes", Align::Right),
        ("MAU", Align::Right),
        ("valid", Align::Left),
        ("refund", Align::Left),
        ("family", Align::Left),
        ("notes", Align::Left),
    ]);
    for plan in &catalog.plans {
        table.row([
            plan.id.clone(),
            plan.product.clone(),
            plan.price.as_deref().map_or_else(|| "none".to_owned(), money),
            thousands(plan.minutes),
            thousands(plan.mau),
            plan.validity.clone(),
            plan.refund.to_owned(),
            plan.family.clone(),
            notes(plan),
        ]);
    }
    table.render(look)
}

fn notes(plan: &PlanPart) -> String {
    let mut notes = Vec::new();
    if plan.paid {
        notes.push("unlocks pay-as-you-go".to_owned());
    }
    if let Some(most) = plan.max_purchases {
        notes.push(format!("at most {most} an account"));
    }
    if !plan.new_customers_of.is_empty() {
        notes.push("new customers only".to_owned());
    }
    if plan.on_expiry == "free" {
        notes.push("then free edition".to_owned());
    }
    notes.join(", ")
}

fn promotions(catalog: &CatalogPart) -> String {
    let line = |promotion: &PromotionPart| {
        let plans = promotion.plans.join(", ");
        format!(
            "  {} to {}: {plans} serve the whole account\n",
            promotion.from, promotion.until
        )
    };
    catalog.promotions.iter().map(line).collect()
}

fn products(catalog: &CatalogPart) -> String {
    let line = |product: &ProductPart| {
        format!(
            "  {}: suspended {} h after overdue, removed {} days later; policies from {}\n",
            product.id,
            product.grace_hours,
            product.removal_days,
            product.policies_from.join(", ")
        )
    };
    catalog.products.iter().map(line).collect()
}

//! Cells against a map that is added to row by row.

use std::collections::BTreeMap;

use super::super::super::groups::{Runs, Table};
use super::super::sink::Sign;
use super::*;
use crate::catalog::book::{Book, ItemId, Meter, MeterTier};

const BLOCKS: u32 = 24;
const ROWS: usize = 500;

/// Three meters with so many tiers each, and bounds that none has in common with another.
fn tiers(each: u16) -> Tiers {
    let meters = (0..3).map(|meter| Meter {
        id: meter.to_string(),
        item: ItemId(meter),
        tiers: (0..each)
            .map(|step| MeterTier {
                max_pixels: i64::from(step * 3 + meter),
                tier: TierId(meter * each + step),
            })
            .collect(),
    });
    Tiers::new(&Book {
        currency: "USD".to_owned(),
        meters: meters.collect(),
        items: Vec::new(),
        tiers: Vec::new(),
        price_lists: Vec::new(),
        ratio_tables: Vec::new(),
        free: Vec::new(),
        plans: Vec::new(),
        scope_promotions: Vec::new(),
        products: Vec::new(),
    })
}

#[test]
fn lines_of_any_length_and_seconds_of_any_kind() {
    let mut state = 1_u64;
    let mut next = |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u32::try_from((state >> 33) % u64::from(below)).unwrap()
    };
    let mut memory = Memory::default();
    let accounts: Vec<u32> = (0..9).map(|id| id * 10).collect();
    let apps: Vec<SdkAppId> = (1..=i64::from(BLOCKS) * 9)
        .map(|app| SdkAppId::new(app).unwrap())
        .collect();
    // 6, 15, 18, 36 and 90 tiers in 7, 16, 19, 37 and 91 columns.
    for each in [2, 5, 6, 12, 30] {
        let tiers = tiers(each);
        let columns = u32::try_from(tiers.columns()).unwrap();
        let (mut table, runs) = (Table::default(), Runs::default());
        let mut cells = Cells::new(&mut memory, Sink::new(&mut table, &runs, Sign::Add), &tiers).unwrap();
        let mut expected: BTreeMap<(u32, i64, u16, u16), (i64, i64)> = BTreeMap::new();
        let mut ids = Ids {
            accounts: &accounts,
            apps: &[],
        };
        for block in 0..BLOCKS {
            ids.apps = &apps[..to_usize(block + 1) * 9];
            let period = u16::try_from(block / 7).unwrap();
            // At first a few tiers, and seconds that are mostly the same.
            let (some, rare) = if block < BLOCKS / 2 { (3, 40) } else { (columns, 2) };
            let mut rows = [const { Vec::new() }; 5];
            for _ in 0..ROWS {
                let app = next((block + 1) * 9);
                let account = if next(9) == 0 { next(9) } else { app % 9 };
                let seconds = if next(rare) == 0 { 1 + next(86_400) } else { 1 };
                let (lead, column) = (next(3) * columns, next(some));
                let key = (
                    accounts[to_usize(account)],
                    apps[to_usize(app)].get(),
                    tiers.get(to_usize(lead + column)).unwrap().0,
                    period,
                );
                let sum = expected.entry(key).or_default();
                *sum = (sum.0 + i64::from(seconds), sum.1 + 1);
                rows.iter_mut()
                    .zip([account, app, lead, column, seconds])
                    .for_each(|(all, one)| all.push(one));
            }
            let [of, apps, leads, columns, seconds] = &rows;
            let mut codes = vec![0; ROWS];
            let others = leads.iter().copied().enumerate().filter(|(_, lead)| *lead != leads[0]);
            let sparse = Sparse {
                usual: leads[0],
                others: others.collect(),
            };
            cells.put_codes(ids, columns, &sparse, &mut codes).unwrap();
            cells.set_period(ids, period);
            let rows = Rows {
                accounts: of,
                apps,
                codes: &codes,
                seconds: Seconds::Of(seconds),
            };
            cells.count(ids, rows);
        }
        let sink = cells.finish(ids);
        assert_eq!(sink.accepted_rows, u64::from(BLOCKS) * 500, "{each} tiers each");
        runs.push(table.drain());
        let found = runs.into_groups().map(|group| {
            let key = (group.account, group.app.get(), group.tier.0, group.period);
            (key, (group.seconds.get(), group.rows))
        });
        assert!(found.eq(expected), "{each} tiers each");
    }
}

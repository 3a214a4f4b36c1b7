//! `accounts` (SPEC 2.3): the index that usage is joined with, and the rest of an account's columns.

use hashbrown::HashTable;

use crate::catalog::book::{PriceListId, ProductId};
use crate::inputs::owners::KnownAccounts;
use crate::rules::facts::{Account, Payg};
use crate::store::StoreError;
use crate::units::quantity::{AccountId, BillingDay, Cents, Instant};

use super::compact::{Sets, Sparse, index, order_by, permuted, position};
use super::errors::{Complaint, Complaints};
use super::fields::{self, show_text};
use super::files::InputFiles;
use super::read::{Column, Kind};
use super::rows::{Context, ReadRows, Row, each_row};

const COLUMNS: &[Column] = &[
    column("account_id", Kind::Integer, true),
    column("registered_at", Kind::Timestamp, true),
    column("free_anchor", Kind::Date, false),
    column("price_list", Kind::Text, false),
    column("payg", Kind::Text, false),
    column("credit_limit", Kind::Decimal, false),
    column("products", Kind::Text, false),
    column("violation_at", Kind::Timestamp, false),
];
const ACCOUNT_ID: usize = 0;
const REGISTERED_AT: usize = 1;
const FREE_ANCHOR: usize = 2;
const PRICE_LIST: usize = 3;
const PAYG: usize = 4;
const CREDIT_LIMIT: usize = 5;
const PRODUCTS: usize = 6;
const VIOLATION_AT: usize = 7;

/// The price list of accounts that name none.
const DEFAULT_PRICE_LIST: &str = "list";
/// The product of accounts that name none.
const DEFAULT_PRODUCT: &str = "trtc";

pub(super) const fn column(name: &'static str, kind: Kind, required: bool) -> Column {
    Column { name, kind, required }
}

/// The accounts' numbers in order, and the position of each.
#[derive(Debug, Default)]
pub struct AccountIndex {
    ids: Vec<i64>,
    registered_at: Vec<Instant>,
    positions: HashTable<u32>,
}

impl AccountIndex {
    /// From the accounts' numbers, ascending and without duplicates, and when each registered.
    ///
    /// # Panics
    /// When there are not as many of the one as of the other.
    pub fn new(ids: Vec<i64>, registered_at: Vec<Instant>) -> Self {
        assert_eq!(ids.len(), registered_at.len(), "every account registered once");
        let mut positions = HashTable::with_capacity(ids.len());
        for (at, &id) in ids.iter().enumerate() {
            positions.insert_unique(hash(id), position(at), |&other| hash(ids[index(other)]));
        }
        Self {
            ids,
            registered_at,
            positions,
        }
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The position of an account, in account order.
    pub fn position(&self, account_id: i64) -> Option<u32> {
        self.positions
            .find(hash(account_id), |&at| self.ids[index(at)] == account_id)
            .copied()
    }

    /// The number of the account at a position.
    ///
    /// # Panics
    /// When there is no such position; so do all that take one.
    pub fn account_id(&self, position: u32) -> i64 {
        self.ids[index(position)]
    }

    /// When the account at a position registered.
    pub fn registered_at(&self, position: u32) -> Instant {
        self.registered_at[index(position)]
    }
}

/// Spreads consecutive numbers over all bits (the finalizer of splitmix64), as hash tables want.
fn hash(id: i64) -> u64 {
    let mixed = id.cast_unsigned();
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Every account, by position.
#[derive(Debug)]
pub(super) struct Accounts {
    pub index: AccountIndex,
    /// Days since 1970-01-01, [`NO_ANCHOR`] for none.
    free_anchor: Vec<i32>,
    price_list: Vec<PriceListId>,
    payg: Vec<Payg>,
    products: Vec<u32>,
    product_sets: Sets<ProductId>,
    credit_limit: Sparse<i64>,
    violation_at: Sparse<i64>,
}

const NO_ANCHOR: i32 = i32::MIN;

impl Accounts {
    /// The account at a position.
    pub(super) fn get(&self, position: u32) -> Account<'_> {
        let at = index(position);
        let anchor = self.free_anchor[at];
        Account {
            id: AccountId::new(self.index.account_id(position)).expect("checked while reading"),
            registered_at: self.index.registered_at(position),
            free_anchor: (anchor != NO_ANCHOR)
                .then(|| BillingDay::from_epoch_days(anchor).expect("checked while reading")),
            price_list: self.price_list[at],
            payg: self.payg[at],
            credit_limit: Cents::from_units(self.credit_limit.one(position).unwrap_or(0)),
            products: self.product_sets.get(self.products[at]),
            violation_at: self.violation_at.one(position).map(Instant::from_micros),
        }
    }
}

/// In the order of the files.
struct Unsorted {
    ids: Vec<i64>,
    ordinals: Vec<u32>,
    registered_at: Vec<Instant>,
    free_anchor: Vec<i32>,
    price_list: Vec<PriceListId>,
    payg: Vec<Payg>,
    products: Vec<u32>,
    product_sets: Sets<ProductId>,
    /// By row, not yet by account.
    credit_limit: Vec<(u32, i64)>,
    violation_at: Vec<(u32, i64)>,
}

/// Reads the accounts.
pub(super) fn load(
    input: &InputFiles,
    context: &Context<'_>,
    complaints: &mut Complaints,
) -> Result<(Accounts, ReadRows), StoreError> {
    let mut rows = Unsorted {
        ids: Vec::new(),
        ordinals: Vec::new(),
        registered_at: Vec::new(),
        free_anchor: Vec::new(),
        price_list: Vec::new(),
        payg: Vec::new(),
        products: Vec::new(),
        product_sets: Sets::new(),
        credit_limit: Vec::new(),
        violation_at: Vec::new(),
    };
    let read = each_row(input, COLUMNS, complaints, &mut |row| rows.add(row, context))?;
    let accounts = rows.sorted(&read, complaints);
    Ok((accounts, read))
}

impl Unsorted {
    fn add(&mut self, row: &Row<'_>, context: &Context<'_>) -> Result<(), Complaint> {
        let id = row.read(ACCOUNT_ID, fields::positive)?;
        let registered_at = row.required(REGISTERED_AT, |value| context.bounds.instant(value))?;
        let anchor = row.read(FREE_ANCHOR, |value| context.bounds.day(value))?;
        let price_list = row.read(PRICE_LIST, |value| {
            context.price_list(fields::text(value)?.as_deref().unwrap_or(DEFAULT_PRICE_LIST))
        })?;
        let payg = row.read(PAYG, |value| parse_payg(fields::text(value)?.as_deref()))?;
        let credit_limit = row.read(CREDIT_LIMIT, |value| match fields::hundredths(value)? {
            Some(limit) if limit < 0 => Err(format!("{} is negative; write 0 or more", fields::show(value))),
            limit => Ok(limit.unwrap_or(0)),
        })?;
        let products = row.read(PRODUCTS, |value| {
            parse_products(fields::text(value)?.as_deref().unwrap_or(DEFAULT_PRODUCT), context)
        })?;
        let violation_at = row.read(VIOLATION_AT, |value| context.bounds.instant(value))?;

        let at = position(self.ids.len());
        self.ids.push(id);
        self.ordinals.push(row.ordinal());
        self.registered_at.push(registered_at);
        self.free_anchor.push(anchor.map_or(NO_ANCHOR, BillingDay::epoch_days));
        self.price_list.push(price_list);
        self.payg.push(payg);
        self.products.push(self.product_sets.id_of(&products));
        if credit_limit != 0 {
            self.credit_limit.push((at, credit_limit));
        }
        if let Some(violation_at) = violation_at {
            self.violation_at.push((at, violation_at.micros()));
        }
        Ok(())
    }

    /// By account; complains of accounts that are there twice.
    fn sorted(mut self, read: &ReadRows, complaints: &mut Complaints) -> Accounts {
        let order = order_by(self.ids.len(), |row| self.ids[index(row)]);
        for pair in order.windows(2) {
            let (first, second) = (index(pair[0]), index(pair[1]));
            if self.ids[first] == self.ids[second] {
                let key = self.ids[first].to_string();
                complaints.add(
                    read.origins
                        .duplicate("account_id", &key, self.ordinals[first], self.ordinals[second]),
                );
            }
        }
        self.ordinals = Vec::new();
        let mut position_of = vec![0_u32; order.len()];
        for (at, &row) in order.iter().enumerate() {
            position_of[index(row)] = position(at);
        }
        let by_account = |values: Vec<(u32, i64)>| {
            let moved = values.into_iter().map(|(row, value)| (position_of[index(row)], value));
            Sparse::new(moved.collect())
        };
        let credit_limit = by_account(self.credit_limit);
        let violation_at = by_account(self.violation_at);
        drop(position_of);
        self.product_sets.seal();
        let ids = permuted(self.ids, &order);
        let registered_at = permuted(self.registered_at, &order);
        Accounts {
            free_anchor: permuted(self.free_anchor, &order),
            price_list: permuted(self.price_list, &order),
            payg: permuted(self.payg, &order),
            products: permuted(self.products, &order),
            product_sets: self.product_sets,
            credit_limit,
            violation_at,
            index: AccountIndex::new(ids, registered_at),
        }
    }
}

fn parse_payg(text: Option<&str>) -> Result<Payg, String> {
    match text {
        None | Some("auto") => Ok(Payg::Auto),
        Some("on") => Ok(Payg::On),
        Some("off") => Ok(Payg::Off),
        Some(other) => Err(format!("{} is none of auto, on, off", show_text(other))),
    }
}

/// In catalog order, without duplicates.
fn parse_products(list: &str, context: &Context<'_>) -> Result<Vec<ProductId>, String> {
    let mut products = list
        .split(';')
        .map(|name| context.product(name.trim()))
        .collect::<Result<Vec<_>, _>>()?;
    products.sort_unstable();
    products.dedup();
    Ok(products)
}

/// The accounts of an index that had registered by an instant: SPEC 3, an account registered later is unknown.
#[derive(Clone, Copy)]
pub struct RegisteredBy<'a> {
    index: &'a AccountIndex,
    by: Instant,
}

impl<'a> RegisteredBy<'a> {
    /// Accounts registered at `by` or before.
    pub fn new(index: &'a AccountIndex, by: Instant) -> Self {
        Self { index, by }
    }
}

impl KnownAccounts for RegisteredBy<'_> {
    fn position(&self, account_id: i64) -> Option<u32> {
        let position = self.index.position(account_id)?;
        (self.index.registered_at(position) <= self.by).then_some(position)
    }
}

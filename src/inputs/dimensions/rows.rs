//! Row by row through the files of a dimension, each row with its place.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::catalog::book::{Book, PlanId, PriceListId, ProductId};
use crate::store::StoreError;
use crate::units::calendar::Calendar;

use super::errors::{BadRow, Complaint, Complaints, did_you_mean};
use super::fields::{Bounds, show_text};
use super::files::{DimensionFile, InputFiles};
use super::frames::Batch;
use super::read::{Column, ReadError, Value, read_file};

/// What rows are checked against.
pub(super) struct Context<'a> {
    pub book: &'a Book,
    pub calendar: &'a Calendar,
    pub bounds: Bounds,
    plans: HashMap<&'a str, PlanId>,
    price_lists: HashMap<&'a str, PriceListId>,
    products: HashMap<&'a str, ProductId>,
}

impl<'a> Context<'a> {
    pub(super) fn new(book: &'a Book, calendar: &'a Calendar) -> Self {
        fn by_name<'a, I>(names: impl Iterator<Item = &'a str>, id: impl Fn(u16) -> I) -> HashMap<&'a str, I> {
            (0_u16..)
                .zip(names)
                .map(|(position, name)| (name, id(position)))
                .collect()
        }
        Self {
            book,
            calendar,
            bounds: Bounds::of(calendar),
            plans: by_name(book.plans.iter().map(|plan| plan.id.as_str()), PlanId),
            price_lists: by_name(book.price_lists.iter().map(|list| list.id.as_str()), PriceListId),
            products: by_name(book.products.iter().map(|product| product.id.as_str()), ProductId),
        }
    }

    pub(super) fn plan(&self, name: &str) -> Result<PlanId, String> {
        known("plan", name, &self.plans)
    }

    pub(super) fn price_list(&self, name: &str) -> Result<PriceListId, String> {
        known("price list", name, &self.price_lists)
    }

    pub(super) fn product(&self, name: &str) -> Result<ProductId, String> {
        known("product", name, &self.products)
    }
}

fn known<I: Copy>(what: &str, name: &str, names: &HashMap<&str, I>) -> Result<I, String> {
    names.get(name).copied().ok_or_else(|| {
        let hint = did_you_mean(name, names.keys().copied());
        format!("the catalog has no {what} {}{hint}", show_text(name))
    })
}

/// A row and its place.
pub(super) struct Row<'a> {
    batch: &'a Batch,
    position: usize,
    ordinal: u32,
    columns: &'static [Column],
}

impl Row<'_> {
    /// Its number in the dimension, from 0 over all files: see [`Origins`].
    pub(super) fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// Reads a column.
    pub(super) fn read<'s, T>(
        &'s self,
        column: usize,
        parse: impl FnOnce(Value<'s>) -> Result<T, String>,
    ) -> Result<T, Complaint> {
        parse(self.batch.value(column, self.position)).map_err(|message| self.complain(column, message))
    }

    /// Reads a column that must not be null.
    pub(super) fn required<'s, T>(
        &'s self,
        column: usize,
        parse: impl FnOnce(Value<'s>) -> Result<Option<T>, String>,
    ) -> Result<T, Complaint> {
        self.read(column, parse)?
            .ok_or_else(|| self.complain(column, "is empty; it has no default".to_owned()))
    }

    /// A complaint about a column.
    pub(super) fn complain(&self, column: usize, message: String) -> Complaint {
        Complaint::about(self.columns[column].name, message)
    }
}

/// Which file and row a number in the dimension is.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The first ordinal of a file, its name and the row number of that first row.
    files: Vec<(u32, String, u64)>,
}

impl Origins {
    /// The file and row.
    pub(super) fn place(&self, ordinal: u32) -> (&str, u64) {
        let after = self.files.partition_point(|(first, ..)| *first <= ordinal);
        let (first, file, first_row) = &self.files[after - 1];
        (file, u64::from(ordinal - first) + first_row)
    }

    /// A complaint about a row.
    pub(super) fn bad(&self, ordinal: u32, complaint: Complaint) -> BadRow {
        let (file, row) = self.place(ordinal);
        complaint.at(file, row)
    }

    /// A complaint about a key that an earlier row has.
    pub(super) fn duplicate(&self, column: &'static str, key: &str, first: u32, second: u32) -> BadRow {
        let (first, second) = (first.min(second), first.max(second));
        let (file, row) = self.place(first);
        let message = format!("{key} is in {file}, row {row} already; remove one of the two rows");
        self.bad(second, Complaint::about(column, message))
    }
}

/// The rows of a dimension that were read.
#[derive(Debug, Default)]
pub(super) struct ReadRows {
    pub files: Vec<DimensionFile>,
    pub origins: Origins,
}

/// Reads every row, file by file, until there are enough complaints.
pub(super) fn each_row(
    input: &InputFiles,
    columns: &'static [Column],
    complaints: &mut Complaints,
    each: &mut dyn FnMut(&Row<'_>) -> Result<(), Complaint>,
) -> Result<ReadRows, StoreError> {
    let mut read = ReadRows::default();
    let mut next = 0_u32;
    for file in &input.files {
        if complaints.is_full() {
            break;
        }
        read.origins.files.push((next, file.shown.clone(), file.first_row()));
        let mut of_batch = |batch: &Batch| {
            for position in 0..batch.rows() {
                let row = Row {
                    batch,
                    position,
                    ordinal: next,
                    columns,
                };
                if let Err(complaint) = each(&row) {
                    let number = u64::try_from(position).expect("a batch is small");
                    complaints.add(complaint.at(&file.shown, batch.first_row() + number));
                }
                let Some(after) = next.checked_add(1) else {
                    complaints.add(file.bad("is the file in which the rows of the dimension pass 2^32 - 1"));
                    return ControlFlow::Break(());
                };
                next = after;
                if complaints.is_full() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        };
        match read_file(file, columns, &mut of_batch) {
            Ok(done) => read.files.push(DimensionFile {
                dimension: input.dimension,
                path: file.path.clone(),
                size: file.size,
                etag: file.etag.clone(),
                sha256: done.sha256,
                rows: done.rows,
            }),
            Err(ReadError::Store(error)) => return Err(error),
            Err(ReadError::Bad(bad)) => complaints.add(bad),
        }
    }
    Ok(read)
}

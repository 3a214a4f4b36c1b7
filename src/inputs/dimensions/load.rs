//! All dimensions together: read, checked against each other, lent account by account.

use bytes::Bytes;

use crate::catalog::book::Book;
use crate::job::Job;
use crate::rules::facts::{Account, DisabledApp, Package, Payment, RefundRequest};
use crate::units::calendar::Calendar;
use crate::units::quantity::{Cents, Instant, Quota};

use super::accounts::{self, AccountIndex, Accounts};
use super::compact::Sparse;
use super::errors::{Complaints, DimensionError};
use super::files::{self, DimensionFile, InputFile, InputFiles};
use super::optional::{self, DisabledApps, TextValues};
use super::packages::{self, PackageIds, Packages};
use super::payments::{self, Payments};
use super::rows::{Context, ReadRows};

const ACCOUNTS: &str = "accounts";
const PACKAGES: &str = "packages";
const PAYMENTS: &str = "payments";
const APPS: &str = "apps";
const REFUND_REQUESTS: &str = "refund_requests";
const OPENING: &str = "opening";
const OPENING_GRANTS: &str = "opening_grants";

/// All dimensions of a job, at most about 200 bytes an account.
#[derive(Debug)]
pub struct Dimensions {
    accounts: Accounts,
    packages: Packages,
    payments: Payments,
    apps: DisabledApps,
    refund_requests: TextValues,
    opening: Sparse<i64>,
    opening_grants: TextValues,
    files: Vec<DimensionFile>,
    /// The dimensions that the job names.
    named: Vec<&'static str>,
}

impl Dimensions {
    /// Reads and checks every dimension that the job names. The calendar is used to reject dates outside its
    /// years.
    ///
    /// # Errors
    /// [`DimensionError`]: the first broken rules, each with file, row (header = 1), column and value.
    pub fn load(job: &Job, book: &Book, calendar: &Calendar) -> Result<Self, DimensionError> {
        let named = [
            (ACCOUNTS, Some(&job.inputs.accounts)),
            (PACKAGES, Some(&job.inputs.packages)),
            (PAYMENTS, Some(&job.inputs.payments)),
            (APPS, job.inputs.apps.as_ref()),
            (REFUND_REQUESTS, job.inputs.refund_requests.as_ref()),
            (OPENING, job.inputs.opening.as_ref()),
            (OPENING_GRANTS, job.inputs.opening_grants.as_ref()),
        ];
        let mut complaints = Complaints::default();
        let mut inputs = Vec::new();
        for (dimension, location) in named {
            if let Some(location) = location {
                inputs.push(files::list(dimension, location, &mut complaints)?);
            }
        }
        complaints.into_result()?;
        Self::read(&inputs, book, calendar)
    }

    /// The same from files in memory: dimension, name (which ends in `.csv` or `.parquet`) and bytes. A dimension
    /// without files is not named and empty.
    ///
    /// # Errors
    /// [`DimensionError::BadRows`], as [`Dimensions::load`].
    pub fn from_files(
        files: Vec<(&'static str, String, Bytes)>,
        book: &Book,
        calendar: &Calendar,
    ) -> Result<Self, DimensionError> {
        let mut complaints = Complaints::default();
        let mut inputs: Vec<InputFiles> = Vec::new();
        for (dimension, name, bytes) in files {
            let Some(file) = InputFile::in_memory(name.clone(), bytes) else {
                complaints.add(files::bad_file(name, files::NO_FORMAT));
                continue;
            };
            match inputs.iter_mut().find(|input| input.dimension == dimension) {
                Some(input) => input.files.push(file),
                None => inputs.push(InputFiles {
                    dimension,
                    files: vec![file],
                }),
            }
        }
        complaints.into_result()?;
        Self::read(&inputs, book, calendar)
    }

    fn read(inputs: &[InputFiles], book: &Book, calendar: &Calendar) -> Result<Self, DimensionError> {
        let none = InputFiles {
            dimension: "none",
            files: Vec::new(),
        };
        let input = |name: &str| inputs.iter().find(|input| input.dimension == name).unwrap_or(&none);
        let context = Context::new(book, calendar);
        let mut files = Vec::new();
        let mut keep = |read: ReadRows| files.extend(read.files);
        let mut complaints = Complaints::default();

        // What refers to a table that is broken itself would look dangling: so the tables are read in turns.
        let (accounts, read) = accounts::load(input(ACCOUNTS), &context, &mut complaints)?;
        keep(read);
        std::mem::take(&mut complaints).into_result()?;

        let index = &accounts.index;
        let (packages, ids, read) = packages::load(input(PACKAGES), &context, index, &mut complaints)?;
        keep(read);
        let (payments, read) = payments::load(input(PAYMENTS), &context, index, &mut complaints)?;
        keep(read);
        let (apps, read) = optional::load_apps(input(APPS), &context, index, &mut complaints)?;
        keep(read);
        let (opening, read) = optional::load_opening(input(OPENING), index, &mut complaints)?;
        keep(read);
        std::mem::take(&mut complaints).into_result()?;

        let both: (&Packages, &PackageIds) = (&packages, &ids);
        let (refund_requests, read) =
            optional::load_refund_requests(input(REFUND_REQUESTS), &context, both, &mut complaints)?;
        keep(read);
        let (opening_grants, read) =
            optional::load_opening_grants(input(OPENING_GRANTS), &context, &accounts, both, &mut complaints)?;
        keep(read);
        complaints.into_result()?;
        drop(ids);
        Ok(Self {
            accounts,
            packages,
            payments,
            apps,
            refund_requests,
            opening,
            opening_grants,
            files,
            named: inputs.iter().map(|input| input.dimension).collect(),
        })
    }

    /// The accounts' numbers.
    pub fn index(&self) -> &AccountIndex {
        &self.accounts.index
    }

    /// The account at a position.
    pub fn account(&self, position: u32) -> Account<'_> {
        self.accounts.get(position)
    }

    /// The packages of the account at a position, by (`purchased_at`, id).
    pub fn packages(&self, position: u32) -> Vec<Package<'_>> {
        self.packages.of(position)
    }

    /// The payments of the account at a position, by (`paid_at`, amount).
    pub fn payments(&self, position: u32) -> Vec<Payment> {
        self.payments.of(position)
    }

    /// The disabled apps of the account at a position and since when, by app.
    pub fn disabled_apps(&self, position: u32) -> Vec<DisabledApp> {
        optional::disabled_apps(&self.apps, position)
    }

    /// `opening` of the account at a position; zero where the table does not name it.
    pub fn opening_balance(&self, position: u32) -> Cents {
        Cents::from_units(self.opening.one(position).unwrap_or(0))
    }

    /// `opening_grants` of the account at a position, by grant id.
    pub fn opening_grants(&self, position: u32) -> Vec<(&str, Quota)> {
        let grants = self.opening_grants.of(position);
        grants.map(|(id, used)| (id, Quota::from_units(used))).collect()
    }

    /// Refund requests of the account at a position, by (`requested_at`, package id).
    pub fn refund_requests(&self, position: u32) -> Vec<RefundRequest<'_>> {
        let request = |(package, at)| RefundRequest {
            package,
            requested_at: Instant::from_micros(at),
        };
        self.refund_requests.of(position).map(request).collect()
    }

    /// The files that were read, dimension by dimension, by path.
    pub fn files(&self) -> &[DimensionFile] {
        &self.files
    }

    /// Rows of a dimension (`accounts`, `packages`, …), None when the job does not name it.
    pub fn rows(&self, dimension: &str) -> Option<u64> {
        let of_dimension = |file: &&DimensionFile| file.dimension == dimension;
        self.named
            .contains(&dimension)
            .then(|| self.files.iter().filter(of_dimension).map(|file| file.rows).sum())
    }
}

//! The needed columns of one row group, side by side.

use std::sync::Arc;

use crate::inputs::owners::AccountCache;
use crate::inputs::parquet::chunk::FaultSlot;
use crate::inputs::parquet::columns::{Column, IntKind, Stored, TimeUnit};
use crate::inputs::parquet::footer::ParquetFile;
use crate::inputs::parquet::large_pages::Turn;
use crate::inputs::parquet::row_groups::OpenGroup;

use super::super::columns::COUNT;
use super::super::judge::{DEFAULT_METER, DEFAULT_SECONDS, Rules};
use super::cells::Ids;
use super::classes::{Classes, Sparse};
use super::cursor::Cursor;
use super::keys::Keys;
use super::stop::Stop;
use super::values::{AccountWorth, AppWorth, MeterWorth, PixelsWorth, SecondsWorth, Tiers, TimeWorth, Worth};

/// How the columns of a file are stored, if all of them are stored so that they can be read here.
#[derive(Clone, Copy)]
pub(super) struct Stores {
    ts: TimeUnit,
    account_id: IntKind,
    sdk_app_id: IntKind,
    seconds: Option<IntKind>,
    pixels: IntKind,
}

impl Stores {
    /// None when a column is stored in another way.
    pub(super) fn of(file: &ParquetFile) -> Option<Self> {
        let [ts, account_id, sdk_app_id, meter, seconds, pixels] = file.columns.as_array::<COUNT>()?;
        let stored = |column: &Option<Column>| column.as_ref().map(|column| column.stored);
        let int = |column| match stored(column) {
            Some(Stored::Int(kind)) => Some(kind),
            _ => None,
        };
        let Some(Stored::Time(ts)) = stored(ts) else {
            return None;
        };
        if stored(meter).is_some_and(|meter| meter != Stored::String) {
            return None;
        }
        Some(Self {
            ts,
            account_id: int(account_id)?,
            sdk_app_id: int(sdk_app_id)?,
            seconds: match seconds {
                None => None,
                seconds => Some(int(seconds)?),
            },
            pixels: int(pixels)?,
        })
    }
}

/// The columns of a row group, all at the same row.
pub(super) struct Columns<'c, 'a> {
    pub times: Classes<TimeWorth<'c>>,
    pub accounts: Keys<AccountWorth<'a, 'c>>,
    pub apps: Keys<AppWorth>,
    pub meters: Defaulted<MeterWorth<'c>>,
    pub seconds: Defaulted<SecondsWorth>,
    pub pixels: Classes<PixelsWorth<'c>>,
}

/// What columns are judged by.
pub(super) struct Worths<'c, 'a> {
    pub stores: &'c Stores,
    pub rules: &'c Rules<'a>,
    pub tiers: &'c Tiers,
    pub accounts: &'c mut AccountCache<'a>,
}

impl<'c, 'a> Columns<'c, 'a> {
    /// At the first row. `buffers` are left empty until [`close`](Self::close).
    pub(super) fn open(
        open: &OpenGroup<'_>,
        turn: &Arc<Turn>,
        buffers: &mut [Vec<u8>; COUNT],
        worths: Worths<'c, 'a>,
    ) -> Result<Self, Stop> {
        let mut cursors = [const { None }; COUNT];
        let each = cursors.iter_mut().zip(&open.group.chunks).zip(buffers);
        for (at, ((cursor, chunk), buffer)) in each.enumerate() {
            let pages = open.fetched.pages(at, turn, FaultSlot::default());
            if let (Some(pages), Some(chunk)) = (pages, chunk) {
                *cursor = Some(Cursor::new(pages, *chunk, std::mem::take(buffer)));
            }
        }
        let [ts, account_id, sdk_app_id, meter, seconds, pixels] = cursors;
        let Worths {
            stores,
            rules,
            tiers,
            accounts,
        } = worths;
        let default_meter = tiers.row(DEFAULT_METER.as_bytes());
        let default_seconds = u32::try_from(DEFAULT_SECONDS).ok();
        let account_id_worth = AccountWorth {
            kind: stores.account_id,
            accounts,
        };
        Ok(Self {
            times: Classes::of_ints(ts.ok_or(Stop::GiveUp)?, TimeWorth::new(rules, stores.ts)),
            accounts: Keys::new(account_id.ok_or(Stop::GiveUp)?, account_id_worth),
            apps: Keys::new(sdk_app_id.ok_or(Stop::GiveUp)?, AppWorth::new(stores.sdk_app_id)),
            meters: match meter {
                None => Defaulted::Constant(default_meter.ok_or(Stop::GiveUp)?),
                Some(meter) => Defaulted::Column(Box::new(Classes::of_strings(meter, MeterWorth::new(tiers)))),
            },
            seconds: match seconds.zip(stores.seconds) {
                None => Defaulted::Constant(default_seconds.ok_or(Stop::GiveUp)?),
                Some((seconds, kind)) => Defaulted::Column(Box::new(Classes::of_ints(seconds, SecondsWorth { kind }))),
            },
            pixels: Classes::of_ints(
                pixels.ok_or(Stop::GiveUp)?,
                PixelsWorth {
                    kind: stores.pixels,
                    tiers,
                },
            ),
        })
    }

    /// What the ids met so far stand for.
    pub(super) fn ids(&self) -> Ids<'_> {
        Ids {
            accounts: self.accounts.entries(),
            apps: &self.apps.worth().apps,
        }
    }

    /// Makes sure that nothing follows the last row.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        self.times.end()?;
        self.accounts.end()?;
        self.apps.end()?;
        self.meters.end()?;
        self.seconds.end()?;
        self.pixels.end()
    }

    /// Gives the page buffers back.
    pub(super) fn close(self, buffers: &mut [Vec<u8>; COUNT]) {
        *buffers = [
            self.times.into_buffer(),
            self.accounts.into_buffer(),
            self.apps.into_buffer(),
            self.meters.into_buffer(),
            self.seconds.into_buffer(),
            self.pixels.into_buffer(),
        ];
    }
}

/// A column that a file may leave out: then each row has the default.
pub(super) enum Defaulted<W> {
    Constant(u32),
    Column(Box<Classes<W>>),
}

impl<W: Worth> Defaulted<W> {
    /// As [`Classes::repeated`].
    pub(super) fn repeated(&mut self) -> Result<Option<(u32, usize)>, Stop> {
        match self {
            Self::Constant(worth) => Ok(Some((*worth, usize::MAX))),
            Self::Column(column) => column.repeated(),
        }
    }

    /// As [`Classes::pass`].
    pub(super) fn pass(&mut self, rows: usize) -> Result<(), Stop> {
        match self {
            Self::Constant(_) => Ok(()),
            Self::Column(column) => column.pass(rows),
        }
    }

    /// As [`Classes::fill`].
    pub(super) fn fill(&mut self, out: &mut [u32]) -> Result<(), Stop> {
        match self {
            Self::Constant(worth) => {
                out.fill(*worth);
                Ok(())
            }
            Self::Column(column) => column.fill(out),
        }
    }

    /// As [`Classes::fill_sparse`].
    pub(super) fn fill_sparse(&mut self, rows: usize, out: &mut Sparse) -> Result<(), Stop> {
        match self {
            Self::Constant(worth) => {
                out.usual = *worth;
                out.others.clear();
                Ok(())
            }
            Self::Column(column) => column.fill_sparse(rows, out),
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        match self {
            Self::Constant(_) => Ok(()),
            Self::Column(column) => column.end(),
        }
    }

    fn into_buffer(self) -> Vec<u8> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Column(column) => column.into_buffer(),
        }
    }
}

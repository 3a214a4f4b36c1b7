//! `logins`: how many distinct users of each app.

use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

use crate::inputs::owners::AccountCache;
use crate::inputs::parquet::columns::{Content, Needed};
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::row_groups::{self, Batch};
use crate::inputs::rejects::Reason;
use crate::inputs::usage::ScanError;
use crate::units::quantity::{Instant, SdkAppId};

use super::judge::{Common, Judge, Rows, Tally};
use super::read::{self, Figure, Pass, Reading};
use crate::inputs::distinct::key::{Ids, Key, Keys};
use crate::inputs::distinct::shards::{Buffers, Entry, Shards, mix};

/// Its columns, in the order in which batches have them.
pub(super) static COLUMNS: [Needed; 4] = [
    Needed::new("ts", Content::Timestamp),
    Needed::new("account_id", Content::Integer),
    Needed::new("sdk_app_id", Content::Integer),
    Needed::new("user_id", Content::Key),
];

/// A user of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct User {
    /// Position of the app among [`Apps`].
    app: u32,
    user: Key,
}

impl User {
    /// Spreads users over shards.
    fn hash(&self) -> u64 {
        mix(u64::from(self.app)) ^ self.user.low()
    }
}

impl Entry for User {
    fn absorb(&mut self, next: &Self) -> bool {
        self == next
    }
}

/// The apps that have users, numbered as they come.
#[derive(Default)]
struct Apps(Mutex<AppNumbers>);

#[derive(Default)]
struct AppNumbers {
    numbers: HashMap<(u32, SdkAppId), u32>,
    apps: Vec<(u32, SdkAppId)>,
}

impl Apps {
    fn number(&self, app: (u32, SdkAppId)) -> Result<u32, Fault> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(all.apps.len()).map_err(|_| Fault::bad("more than 2^32 apps"))?;
        let number = *all.numbers.entry(app).or_insert(next);
        if number == next {
            all.apps.push(app);
        }
        Ok(number)
    }
}

/// Reads all files, as often as memory asks for.
pub(super) fn read(reading: &Reading<'_>) -> Result<(Vec<Figure>, Tally), ScanError> {
    let (keys, apps) = (Keys::random(), Apps::default());
    let mut users: Vec<i64> = Vec::new();
    let mut tally = reading.tally(&Pass::first());
    let mut next = Some(Pass::first());
    while let Some(pass) = next {
        let shards = Shards::new(pass.0.clone(), reading.budget);
        let new_sink = || {
            let logins = Logins {
                keys: &keys,
                apps: &apps,
                known: HashMap::new(),
                last: None,
                users: Buffers::new(&shards),
            };
            Judge::new(reading, &pass, logins)
        };
        for mut sink in row_groups::read(&reading.all(), new_sink, reading.progress(&pass))? {
            sink.rows.users.flush();
            tally.absorb(sink.tally);
        }
        for (app, count) in shards.drain(|users| (count(users), Vec::new())).into_iter().flatten() {
            let app = usize::try_from(app).expect("usize has at least 32 bits");
            if users.len() <= app {
                users.resize(app + 1, 0);
            }
            // As many as there are rows at most, and those fit.
            users[app] += count;
        }
        next = pass.after(&shards.range());
    }
    let apps = apps.0.into_inner().unwrap_or_else(PoisonError::into_inner).apps;
    let counted = apps.iter().zip(users);
    let figures = counted.flat_map(|((account, app), count)| {
        let items = reading.billed.iter();
        items.map(move |item| read::figure(*account, *app, item.first_tier, count))
    });
    Ok((figures.collect(), tally))
}

/// How many users each app has; they come sorted, each once.
fn count(users: &[User]) -> Vec<(u32, i64)> {
    let by_app = users.chunk_by(|one, next| one.app == next.app);
    let counted = by_app.filter_map(|users| Some((users.first()?.app, i64::try_from(users.len()).ok()?)));
    counted.collect()
}

/// One thread's part.
struct Logins<'a> {
    keys: &'a Keys,
    apps: &'a Apps,
    /// Numbers of apps that this thread has come across.
    known: HashMap<(u32, SdkAppId), u32>,
    last: Option<((u32, SdkAppId), u32)>,
    users: Buffers<'a, User>,
}

impl Logins<'_> {
    fn number(&mut self, app: (u32, SdkAppId)) -> Result<u32, Fault> {
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == app) {
            return Ok(number);
        }
        let number = match self.known.get(&app) {
            Some(number) => *number,
            None => {
                let number = self.apps.number(app)?;
                self.known.insert(app, number);
                number
            }
        };
        self.last = Some((app, number));
        Ok(number)
    }
}

impl Rows for Logins<'_> {
    type Columns = Ids;
    /// The app of an account.
    type Row = (u32, SdkAppId);

    fn columns(&mut self, batch: &mut Batch) -> Result<Ids, Fault> {
        batch.values(3).map(Ids::from)
    }

    fn judge(
        &self,
        common: &Common,
        users: &Ids,
        row: usize,
        accounts: &mut AccountCache<'_>,
    ) -> Result<(u32, SdkAppId), Reason> {
        common.owner_of_named(row, users, accounts)
    }

    fn add(&mut self, _at: Instant, users: &Ids, row: usize, app: (u32, SdkAppId)) -> Result<(), Fault> {
        let app = self.number(app)?;
        let user = users.key(row, self.keys);
        let user = User { app, user };
        if let Some(shard) = self.users.shard(user.hash()) {
            self.users.push(shard, user);
        }
        Ok(())
    }
}

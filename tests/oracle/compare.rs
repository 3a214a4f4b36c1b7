//! Reference and crate side by side over a world's nights, and what to print when they disagree.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::describe::describe;
use super::dunning::State;
use super::files::{write_facts_of_night, write_world};
use super::posted::{Order, run, tables};
use super::rejects::rejects;
use super::rows::{Cells, Place, TABLES, Unpriced};
use super::scenario::{Life, World};
use super::shrink::shrunk;
use super::spec::settle;
use super::standing::{Night, Standing, billing_time};

/// What the reference says of a night of all accounts.
pub struct Expected {
    /// In the order of [`TABLES`]; in place of the digest `facts` stands what it is of.
    pub tables: Vec<Vec<Cells>>,
    /// How many accounts are suspended or removed that were not before.
    pub new_suspensions: usize,
}

/// The night of every account, which moves their standings on.
pub fn expect(world: &World, night: usize, standings: &mut [Standing]) -> Result<Expected, Unpriced> {
    let setting = &world.setting;
    let day = setting.day(night);
    let mut tables: Vec<Vec<Cells>> = vec![Vec::new(); TABLES.len() - 1];
    let mut new_suspensions = 0;
    for (life, standing) in world.lives.iter().zip(standings) {
        let before = standing.arrears.state;
        let rows = settle(&Night::new(setting, &life.on(night), night), standing)?;
        let now = standing.arrears.state;
        if now != before && matches!(now, State::Suspended | State::Removed) {
            new_suspensions += 1;
        }
        let place = Place {
            account: life.account.id,
            day,
            issued_at: billing_time(setting, day),
            five_minutes: setting.five_minutes,
        };
        for (table, rows) in tables.iter_mut().zip(rows.tables(&place)) {
            table.extend(rows);
        }
    }
    tables.push(rejects(world, night));
    Ok(Expected {
        tables,
        new_suspensions,
    })
}

/// Where every account stands before the first night.
pub fn openings(world: &World) -> Vec<Standing> {
    world.lives.iter().map(Standing::opening).collect()
}

/// The order to settle one night, by a clock that shows the moment after the last one.
pub fn order(world: &World, from: usize, to: usize) -> Order {
    let setting = &world.setting;
    Order {
        from: setting.day(from),
        to: setting.day(to),
        accept_suspensions: false,
        now: billing_time(setting, setting.last_day()) + 1,
    }
}

/// The first night on which reference and crate disagree, in words; None when they agree on all of them. A tier without a
/// price stops both, and ends the world.
pub fn disagreement(world: &World) -> Option<String> {
    disagreement_in(world, directory().path())
}

/// For a world: in memory where the machine has such a place, because posting flushes every file to the disk.
pub fn directory() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = if in_memory.is_dir() {
        tempfile::tempdir_in(in_memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a directory for a world")
}

/// The same, in a directory that the caller wants to look at.
pub fn disagreement_in(world: &World, directory: &Path) -> Option<String> {
    write_world(directory, world);
    let mut standings = openings(world);
    let mut digests = Digests::default();
    for night in 0..world.setting.nights {
        write_facts_of_night(directory, world, night);
        let expected = expect(world, night, &mut standings);
        let got = settled(world, directory, night, expected.as_ref().ok());
        let difference = match (expected, got) {
            (Ok(expected), Ok(got)) => difference(&expected.tables, &got, &mut digests),
            (Err(unpriced), Err(error)) if says(&error, &unpriced) => return None,
            (Ok(_), Err(error)) => format!("the crate ends with {error}\n"),
            (Err(unpriced), Err(error)) => format!("expected {unpriced:?}\ngot      {error}\n"),
            (Err(unpriced), Ok(_)) => format!("expected {unpriced:?}, and the crate settles\n"),
        };
        if !difference.is_empty() {
            return Some(format!("on night {night}, {}:\n{difference}", world.setting.day(night)));
        }
    }
    None
}

/// What the crate posts for a night, or why it does not. SPEC 5: "A day that would newly suspend or remove more than
/// max_new_suspensions accounts ends with exit 3 and names them, unless --accept-suspensions."
fn settled(
    world: &World,
    directory: &Path,
    night: usize,
    expected: Option<&Expected>,
) -> Result<Vec<Vec<Cells>>, String> {
    let mut order = order(world, night, night);
    let attempt = |order: &Order| {
        let job = directory.join("job.toml");
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&job, order).map_err(|error| error.to_string())));
        outcome.unwrap_or_else(|panic| Err(format!("panicked: {}", panic_text(panic.as_ref()))))
    };
    let new_suspensions = expected.map_or(0, |expected| expected.new_suspensions);
    if new_suspensions > world.setting.max_new_suspensions {
        match attempt(&order) {
            Ok(_) => {
                return Err(format!(
                    "no error, although {new_suspensions} accounts are newly suspended"
                ));
            }
            Err(error) if error.contains("suspen") => order.accept_suspensions = true,
            Err(error) => return Err(error),
        }
    }
    attempt(&order)?;
    Ok(tables(&directory.join("out"), world.setting.day(night)))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

/// Whether the error names what has no price.
fn says(error: &str, unpriced: &Unpriced) -> bool {
    let Unpriced {
        account,
        app,
        day,
        item,
        tier,
        price_list,
        quantity,
    } = unpriced;
    let what = format!("{item}.{tier} has no price on {day} in price list {price_list}");
    let who = format!("account {account} (app {app}) ");
    let metered = format!("used {quantity} minutes of it");
    let counted = format!("is to pay for a quantity of {quantity}");
    error.contains(&what) && error.contains(&who) && (error.contains(&metered) || error.contains(&counted))
}

/// `accounts.facts` by account and by what it is a digest of: the same facts have the same digest, others another.
#[derive(Default)]
struct Digests {
    by_account: BTreeMap<String, BTreeMap<String, String>>,
}

impl Digests {
    /// The digest that the facts must have, given the one that they got.
    fn expected(&mut self, account: &str, facts: &str, got: &str) -> String {
        let known = self.by_account.entry(account.to_owned()).or_default();
        if let Some(digest) = known.get(facts) {
            return digest.clone();
        }
        if known.values().any(|digest| digest == got) {
            return format!("another digest than {got}");
        }
        known.insert(facts.to_owned(), got.to_owned());
        got.to_owned()
    }
}

fn difference(expected: &[Vec<Cells>], got: &[Vec<Cells>], digests: &mut Digests) -> String {
    let mut text = String::new();
    for (((name, columns), expected), got) in TABLES.iter().zip(expected).zip(got) {
        let columns: Vec<&str> = columns.split_whitespace().collect();
        let facts = columns.iter().position(|column| *column == "facts");
        let mut expected = expected.clone();
        if let Some(facts) = facts {
            for (expected, got) in expected.iter_mut().zip(got) {
                expected[facts] = digests.expected(&expected[0], &expected[facts], &got[facts]);
            }
        }
        if expected != *got {
            table(&mut text, name, &columns, &expected, got);
        }
    }
    text
}

/// The rows that only one of them has, and how much else there is.
fn table(text: &mut String, name: &str, columns: &[&str], expected: &[Cells], got: &[Cells]) {
    let _ = writeln!(text, "{name} ({})", columns.join(" "));
    let mut shown = 0;
    for (who, some, others) in [("expected", expected, got), ("got     ", got, expected)] {
        for row in some.iter().filter(|row| !others.contains(row)) {
            shown += 1;
            if shown <= 40 {
                let _ = writeln!(text, "  {who} {}", row.join(" "));
            }
        }
    }
    if shown == 0 {
        let _ = writeln!(text, "  the same rows in another order, or another number of them");
    }
}

/// Fails with the smallest world that still disagrees, in full.
pub fn assert_agreement(world: &World) {
    if let Some(first) = disagreement(world) {
        let small = shrunk(world.clone());
        let difference = disagreement(&small).unwrap_or(first);
        panic!(
            "{}: reference and crate disagree {difference}\n{}",
            world.name,
            describe(&small)
        );
    }
}

/// A world of one life.
pub fn alone(world: &World, life: &Life) -> World {
    World {
        name: world.name.clone(),
        setting: world.setting.clone(),
        lives: vec![life.clone()],
        broken: Vec::new(),
    }
}

//! Reading ahead: what threads that decode will need, on its way before they ask.
//!
//! Threads of their own read the parts of all row groups in the order in which they will be needed, as far ahead as the
//! bytes of [`ReadAhead`] allow. Who asks for a part waits for it while it is under way, and reads it himself when
//! nobody has begun to. So nobody who decodes ever waits for room, and neither an order that was foreseen wrongly nor a
//! thread that is gone can hold a scan up.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;

use super::error::Fault;
use super::panics;
use super::source::{ReadAhead, Source};

/// Reads of row groups under way and done. Dropping it ends them all.
pub(super) struct Ahead(Arc<Shared>);

struct Shared {
    limits: ReadAhead,
    board: Mutex<Board>,
    /// A read has ended.
    arrived: Condvar,
    /// Bytes have been taken, or there will be no more.
    room: Condvar,
}

struct Board {
    groups: Vec<Group>,
    /// Bytes under way, or here and not taken.
    held: u64,
    /// The first row group that nobody has begun and that has idle parts.
    next: usize,
    /// Those that have been begun and are not done.
    begun: Vec<usize>,
    /// Row groups from here on are not read ahead: an earlier one has failed, or the scan is over.
    end: usize,
}

struct Group {
    source: Arc<Source>,
    parts: Vec<Part>,
    /// Parts before it are not idle.
    next_part: usize,
    /// Bytes held for it.
    held: u64,
    is_begun: bool,
    is_done: bool,
}

struct Part {
    range: Range<u64>,
    state: State,
}

enum State {
    /// Nobody has begun to read it.
    Idle,
    /// Somebody reads it ahead.
    UnderWay,
    /// It is there.
    Here(Bytes),
    /// It could not be read.
    Failed(Fault),
    /// It has been taken, or nobody will read it ahead.
    Gone,
}

/// A part that a thread has taken on.
struct Errand {
    group: usize,
    part: usize,
    source: Arc<Source>,
    range: Range<u64>,
}

/// The parts of one row group, for the thread that decodes it.
pub(super) struct GroupParts {
    shared: Arc<Shared>,
    group: usize,
}

impl Ahead {
    /// Begins to read. Each row group comes with the parts that will be asked for, in order.
    pub(super) fn start(limits: ReadAhead, groups: Vec<(Arc<Source>, Vec<Range<u64>>)>) -> Self {
        let parts = groups.iter().map(|(_, ranges)| ranges.len()).sum::<usize>();
        let idle = |range| Part {
            range,
            state: State::Idle,
        };
        let groups: Vec<Group> = groups
            .into_iter()
            .map(|(source, ranges)| Group {
                source,
                parts: ranges.into_iter().map(idle).collect(),
                next_part: 0,
                held: 0,
                is_begun: false,
                is_done: false,
            })
            .collect();
        let shared = Arc::new(Shared {
            limits,
            board: Mutex::new(Board {
                end: groups.len(),
                groups,
                held: 0,
                next: 0,
                begun: Vec::new(),
            }),
            arrived: Condvar::new(),
            room: Condvar::new(),
        });
        for _ in 0..limits.reads.min(parts) {
            let reader = Arc::clone(&shared);
            let started = thread::Builder::new()
                .name("read ahead".to_owned())
                .spawn(move || reader.run());
            // With fewer threads, or none, those who decode read more themselves.
            if started.is_err() {
                break;
            }
        }
        Self(shared)
    }

    /// The parts of a row group, which is decoded from now on.
    pub(super) fn begin(&self, group: usize) -> GroupParts {
        let mut board = self.0.lock();
        if let Some(found) = board.groups.get_mut(group) {
            found.is_begun = true;
            board.begun.push(group);
        }
        GroupParts {
            shared: Arc::clone(&self.0),
            group,
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let mut board = self.0.lock();
        board.end = 0;
        for group in 0..board.groups.len() {
            board.close(group);
        }
        self.0.room.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each reading thread does, until there is nothing left to read ahead.
    fn run(&self) {
        while let Some(errand) = self.errand() {
            // A reader that panics has not read: who needs the part will see for himself.
            let read = panics::catch(|| errand.source.read(errand.range.clone())).ok();
            self.arrive(&errand, read);
        }
    }

    fn errand(&self) -> Option<Errand> {
        let mut board = self.lock();
        loop {
            let (group, part) = board.first_idle()?;
            if let Some(errand) = board.take_on(group, part, self.limits.bytes) {
                return Some(errand);
            }
            board = self.room.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn arrive(&self, errand: &Errand, read: Option<Result<Bytes, Fault>>) {
        let mut board = self.lock();
        let length = errand.range.end - errand.range.start;
        let state = match read {
            Some(Ok(bytes)) if board.is_open(errand.group) => State::Here(bytes),
            Some(Err(fault)) => {
                board.end = board.end.min(errand.group);
                State::Failed(fault)
            }
            _ => State::Gone,
        };
        if !matches!(state, State::Here(_)) {
            board.give_back(errand.group, length);
            self.room.notify_all();
        }
        if let Some(part) = board.part(errand.group, errand.part) {
            part.state = state;
        }
        self.arrived.notify_all();
    }
}

impl Board {
    fn part(&mut self, group: usize, part: usize) -> Option<&mut Part> {
        self.groups.get_mut(group)?.parts.get_mut(part)
    }

    fn is_open(&self, group: usize) -> bool {
        self.groups.get(group).is_some_and(|group| !group.is_done)
    }

    fn give_back(&mut self, group: usize, length: u64) {
        self.held -= length;
        if let Some(group) = self.groups.get_mut(group) {
            group.held -= length;
        }
    }

    /// The part to read now: of the row groups that are being decoded, for the one with the least bytes in hand, and
    /// then of the others in order. None when there will be none.
    fn first_idle(&mut self) -> Option<(usize, usize)> {
        let (groups, end) = (&mut self.groups, self.end);
        let mut begun: Option<(u64, usize, usize)> = None;
        for at in self.begun.iter().copied().filter(|at| *at < end) {
            if let Some(group) = groups.get_mut(at)
                && let Some(part) = group.first_idle()
                && begun.is_none_or(|(held, first, _)| (group.held, at) < (held, first))
            {
                begun = Some((group.held, at, part));
            }
        }
        if let Some((_, group, part)) = begun {
            return Some((group, part));
        }
        while self.next < end {
            if let Some(group) = groups.get_mut(self.next)
                && !group.is_begun
                && let Some(part) = group.first_idle()
            {
                return Some((self.next, part));
            }
            self.next += 1;
        }
        None
    }

    /// Takes a part on, if there is room for it.
    fn take_on(&mut self, at: usize, index: usize, most: u64) -> Option<Errand> {
        let held = self.held;
        let group = self.groups.get_mut(at)?;
        let part = group.parts.get_mut(index)?;
        let length = part.range.end - part.range.start;
        if held > 0 && held.checked_add(length).is_none_or(|held| held > most) {
            return None;
        }
        part.state = State::UnderWay;
        group.held += length;
        self.held += length;
        Some(Errand {
            group: at,
            part: index,
            source: Arc::clone(&group.source),
            range: part.range.clone(),
        })
    }

    /// Lets go of what is held for a row group; what is under way is let go when it arrives.
    fn close(&mut self, at: usize) {
        let Some(group) = self.groups.get_mut(at) else { return };
        group.is_done = true;
        let mut freed = 0;
        for part in &mut group.parts {
            match part.state {
                State::UnderWay => {}
                State::Here(_) => {
                    freed += part.range.end - part.range.start;
                    part.state = State::Gone;
                }
                State::Idle | State::Failed(_) | State::Gone => part.state = State::Gone,
            }
        }
        self.give_back(at, freed);
        self.begun.retain(|begun| *begun != at);
    }
}

impl Group {
    fn first_idle(&mut self) -> Option<usize> {
        while let Some(part) = self.parts.get(self.next_part) {
            if matches!(part.state, State::Idle) {
                return Some(self.next_part);
            }
            self.next_part += 1;
        }
        None
    }
}

impl GroupParts {
    /// The bytes of a part, by its position; waits while they are under way. None when nobody reads them ahead, or
    /// they have been taken: then they are the caller's to read.
    pub(super) fn take(&self, part: usize) -> Option<Result<Bytes, Fault>> {
        let mut board = self.shared.lock();
        loop {
            let found = board.part(self.group, part)?;
            let length = found.range.end - found.range.start;
            if !matches!(found.state, State::UnderWay) {
                return match std::mem::replace(&mut found.state, State::Gone) {
                    State::Here(bytes) => {
                        board.give_back(self.group, length);
                        self.shared.room.notify_all();
                        Some(Ok(bytes))
                    }
                    State::Failed(fault) => Some(Err(fault)),
                    State::Idle | State::UnderWay | State::Gone => None,
                };
            }
            board = self.shared.arrived.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for GroupParts {
    fn drop(&mut self) {
        self.shared.lock().close(self.group);
        self.shared.room.notify_all();
    }
}

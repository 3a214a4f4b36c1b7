//! The same reads of many files.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rayon::prelude::*;

use super::source::RangeReader;

/// What `work` makes of each item, in their order. On rayon's threads; for a store whose reads wait for a network on as
/// many threads as it takes reads at once.
pub(in crate::inputs) fn for_each_file<T: Sync, R: Send>(
    reader: &dyn RangeReader,
    items: &[T],
    work: impl Fn(&T) -> R + Sync + Send,
) -> Vec<R> {
    let Some(ahead) = reader.read_ahead() else {
        return items.par_iter().map(work).collect();
    };
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let take_turns = || {
        while let Some((at, item)) = next_of(items, &next) {
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..ahead.reads.min(items.len()) {
            let started = thread::Builder::new()
                .name("read files".to_owned())
                .spawn_scoped(scope, take_turns);
            if started.is_err() {
                break;
            }
        }
        take_turns();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn next_of<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, items.get(at)?))
}

/// A budget of bytes that several threads hold at a time. A single request larger than the budget is let through when nobody
/// else holds any.
pub(in crate::inputs) struct Room {
    most: u64,
    held: Mutex<u64>,
    freed: Condvar,
}

/// Bytes of a [`Room`], given back when dropped.
pub(in crate::inputs) struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    pub(in crate::inputs) fn new(most: u64) -> Self {
        Self {
            most,
            held: Mutex::new(0),
            freed: Condvar::new(),
        }
    }

    /// Waits until there is room. Not reentrant: a thread that holds bytes already and asks for more may wait for itself.
    pub(in crate::inputs) fn take(&self, bytes: u64) -> Taken<'_> {
        let mut held = self.lock();
        while *held > 0 && held.checked_add(bytes).is_none_or(|held| held > self.most) {
            held = self.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held += bytes;
        Taken { room: self, bytes }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.room.lock() -= self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn room_is_shared() {
        let room = Room::new(10);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for bytes in [1, 4, 10, 3, 7, 25, 9, 2] {
                let (room, now, most) = (&room, &now, &most);
                scope.spawn(move || {
                    for _ in 0..100 {
                        let _taken = room.take(bytes);
                        let held = now.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(held <= 10 || held == 25, "{held}");
                        most.fetch_max(held, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(*room.lock(), 0);
        assert_eq!(most.into_inner(), 25, "one that is larger has its turn alone");
    }
}

//! Several blocking calls at a time: what waits for a store does not need a processor each.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls `work` for every item, up to `most` at a time, each on a thread of its own. After an error no further ones are
/// begun.
///
/// # Errors
/// Of the items whose `work` failed, that of the earliest.
pub fn at_once<'a, T: Sync, E: Send>(
    most: usize,
    items: &'a [T],
    work: impl Fn(&'a T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let worker = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match items.get(at).map(&work) {
                None => return Ok(()),
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err((at, error));
                }
            }
        }
    };
    let failed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..most.min(items.len())).map(|_| scope.spawn(worker)).collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)).err())
            .min_by_key(|(at, _)| *at)
    });
    failed.map_or(Ok(()), |(_, error)| Err(error))
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, Mutex};

    use super::*;

    #[test]
    fn every_item_comes_once_and_as_many_at_a_time_as_asked_for() {
        for (most, count) in [(1, 5), (4, 4), (16, 3), (3, 0)] {
            let items: Vec<usize> = (0..count).collect();
            // Ends only when so many are in the work together.
            let together = Barrier::new(most.min(count).max(1));
            let seen = Mutex::new(Vec::new());
            let done: Result<(), ()> = at_once(most, &items, |item| {
                if *item < most {
                    together.wait();
                }
                seen.lock().unwrap().push(*item);
                Ok(())
            });
            assert_eq!(done, Ok(()));
            let mut seen = seen.into_inner().unwrap();
            seen.sort_unstable();
            assert_eq!(seen, items, "{most} of {count}");
        }
    }

    #[test]
    fn the_earliest_error_is_told_and_nothing_is_begun_after_it() {
        let items: Vec<usize> = (0..100).collect();
        let together = Barrier::new(2);
        let begun = Mutex::new(0);
        let failed = at_once(2, &items, |item| {
            *begun.lock().unwrap() += 1;
            if *item < 2 {
                together.wait();
            }
            Err(*item)
        });
        assert_eq!(failed, Err(0));
        assert_eq!(begun.into_inner().unwrap(), 2);
    }
}

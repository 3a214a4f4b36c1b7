//! Large pages one row group at a time: memory does not grow with threads.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Asked before pages that are large; see [`LARGE_PAGE_BYTES`](super::bounds::LARGE_PAGE_BYTES).
pub(in crate::inputs) type LargePagePermit = Arc<dyn Fn() + Send + Sync>;

/// Lets one thread at a time read large pages, so that memory does not grow with threads.
#[derive(Default)]
pub(in crate::inputs) struct LargePages {
    taken: Mutex<bool>,
    freed: Condvar,
}

impl LargePages {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquire(&self) {
        let mut taken = self.lock();
        while *taken {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
    }

    fn release(&self) {
        *self.lock() = false;
        self.freed.notify_one();
    }
}

/// The turn of one row group at large pages: taken at its first one, given back at its end.
pub(in crate::inputs) struct Turn {
    large_pages: Arc<LargePages>,
    mine: Mutex<bool>,
}

impl Turn {
    /// A turn that has not been taken.
    pub(in crate::inputs) fn new(large_pages: &Arc<LargePages>) -> Arc<Self> {
        Arc::new(Self {
            large_pages: Arc::clone(large_pages),
            mine: Mutex::new(false),
        })
    }

    /// What takes it.
    pub(in crate::inputs) fn permit(self: &Arc<Self>) -> LargePagePermit {
        let turn = Arc::clone(self);
        Arc::new(move || turn.take())
    }

    fn take(&self) {
        let mut mine = self.mine.lock().unwrap_or_else(PoisonError::into_inner);
        if !*mine {
            self.large_pages.acquire();
            *mine = true;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if *self.mine.lock().unwrap_or_else(PoisonError::into_inner) {
            self.large_pages.release();
        }
    }
}

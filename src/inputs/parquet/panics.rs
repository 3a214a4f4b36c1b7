//! Panics of third-party decoders on hostile bytes, caught and kept off the terminal.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it becomes an error with its message, and prints nothing. What `work` was changing when it
/// panicked must be thrown away.
pub(in crate::inputs) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CATCHING.get() || (cfg!(fuzzing) && is_ours(panic)) {
                before(panic);
            }
        }));
    });
    let outer = CATCHING.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(outer);
    outcome.map_err(|payload| message(payload.as_ref()))
}

/// Whether it is not a decoder's: while our own code is fuzzed such a panic is what is looked for, wherever it is caught.
fn is_ours(panic: &panic::PanicHookInfo<'_>) -> bool {
    let file = panic.location().map_or("", |location| location.file());
    !file.contains("/registry/") && !file.contains("/library/")
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| -> i32 { panic!("index {}", 9) }), Err("index 9".to_owned()));
        assert!(!CATCHING.get());
    }
}

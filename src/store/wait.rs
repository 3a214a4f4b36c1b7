//! How a blocking call waits for `object_store`'s futures.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use tokio::runtime::Runtime;

/// The one runtime of the process. It only waits for the network; the threads that compute are rayon's.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("store")
        .enable_all()
        .build()
        .expect("the system lets a process start two threads")
});

/// Where the work of a call is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// On the calling thread: outside of a runtime, object_store's local files are read right there, without a
    /// trip to another thread.
    Inline,
    /// On the shared runtime, which network clients need.
    Runtime,
}

impl Waiting {
    /// The future's value. Never called from a task of the runtime.
    pub(super) fn wait<F: Future>(self, future: F) -> F::Output {
        match self {
            Self::Inline => block(future),
            Self::Runtime => RUNTIME.block_on(future),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

//! A store whose n-th write goes wrong.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What becomes of the write at which a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and the process is dead.
    CrashBefore,
    /// It is done, and the process is dead.
    CrashAfter,
    /// It is done, but its answer is an error.
    LostAnswer,
    /// It is done, but the answer is that of a retry, which met its own object.
    RetryMeetsItself,
    /// Not one write but all of them: the store does not know create-only put, and overwrites.
    NoCreateOnly,
}

/// A store whose n-th write goes wrong.
#[derive(Debug)]
pub struct Faulty {
    pub inner: LocalFileSystem,
    pub plan: Arc<Plan>,
}

#[derive(Debug)]
pub struct Plan {
    pub fault: Fault,
    pub writes_left: AtomicI64,
    /// Only writes of paths that end so count.
    pub only: &'static str,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl Plan {
    /// Some for the write that goes wrong, and after a crash for all that follow.
    fn strikes(&self, path: &ObjectPath) -> Option<Fault> {
        if !path.as_ref().ends_with(self.only) {
            return None;
        }
        match self.writes_left.fetch_sub(1, Ordering::SeqCst) {
            1 => Some(self.fault),
            left if left < 1 && self.is_crash() => Some(Fault::CrashBefore),
            _ => None,
        }
    }

    fn is_crash(&self) -> bool {
        matches!(self.fault, Fault::CrashBefore | Fault::CrashAfter)
    }

    fn check_alive(&self) -> Result<()> {
        if self.is_crash() && self.writes_left.load(Ordering::SeqCst) < 1 {
            return Err(injected());
        }
        Ok(())
    }

    async fn write<T>(&self, path: &ObjectPath, write: impl Future<Output = Result<T>>) -> Result<T> {
        match self.strikes(path) {
            None | Some(Fault::NoCreateOnly) => write.await,
            Some(Fault::CrashBefore) => Err(injected()),
            Some(Fault::CrashAfter | Fault::LostAnswer) => {
                write.await?;
                Err(injected())
            }
            Some(Fault::RetryMeetsItself) => {
                write.await?;
                Err(Error::AlreadyExists {
                    path: path.to_string(),
                    source: "injected".into(),
                })
            }
        }
    }
}

fn injected() -> Error {
    Error::Generic {
        store: "test",
        source: "injected".into(),
    }
}

// The trait's methods as `async_trait` writes them.
impl ObjectStore for Faulty {
    fn put_opts<'s, 'p, 'f>(
        &'s self,
        location: &'p ObjectPath,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> BoxFuture<'f, Result<PutResult>>
    where
        's: 'f,
        'p: 'f,
        Self: 'f,
    {
        if self.plan.fault == Fault::NoCreateOnly {
            options.mode = PutMode::Overwrite;
        }
        Box::pin(
            self.plan
                .write(location, self.inner.put_opts(location, payload, options)),
        )
    }

    fn put_multipart_opts<'s, 'p, 'f>(
        &'s self,
        _location: &'p ObjectPath,
        _options: PutMultipartOptions,
    ) -> BoxFuture<'f, Result<Box<dyn MultipartUpload>>>
    where
        's: 'f,
        'p: 'f,
        Self: 'f,
    {
        unreachable!("a multipart upload overwrites, so the ledger makes none")
    }

    fn get_opts<'s, 'p, 'f>(&'s self, location: &'p ObjectPath, options: GetOptions) -> BoxFuture<'f, Result<GetResult>>
    where
        's: 'f,
        'p: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            self.plan.check_alive()?;
            self.inner.get_opts(location, options).await
        })
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<ObjectPath>>) -> BoxStream<'static, Result<ObjectPath>> {
        let (inner, plan) = (self.inner.clone(), Arc::clone(&self.plan));
        let delete = move |path: Result<ObjectPath>| {
            let (inner, plan) = (inner.clone(), Arc::clone(&plan));
            async move {
                let path = path?;
                plan.write(&path, inner.delete(&path)).await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.plan.check_alive() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list_with_delimiter<'s, 'p, 'f>(&'s self, prefix: Option<&'p ObjectPath>) -> BoxFuture<'f, Result<ListResult>>
    where
        's: 'f,
        'p: 'f,
        Self: 'f,
    {
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'s, 'p, 'q, 'f>(
        &'s self,
        from: &'p ObjectPath,
        to: &'q ObjectPath,
        options: CopyOptions,
    ) -> BoxFuture<'f, Result<()>>
    where
        's: 'f,
        'p: 'f,
        'q: 'f,
        Self: 'f,
    {
        Box::pin(self.plan.write(to, self.inner.copy_opts(from, to, options)))
    }
}

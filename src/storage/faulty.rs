//! [`FaultyStore`]: a store that fails when a script says so.
//!
//! What a bucket does wrong is a sequence of decisions that a test writes down: the n-th operation that fits fails before it
//! happens, or happens and its reply is lost. Everything else is forwarded to the store below.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// An operation on a store, as far as faults tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Write an object in one go.
    Put,
    /// Begin an object that is written in parts.
    Begin,
    /// Write one part.
    Part,
    /// Make the parts an object.
    Complete,
    /// Give the parts up.
    Abort,
    /// Read an object or a part of it, or look at it.
    Get,
    /// Delete an object.
    Delete,
    /// List objects or directories.
    List,
    /// Copy an object.
    Copy,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It does not happen.
    Before,
    /// It happens, and the reply is lost. Of reads and lists this is the same as [`Before`](Self::Before).
    After,
}

/// One line of the script.
#[derive(Clone, Debug)]
pub struct Fault {
    operation: Operation,
    suffix: String,
    skip: usize,
    times: usize,
    failure: Failure,
}

impl Fault {
    /// The first `operation` on a key that ends in `suffix` fails so; an empty suffix fits every key.
    pub fn new(operation: Operation, suffix: impl Into<String>, failure: Failure) -> Self {
        Self { operation, suffix: suffix.into(), skip: 0, times: 1, failure }
    }

    /// The first `count` operations that fit go well.
    pub fn after(self, count: usize) -> Self {
        Self { skip: count, ..self }
    }

    /// All operations from there on fail.
    pub fn always(self) -> Self {
        Self { times: usize::MAX, ..self }
    }
}

/// What the script has left and what was asked so far.
#[derive(Debug, Default)]
struct Script {
    faults: Vec<Fault>,
    log: Vec<(Operation, String)>,
}

/// A store below which another one lies, and a script of failures. Cloning shares both.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    script: Arc<Mutex<Script>>,
}

impl FaultyStore {
    /// A store that does everything right until [`add`](Self::add) is called.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, script: Arc::default() }
    }

    /// Adds a line to the script.
    pub fn add(&self, fault: Fault) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).faults.push(fault);
    }

    /// Forgets the script: from here on everything goes well.
    pub fn heal(&self) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).faults.clear();
    }

    /// What was asked so far, in order.
    pub fn log(&self) -> Vec<(Operation, String)> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).log.clone()
    }

    fn decide(&self, operation: Operation, path: &Path) -> Option<Failure> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.log.push((operation, path.to_string()));
        let fits = |fault: &&mut Fault| {
            fault.operation == operation && fault.times > 0 && path.as_ref().ends_with(&fault.suffix)
        };
        let fault = script.faults.iter_mut().find(fits)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.failure)
    }

    /// Runs an operation the way the script says.
    async fn run<T>(&self, operation: Operation, path: &Path, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.decide(operation, path) {
            None => work.await,
            Some(Failure::Before) => Err(failed(operation)),
            Some(Failure::After) => {
                work.await?;
                Err(failed(operation))
            }
        }
    }
}

fn failed(operation: Operation) -> object_store::Error {
    object_store::Error::Generic { store: "FaultyStore", source: format!("{operation:?} fails by script").into() }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultyStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.run(Operation::Put, location, self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.run(Operation::Begin, location, self.inner.put_multipart_opts(location, options)).await?;
        Ok(Box::new(FaultyUpload { store: self.clone(), path: location.clone(), inner }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.run(Operation::Get, location, self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.run(Operation::Get, location, self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete_one = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let mut deleted = store.inner.delete_stream(stream::iter([Ok(location.clone())]).boxed());
                let work = async { deleted.next().await.unwrap_or_else(|| Ok(location.clone())) };
                store.run(Operation::Delete, &location, work).await
            }
        };
        locations.then(delete_one).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.decide(Operation::List, prefix.unwrap_or(&Path::default())) {
            None => self.inner.list(prefix),
            Some(_) => stream::iter([Err(failed(Operation::List))]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let root = Path::default();
        self.run(Operation::List, prefix.unwrap_or(&root), self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.run(Operation::Copy, to, self.inner.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    store: FaultyStore,
    path: Path,
    inner: Box<dyn MultipartUpload>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (store, path, part) = (self.store.clone(), self.path.clone(), self.inner.put_part(data));
        Box::pin(async move { store.run(Operation::Part, &path, part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let work = self.inner.complete();
        self.store.run(Operation::Complete, &self.path, work).await
    }

    async fn abort(&mut self) -> Result<()> {
        let work = self.inner.abort();
        self.store.run(Operation::Abort, &self.path, work).await
    }
}

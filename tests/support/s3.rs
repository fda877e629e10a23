//! An S3 server inside the test process: one locked map, so that conditional puts are atomic, with
//! faults on request and a clock that tests may advance.

#![allow(dead_code, reason = "each test uses its part of it")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// The only bucket.
pub const BUCKET: &str = "lake";

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and this status is the answer: 500, 503.
    Status(u16),
    /// Nothing is done, and the connection is closed without an answer.
    Reset,
    /// The request is carried out, and the connection is closed without an answer.
    AnswerLost,
    /// Nothing is done, and nothing comes for so long; then the connection is closed.
    Silence(Duration),
}

/// A request as a fault plan sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Counts requests since the plan was set, from 0.
    pub number: usize,
    /// `GET`, `PUT`, …
    pub method: String,
    /// The key, without the bucket.
    pub key: String,
}

type Plan = Box<dyn Fn(&Seen) -> Option<Fault> + Send>;

/// A running server; it ends with the value.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropping a runtime waits, which an asynchronous test must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    plan: Mutex<(usize, Option<Plan>)>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, BTreeMap<i32, Bytes>>,
    writes: u64,
    ahead: Duration,
}

#[derive(Clone)]
struct Object {
    bytes: Bytes,
    etag: String,
    modified: SystemTime,
}

impl Server {
    /// Starts a server on a free port, on threads of its own.
    pub fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared = Arc::new(Shared::default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener).unwrap()
        };
        let address = listener.local_addr().unwrap();
        let mut builder = S3ServiceBuilder::new(Store(Arc::clone(&shared)));
        builder.set_auth(s3s::auth::SimpleAuth::from_single("test", "test-secret"));
        runtime.spawn(serve(listener, builder.build(), Arc::clone(&shared)));
        Self { address, shared, runtime: Some(runtime) }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment that points the usual S3 clients at it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test-secret".into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ALLOW_HTTP", "true".into()),
        ]
    }

    /// Asks `plan` about every request from now on.
    pub fn set_faults(&self, plan: impl Fn(&Seen) -> Option<Fault> + Send + 'static) {
        *self.shared.plan.lock().unwrap() = (0, Some(Box::new(plan)));
    }

    /// Lets every request through again; returns how many the plan has seen.
    pub fn clear_faults(&self) -> usize {
        std::mem::take(&mut *self.shared.plan.lock().unwrap()).0
    }

    /// Lets the server's clock run ahead.
    pub fn advance(&self, by: Duration) {
        self.state().ahead += by;
    }

    /// All keys that begin so.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.state().objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    /// Parts of uploads that were neither completed nor aborted.
    pub fn unfinished_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

async fn serve(listener: TcpListener, service: S3Service, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (service, shared) = (service.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(service.clone(), Arc::clone(&shared), request));
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, HttpError>> + Send>>;

fn answer(service: S3Service, shared: Arc<Shared>, request: Request<Incoming>) -> Answer {
    let fault = shared.fault(&request);
    let request = request.map(Body::from);
    Box::pin(async move {
        match fault {
            None => service.call(request).await,
            Some(Fault::Status(status)) => {
                let code = if status == 503 { "SlowDown" } else { "InternalError" };
                let body = format!("<Error><Code>{code}</Code><Message>asked for by a test</Message></Error>");
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok(response)
            }
            Some(Fault::Reset) => Err(closed()),
            Some(Fault::AnswerLost) => {
                let _ = service.call(request).await;
                Err(closed())
            }
            Some(Fault::Silence(long)) => {
                tokio::time::sleep(long).await;
                Err(closed())
            }
        }
    })
}

fn closed() -> HttpError {
    HttpError::new(Box::new(std::io::Error::other("asked for by a test")))
}

impl Shared {
    fn fault(&self, request: &Request<Incoming>) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let (number, Some(faults)) = (plan.0, &plan.1) else { return None };
        let key = request.uri().path().trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
        let seen = Seen { number, method: request.method().to_string(), key: key.to_string() };
        let fault = faults(&seen);
        plan.0 += 1;
        fault
    }
}

impl State {
    fn put(&mut self, key: String, bytes: Bytes) -> String {
        self.writes += 1;
        let etag = format!("v{}", self.writes);
        let modified = SystemTime::now() + self.ahead;
        self.objects.insert(key, Object { bytes, etag: etag.clone(), modified });
        etag
    }

    /// What `If-Match` and `If-None-Match` say to a write of `key`.
    fn permit(&self, key: &str, if_match: Option<&IfMatch>, if_none_match: Option<&IfNoneMatch>) -> S3Result<()> {
        let there = self.objects.get(key);
        if if_none_match.is_some() && there.is_some() {
            return Err(s3_error!(PreconditionFailed));
        }
        match (if_match.and_then(ETagCondition::as_etag), there) {
            (Some(_), None) => Err(s3_error!(NoSuchKey)),
            (Some(wanted), Some(object)) if wanted.value() != object.etag => Err(s3_error!(PreconditionFailed)),
            _ => Ok(()),
        }
    }
}

/// The S3 operations that the object store uses.
struct Store(Arc<Shared>);

impl Store {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn object(&self, key: &str) -> S3Result<Object> {
        self.state().objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }
}

async fn bytes_of(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let all: Result<BytesMut, _> = body
        .try_fold(BytesMut::new(), |mut all, part| async move {
            all.extend_from_slice(&part);
            Ok(all)
        })
        .await;
    all.map(BytesMut::freeze).map_err(|_| s3_error!(IncompleteBody))
}

fn blob(bytes: Bytes) -> StreamingBlob {
    StreamingBlob::wrap(futures::stream::once(async move { Ok::<_, Infallible>(bytes) }))
}

#[async_trait::async_trait]
impl S3 for Store {
    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let bytes = bytes_of(input.body).await?;
        let mut state = self.state();
        state.permit(&input.key, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let etag = state.put(input.key, bytes);
        Ok(S3Response::new(PutObjectOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.object(&input.key)?;
        let all = object.bytes.len() as u64;
        let (bytes, content_range) = match input.range {
            None => (object.bytes, None),
            Some(range) => {
                let range = range.check(all).map_err(|_| s3_error!(InvalidRange))?;
                let text = format!("bytes {}-{}/{all}", range.start, range.end - 1);
                (object.bytes.slice(range.start as usize..range.end as usize), Some(text))
            }
        };
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(bytes.len() as i64),
            content_range,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified.into()),
            body: Some(blob(bytes)),
            ..Default::default()
        }))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.object(&request.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(object.bytes.len() as i64),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(object.modified.into()),
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
        let page = input.max_keys.unwrap_or(1_000).clamp(1, 1_000) as usize;
        let state = self.state();
        let (mut contents, mut folders, mut last) = (Vec::new(), Vec::<String>::new(), None);
        let found = state.objects.iter().filter(|(key, _)| key.starts_with(&prefix));
        for (key, object) in found {
            let folder = input.delimiter.as_ref().and_then(|delimiter| {
                let end = key[prefix.len()..].find(delimiter.as_str())?;
                Some(key[..prefix.len() + end + delimiter.len()].to_string())
            });
            let name = folder.as_ref().unwrap_or(key);
            if *name <= after || folders.last() == Some(name) {
                continue;
            }
            if contents.len() + folders.len() == page {
                last = contents
                    .last()
                    .map(|found: &s3s::dto::Object| found.key.clone().unwrap())
                    .max(folders.last().cloned());
                break;
            }
            match folder {
                Some(folder) => folders.push(folder),
                None => contents.push(s3s::dto::Object {
                    key: Some(key.clone()),
                    size: Some(object.bytes.len() as i64),
                    e_tag: Some(ETag::Strong(object.etag.clone())),
                    last_modified: Some(object.modified.into()),
                    ..Default::default()
                }),
            }
        }
        let folders = folders.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) });
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(prefix),
            delimiter: input.delimiter,
            key_count: Some((contents.len() + folders.len()) as i32),
            is_truncated: Some(last.is_some()),
            next_continuation_token: last,
            contents: Some(contents),
            common_prefixes: Some(folders.collect()),
            ..Default::default()
        }))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.state().objects.remove(&request.input.key);
        Ok(S3Response::with_status(DeleteObjectOutput::default(), StatusCode::NO_CONTENT))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let mut state = self.state();
        let mut deleted = Vec::new();
        for object in request.input.delete.objects {
            state.objects.remove(&object.key);
            deleted.push(DeletedObject { key: Some(object.key), ..Default::default() });
        }
        Ok(S3Response::new(DeleteObjectsOutput { deleted: Some(deleted), ..Default::default() }))
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let CopySource::Bucket { key: source, .. } = &request.input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        let object = self.object(source)?;
        let etag = self.state().put(request.input.key, object.bytes);
        let result = CopyObjectResult { e_tag: Some(ETag::Strong(etag)), ..Default::default() };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut state = self.state();
        state.writes += 1;
        let upload_id = format!("upload-{}", state.writes);
        state.uploads.insert(upload_id.clone(), BTreeMap::new());
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(request.input.bucket),
            key: Some(request.input.key),
            upload_id: Some(upload_id),
            ..Default::default()
        }))
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let bytes = bytes_of(input.body).await?;
        let mut state = self.state();
        let parts = state.uploads.get_mut(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        parts.insert(input.part_number, bytes);
        let etag = ETag::Strong(format!("{}-{}", input.upload_id, input.part_number));
        Ok(S3Response::new(UploadPartOutput { e_tag: Some(etag), ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.state();
        state.permit(&input.key, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let parts = state.uploads.remove(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let mut all = BytesMut::new();
        for part in parts.values() {
            all.extend_from_slice(part);
        }
        let etag = state.put(input.key.clone(), all.freeze());
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.state().uploads.remove(&request.input.upload_id);
        Ok(S3Response::with_status(AbortMultipartUploadOutput::default(), StatusCode::NO_CONTENT))
    }
}

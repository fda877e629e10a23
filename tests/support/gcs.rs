//! Google Cloud Storage inside the test process: its XML API, as far as the object store uses it,
//! over one locked map, so that conditional puts are atomic.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use hyper::body::Incoming;
use hyper::header::{CONTENT_RANGE, ETAG, LAST_MODIFIED, RANGE};
use hyper::http::request::Parts;
use hyper::http::response::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use percent_encoding::percent_decode_str;
use s3s::Body;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The only bucket.
pub const BUCKET: &str = "lake";

const GENERATION: &str = "x-goog-generation";
const IF_GENERATION: &str = "x-goog-if-generation-match";

/// A running server; it ends with the value.
pub struct Server {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    generation: u64,
}

#[derive(Clone)]
struct Object {
    bytes: Bytes,
    generation: u64,
    modified: DateTime<Utc>,
}

impl Server {
    /// Starts a server on a free port, on a thread of its own.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener).unwrap()
        };
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, Arc::default()));
        Self { address, runtime: Some(runtime) }
    }

    /// The environment that points the usual tools at it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![("STORAGE_EMULATOR_HOST", self.address.to_string())]
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(Arc::clone(&state), request));
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Body::from(body).store_all_limited(1 << 30).await else { return Ok(status(400)) };
    let path = percent_decode_str(head.uri.path().trim_start_matches('/')).decode_utf8().unwrap().into_owned();
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    if bucket != BUCKET {
        return Ok(status(404));
    }
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let state = state.lock().unwrap();
    Ok(match (&head.method, key) {
        (&Method::GET, "") => list(&state, &query),
        (&Method::GET | &Method::HEAD, key) => get(&state, key, &head),
        (&Method::PUT, key) => put(state, key, &head, &query, body),
        (&Method::POST, key) => post(state, key, &query),
        (&Method::DELETE, key) => delete(state, key, &query),
        _ => status(405),
    })
}

fn status(code: u16) -> Response<Body> {
    Response::builder().status(code).body(Body::from(Bytes::new())).unwrap()
}

fn of_object(object: &Object) -> Builder {
    Response::builder()
        .header(ETAG, format!("\"{}\"", object.generation))
        .header(GENERATION, object.generation)
        .header(LAST_MODIFIED, object.modified.to_rfc2822().replace("+0000", "GMT"))
}

fn get(state: &State, key: &str, head: &Parts) -> Response<Body> {
    let Some(object) = state.objects.get(key) else { return status(404) };
    let size = object.bytes.len();
    let wanted = head.headers.get(RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'));
    let (from, to) = match wanted {
        None => return of_object(object).body(Body::from(object.bytes.clone())).unwrap(),
        Some(("", last)) => (size.saturating_sub(last.parse().unwrap()), size),
        Some((from, "")) => (from.parse().unwrap(), size),
        Some((from, to)) => (from.parse().unwrap(), size.min(to.parse::<usize>().unwrap() + 1)),
    };
    if from >= to {
        return status(416);
    }
    let answer = of_object(object).status(StatusCode::PARTIAL_CONTENT);
    let answer = answer.header(CONTENT_RANGE, format!("bytes {from}-{}/{size}", to - 1));
    answer.body(Body::from(object.bytes.slice(from..to))).unwrap()
}

fn put(
    mut state: MutexGuard<'_, State>,
    key: &str,
    head: &Parts,
    query: &BTreeMap<String, String>,
    body: Bytes,
) -> Response<Body> {
    if let Some(upload) = query.get("uploadId") {
        let part: u32 = query["partNumber"].parse().unwrap();
        let Some(parts) = state.uploads.get_mut(upload) else { return status(404) };
        parts.insert(part, body);
        return Response::builder()
            .header(ETAG, format!("\"{upload}-{part}\""))
            .body(Body::from(Bytes::new()))
            .unwrap();
    }
    let there = state.objects.get(key).map_or(0, |object| object.generation);
    let wanted = head.headers.get(IF_GENERATION).map(|wanted| wanted.to_str().unwrap().parse::<u64>().unwrap());
    if wanted.is_some_and(|wanted| wanted != there) {
        return status(412);
    }
    of_object(&state.store(key, body)).body(Body::from(Bytes::new())).unwrap()
}

impl State {
    fn store(&mut self, key: &str, bytes: Bytes) -> Object {
        self.generation += 1;
        let object = Object { bytes, generation: self.generation, modified: Utc::now() };
        self.objects.insert(key.to_string(), object.clone());
        object
    }
}

fn post(mut state: MutexGuard<'_, State>, key: &str, query: &BTreeMap<String, String>) -> Response<Body> {
    let Some(upload) = query.get("uploadId") else {
        state.generation += 1;
        let upload = format!("upload-{}", state.generation);
        state.uploads.insert(upload.clone(), BTreeMap::new());
        let text = format!(
            "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        );
        return Response::new(Body::from(text));
    };
    let Some(parts) = state.uploads.remove(upload) else { return status(404) };
    let mut all = BytesMut::new();
    parts.values().for_each(|part| all.extend_from_slice(part));
    let object = state.store(key, all.freeze());
    let text = format!(
        "<CompleteMultipartUploadResult><ETag>\"{}\"</ETag></CompleteMultipartUploadResult>",
        object.generation
    );
    of_object(&object).body(Body::from(text)).unwrap()
}

fn delete(mut state: MutexGuard<'_, State>, key: &str, query: &BTreeMap<String, String>) -> Response<Body> {
    let gone = match query.get("uploadId") {
        Some(upload) => state.uploads.remove(upload).is_some(),
        None => state.objects.remove(key).is_some(),
    };
    status(if gone { 204 } else { 404 })
}

fn list(state: &State, query: &BTreeMap<String, String>) -> Response<Body> {
    let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let (prefix, delimiter) = (text("prefix"), text("delimiter"));
    let mut answer = String::from("<ListBucketResult>");
    let mut folders: Vec<&str> = Vec::new();
    for (key, object) in state.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
        if key.as_str() <= text("start-after") {
            continue;
        }
        match key[prefix.len()..].find(delimiter).filter(|_| !delimiter.is_empty()) {
            Some(at) => folders.push(&key[..prefix.len() + at + delimiter.len()]),
            None => answer.push_str(&format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>{}</LastModified><ETag>\"{}\"</ETag></Contents>",
                object.bytes.len(),
                object.modified.to_rfc3339(),
                object.generation
            )),
        }
    }
    folders.dedup();
    for folder in folders {
        answer.push_str(&format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"));
    }
    answer.push_str("</ListBucketResult>");
    Response::new(Body::from(answer))
}

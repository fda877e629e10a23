//! Where tables lie: a folder on disk or a prefix in a bucket, with what is needed to reach it.

use std::fmt;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use object_store::path::Path;
use object_store::{ObjectStore, RetryConfig};
use url::Url;

use super::cloud::{self, Cloud, Options};
use super::{DurableFiles, Env};
use crate::diag::nearest;
use crate::error::{Error, Result};

const SCHEMES: [(&str, Option<Cloud>); 9] = [
    ("file", None),
    ("s3", Some(Cloud::S3)),
    ("s3a", Some(Cloud::S3)),
    ("gs", Some(Cloud::Gcs)),
    ("az", Some(Cloud::Azure)),
    ("azure", Some(Cloud::Azure)),
    ("adl", Some(Cloud::Azure)),
    ("abfs", Some(Cloud::Azure)),
    ("abfss", Some(Cloud::Azure)),
];

/// A folder or a prefix, and the client that reaches it. Cloning is cheap; showing one never
/// shows a secret.
#[derive(Clone)]
pub struct Location {
    url: Url,
    prefix: Path,
    reach: Arc<Reach>,
}

/// What all locations below one root share.
struct Reach {
    store: Arc<dyn ObjectStore>,
    cloud: Option<Cloud>,
    registry: Url,
    options: Options,
    secrets: Vec<String>,
}

impl Location {
    /// Reads a path (relative ones start at `base`) or a URL with the scheme `file`, `s3`, `s3a`,
    /// `gs`, `az`, `abfs` or `abfss`. Nothing is contacted yet.
    ///
    /// # Errors
    /// Of the kind *project*: a location that cannot be read, or credentials that do not fit together.
    pub fn open(text: &str, base: &FilePath, env: &Env) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::project("a location is empty")
                .with_hint("write a folder, or a URL such as `s3://bucket/prefix`"));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return local(text, base) };
        let scheme = scheme.to_ascii_lowercase();
        match SCHEMES.iter().find(|(known, _)| *known == scheme) {
            Some((_, Some(cloud))) => remote(text, *cloud, env),
            Some((_, None)) if rest.starts_with('/') => local(&decoded(text)?, base),
            Some((_, None)) => Err(Error::project(format!("`{text}` names a host, which a file URL cannot"))
                .with_hint("an absolute path follows three slashes: `file:///data/extracts`")),
            None => Err(unknown_scheme(&scheme)),
        }
    }

    /// A location in a store that is at hand already: an in-memory one, or one wrapped by a test.
    pub fn of_store(store: Arc<dyn ObjectStore>, url: Url, prefix: Path) -> Self {
        let mut registry = url.clone();
        registry.set_path("/");
        let reach = Reach { store, cloud: None, registry, options: Options::new(), secrets: Vec::new() };
        Self { url: as_folder(url), prefix, reach: Arc::new(reach) }
    }

    /// The URL, with a slash at its end, so that it can be joined.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The client, whose puts wait for the disk on a file system. Its paths start at the root of the disk
    /// or the bucket: see [`Self::prefix`].
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.reach.store)
    }

    /// This location's path within [`Self::store`].
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The folder, where it is one on disk.
    pub fn local_path(&self) -> Option<PathBuf> {
        self.url.to_file_path().ok().filter(|_| self.url.scheme() == "file")
    }

    /// The location `below` this one; parts are separated by `/`, and `..` is refused.
    pub fn join(&self, below: &str) -> Result<Self> {
        let prefix = self.path(below)?;
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(below.split('/').filter(|part| !part.is_empty()));
        }
        Ok(Self { url: as_folder(url), prefix, reach: Arc::clone(&self.reach) })
    }

    /// The path within [`Self::store`] of something `below` this location.
    pub fn path(&self, below: &str) -> Result<Path> {
        let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
        if let Some(part) = parts.iter().find(|part| matches!(**part, "." | "..")) {
            return Err(Error::project(format!("`{below}` leaves its location with `{part}`")));
        }
        // Parsed, not joined part by part: joining would escape characters that names may have.
        let parsed = Path::parse(format!("{}/{}", self.prefix, parts.join("/")).trim_matches('/'));
        parsed.map_err(|error| Error::project(format!("`{below}` is not a path that stores accept: {error}")))
    }

    /// A path of the store as a person would write it.
    pub fn show(&self, path: &Path) -> String {
        format!("{}{path}", self.root())
    }

    /// What stands before a path of the store to make it whole: `/` or `s3://bucket/`.
    pub(super) fn root(&self) -> String {
        match self.url.scheme() {
            "file" => "/".to_string(),
            _ => format!("{}/", self.url.as_str().split('/').take(3).collect::<Vec<_>>().join("/")),
        }
    }

    /// The URL under which [`Self::register`] makes the store known.
    pub fn object_store_url(&self) -> Result<ObjectStoreUrl> {
        ObjectStoreUrl::parse(&self.reach.registry)
            .map_err(|error| Error::internal(format!("`{self}` has no store URL")).with_source(error))
    }

    /// Makes the store known to a session, under [`Self::object_store_url`].
    pub fn register(&self, runtime: &RuntimeEnv) {
        runtime.register_object_store(&self.reach.registry, self.store());
    }

    /// Credentials, endpoint and patience under the names that the Delta writer reads, so that it
    /// reaches the store just as this location does. Values may be secret.
    pub fn storage_options(&self) -> &std::collections::BTreeMap<String, String> {
        &self.reach.options
    }

    /// The store's error as ours: of the kind *world*, without secrets, with where credentials
    /// come from if it was about them.
    pub fn error(&self, doing: impl fmt::Display, error: &object_store::Error) -> Error {
        use object_store::Error as Store;
        let text = cloud::redact(&error.to_string(), &self.reach.secrets);
        let ours = Error::world(format!("{doing} failed")).with_source(text.clone());
        let refused = matches!(error, Store::Unauthenticated { .. } | Store::PermissionDenied { .. })
            || ["169.254.169.254", "metadata", "credential"].iter().any(|word| text.contains(word));
        match self.reach.cloud {
            Some(cloud) if refused => ours.with_hint(cloud.hint()),
            _ => ours,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.local_path() {
            Some(path) => f.write_str(path.to_string_lossy().trim_end_matches('/')),
            None => f.write_str(self.url.as_str().trim_end_matches('/')),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

fn local(text: &str, base: &FilePath) -> Result<Location> {
    if text == "~" || text.starts_with("~/") {
        return Err(Error::project(format!("`{text}` starts with `~`, which is not expanded"))
            .with_hint(format!("write `${{HOME}}{}`", text.trim_start_matches('~'))));
    }
    let wrong = || Error::project(format!("`{text}` is not a path that can be used"));
    let folder = tidy(&std::path::absolute(base.join(text)).map_err(|error| wrong().with_source(error))?);
    let url = Url::from_directory_path(&folder).map_err(|()| wrong())?;
    let prefix = Path::from_absolute_path(&folder).map_err(|error| wrong().with_source(error))?;
    let registry = Url::parse("file:///").map_err(|error| Error::internal("no file URL").with_source(error))?;
    let store = Arc::new(DurableFiles::default());
    let reach = Reach { store, cloud: None, registry, options: Options::new(), secrets: Vec::new() };
    Ok(Location { url, prefix, reach: Arc::new(reach) })
}

/// Takes `.` and `..` out without asking the disk: a folder that does not exist yet has them too.
fn tidy(path: &FilePath) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut tidy, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = tidy.pop(),
            other => tidy.push(other),
        }
        tidy
    })
}

/// The path of a `file:///…` URL.
fn decoded(text: &str) -> Result<String> {
    let url = Url::parse(text).map_err(|error| Error::project(format!("`{text}` is not a URL: {error}")))?;
    let path = url.to_file_path().map_err(|()| Error::project(format!("`{text}` is not the URL of a file")))?;
    Ok(path.to_string_lossy().into_owned())
}

fn remote(text: &str, cloud: Cloud, env: &Env) -> Result<Location> {
    // Until it is known to hold no password or signature, the text is not shown.
    let url = Url::parse(text).map_err(|error| Error::project(format!("the location is not a URL: {error}")))?;
    if url.password().is_some() || (cloud != Cloud::Azure && !url.username().is_empty()) {
        return Err(Error::project("a location must not hold credentials").with_hint(cloud.hint()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::project("a location ends before `?` and `#`")
            .with_hint("a signature belongs in the environment, for Azure in `AZURE_STORAGE_SAS_TOKEN`"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Error::project(format!("`{text}` names no bucket")).with_hint("write `s3://bucket/prefix`"));
    }
    let prefix = Path::from_url_path(url.path())
        .map_err(|error| Error::project(format!("`{text}` has a path that stores refuse: {error}")))?;
    let options = cloud.options(env)?;
    let retry = cloud::retry(env)?;
    let store = cloud.connect(&url, &options, retry.clone())?;
    let secrets = cloud::secrets(&options);
    let registry = registry_url(&url)?;
    let options = options.into_iter().chain(delta_retry(&retry)).collect();
    let reach = Reach { store, cloud: Some(cloud), registry, options, secrets };
    Ok(Location { url: as_folder(url), prefix, reach: Arc::new(reach) })
}

/// Sessions tell stores apart by scheme and host alone, but two containers of one Azure account
/// differ before the `@`; so the container becomes part of the host.
fn registry_url(url: &Url) -> Result<Url> {
    let host = url.host_str().unwrap_or_default();
    let host = if url.username().is_empty() { host.to_string() } else { format!("{}.{host}", url.username()) };
    Url::parse(&format!("{}://{host}/", url.scheme()))
        .map_err(|error| Error::project(format!("`{host}` cannot name a bucket: {error}")))
}

fn delta_retry(retry: &RetryConfig) -> [(String, String); 5] {
    let millis = |wait: std::time::Duration| format!("{}ms", wait.as_millis());
    [
        ("max_retries".to_string(), retry.max_retries.to_string()),
        ("retry_timeout".to_string(), millis(retry.retry_timeout)),
        ("backoff_config.init_backoff".to_string(), millis(retry.backoff.init_backoff)),
        ("backoff_config.max_backoff".to_string(), millis(retry.backoff.max_backoff)),
        ("backoff_config.base".to_string(), retry.backoff.base.to_string()),
    ]
}

fn as_folder(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

fn unknown_scheme(scheme: &str) -> Error {
    let known = SCHEMES.iter().map(|(name, _)| *name);
    let hint = match scheme {
        "gcs" => "did you mean `gs://`?".to_string(),
        "wasb" | "wasbs" => "did you mean `abfss://container@account.dfs.core.windows.net/…`?".to_string(),
        _ => match nearest(scheme, known) {
            Some(name) => format!("did you mean `{name}://`?"),
            None => "write a folder, or a URL with `file`, `s3`, `gs`, `az` or `abfss`".to_string(),
        },
    };
    Error::project(format!("`{scheme}://` is not a kind of location that can be used")).with_hint(hint)
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;

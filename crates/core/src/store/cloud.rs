//! Credentials, endpoints and patience for each cloud, read from the environment under the names
//! that the cloud's own tools use.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GcpCredentialProvider, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};
use url::Url;

use super::{Env, aws_profile};
use crate::error::{Error, Result};

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cloud {
    S3,
    Gcs,
    Azure,
}

/// Settings under the names of the store's client.
pub(super) type Options = BTreeMap<String, String>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole request, body included: a large part over a slow line takes its time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const RETRIES: u32 = 8;
/// No retry begins later than this after the first attempt.
const RETRY_FOR: u32 = 120;

/// How often and how long a failed request is tried again: each wait is about twice the one
/// before, and both the number and the time are bounded. `MARQUETRY_STORE_RETRIES` and
/// `MARQUETRY_STORE_RETRY_SECONDS` set the bounds.
pub(super) fn retry(env: &Env) -> Result<RetryConfig> {
    let number = |name: &str, default: u32| match env.get(name) {
        None => Ok(default),
        Some(text) => text
            .trim()
            .parse::<u32>()
            .map_err(|_| Error::project(format!("`{name}` must be a whole number, not `{text}`"))),
    };
    Ok(RetryConfig {
        backoff: BackoffConfig { init_backoff: FIRST_WAIT, max_backoff: LONGEST_WAIT, base: 2.0 },
        max_retries: number("MARQUETRY_STORE_RETRIES", RETRIES)? as usize,
        retry_timeout: Duration::from_secs(u64::from(number("MARQUETRY_STORE_RETRY_SECONDS", RETRY_FOR)?)),
    })
}

impl Cloud {
    /// What the environment says about this cloud.
    pub(super) fn options(self, env: &Env) -> Result<Options> {
        match self {
            Self::S3 => s3_options(env),
            Self::Gcs => gcs_options(env),
            Self::Azure => Ok(azure_options(env)),
        }
    }

    /// A client for the bucket or container that `url` names.
    pub(super) fn connect(self, url: &Url, options: &Options, retry: RetryConfig) -> Result<Arc<dyn ObjectStore>> {
        let client = ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT).with_timeout(REQUEST_TIMEOUT);
        let built = match self {
            Self::S3 => {
                let builder =
                    AmazonS3Builder::new().with_url(url.as_str()).with_retry(retry).with_client_options(client);
                configured(builder, options, AmazonS3Builder::with_config).build().map(|s| Arc::new(s) as _)
            }
            Self::Gcs => {
                let builder = GoogleCloudStorageBuilder::new()
                    .with_url(url.as_str())
                    .with_retry(retry)
                    .with_client_options(client);
                let unsigned =
                    options.get(GoogleConfigKey::SkipSignature.as_ref()).is_some_and(|value| value == "true");
                let builder = configured(builder, options, GoogleCloudStorageBuilder::with_config);
                let builder = if unsigned { builder.with_credentials(nobody()) } else { builder };
                builder.build().map(|s| Arc::new(s) as _)
            }
            Self::Azure => {
                let builder =
                    MicrosoftAzureBuilder::new().with_url(url.as_str()).with_retry(retry).with_client_options(client);
                configured(builder, options, MicrosoftAzureBuilder::with_config).build().map(|s| Arc::new(s) as _)
            }
        };
        built.map_err(|error| {
            let secrets = secrets(options);
            Error::project(format!("`{url}` cannot be used: {}", redact(&error.to_string(), &secrets)))
                .with_hint(self.hint())
        })
    }

    /// Where credentials are looked for.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::S3 => {
                "credentials are taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, the profile in `AWS_PROFILE`, \
                 a web identity, or the machine's role; other servers than AWS need `AWS_ENDPOINT_URL_S3`"
            }
            Self::Gcs => {
                "credentials are taken from `GOOGLE_APPLICATION_CREDENTIALS`, `GOOGLE_SERVICE_ACCOUNT_KEY`, \
                 `gcloud auth application-default login`, or the machine's service account"
            }
            Self::Azure => {
                "credentials are taken from `AZURE_STORAGE_ACCOUNT` with `AZURE_STORAGE_KEY` or `AZURE_STORAGE_SAS_TOKEN`, \
                 `AZURE_STORAGE_CONNECTION_STRING`, a client secret, a workload or managed identity"
            }
        }
    }
}

/// The client asks for a token before it writes, also where it is told to sign nothing.
fn nobody() -> GcpCredentialProvider {
    Arc::new(StaticCredentialProvider::new(GcpCredential { bearer: String::new() }))
}

fn configured<B, K: FromStr>(builder: B, options: &Options, set: impl Fn(B, K, String) -> B) -> B {
    options.iter().fold(builder, |builder, (name, value)| match name.parse::<K>() {
        Ok(key) => set(builder, key, value.clone()),
        Err(_) => builder,
    })
}

/// The variables of a prefix that the client knows, under its own names for them.
fn known<K: FromStr + AsRef<str>>(env: &Env, prefix: &str) -> Options {
    env.starting_with(prefix)
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse::<K>().ok()?, value)))
        .map(|(key, value)| (key.as_ref().to_string(), value.to_string()))
        .collect()
}

/// The S3 endpoint wins over the general one, variables over the profile, and a region over the
/// default region. An endpoint without TLS is used when it was asked for by name.
fn s3_options(env: &Env) -> Result<Options> {
    let mut options = known::<AmazonS3ConfigKey>(env, "AWS_");
    options.remove(AmazonS3ConfigKey::Bucket.as_ref());
    let has = |options: &Options, key: AmazonS3ConfigKey| options.contains_key(key.as_ref());
    let keys_elsewhere = has(&options, AmazonS3ConfigKey::AccessKeyId)
        || has(&options, AmazonS3ConfigKey::WebIdentityTokenFile)
        || has(&options, AmazonS3ConfigKey::SkipSignature);
    let profile = aws_profile::read(env, !keys_elsewhere)?;
    if !keys_elsewhere {
        fill(&mut options, AmazonS3ConfigKey::AccessKeyId, profile.access_key_id);
        fill(&mut options, AmazonS3ConfigKey::SecretAccessKey, profile.secret_access_key);
        fill(&mut options, AmazonS3ConfigKey::Token, profile.session_token);
    }
    let default_region = options.remove(AmazonS3ConfigKey::DefaultRegion.as_ref());
    fill(&mut options, AmazonS3ConfigKey::Region, default_region.or(profile.region));
    if let Some(endpoint) = options.remove(AmazonS3ConfigKey::S3Endpoint.as_ref()) {
        options.insert(AmazonS3ConfigKey::Endpoint.as_ref().to_string(), endpoint);
    }
    if env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != Some("true") {
        fill(&mut options, AmazonS3ConfigKey::Endpoint, profile.endpoint_url);
    }
    allow_plain_http(&mut options, AmazonS3ConfigKey::Endpoint.as_ref());
    options.entry(AmazonS3ConfigKey::CopyIfNotExists.as_ref().to_string()).or_insert_with(|| "multipart".to_string());
    Ok(options)
}

fn fill<K: AsRef<str>>(options: &mut Options, key: K, value: Option<String>) {
    if let Some(value) = value {
        options.entry(key.as_ref().to_string()).or_insert(value);
    }
}

fn allow_plain_http(options: &mut Options, endpoint: &str) {
    if options.get(endpoint).is_some_and(|url| url.starts_with("http://")) {
        options.entry("allow_http".to_string()).or_insert_with(|| "true".to_string());
    }
}

fn gcs_options(env: &Env) -> Result<Options> {
    let mut options = known::<GoogleConfigKey>(env, "GOOGLE_");
    options.remove(GoogleConfigKey::Bucket.as_ref());
    if let Some(emulator) = env.get("STORAGE_EMULATOR_HOST") {
        let url = if emulator.contains("://") { emulator.to_string() } else { format!("http://{emulator}") };
        fill(&mut options, GoogleConfigKey::BaseUrl, Some(url));
        fill(&mut options, GoogleConfigKey::SkipSignature, Some("true".to_string()));
    }
    allow_plain_http(&mut options, GoogleConfigKey::BaseUrl.as_ref());
    if let Some(path) = options.get(GoogleConfigKey::ApplicationCredentials.as_ref()) {
        refuse_federated(path)?;
    }
    Ok(options)
}

/// Federated credentials are a file too, but one that the client cannot read.
fn refuse_federated(path: &str) -> Result<()> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::project(format!("`GOOGLE_APPLICATION_CREDENTIALS` names `{path}`, which cannot be read"))
            .with_source(error)
    })?;
    let value = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
    match value.get("type").and_then(serde_json::Value::as_str) {
        Some(kind @ ("external_account" | "impersonated_service_account")) => {
            Err(Error::project(format!("the credentials in `{path}` are of the type `{kind}`, which is not supported"))
                .with_hint("use a service account's key, or run where the metadata server gives out the identity"))
        }
        _ => Ok(()),
    }
}

/// Names of Azure's own tools for what the client calls otherwise.
const AZURE_NAMES: [(&str, AzureConfigKey); 4] = [
    ("AZURE_STORAGE_ACCOUNT", AzureConfigKey::AccountName),
    ("AZURE_STORAGE_KEY", AzureConfigKey::AccessKey),
    ("AZURE_STORAGE_SERVICE_ENDPOINT", AzureConfigKey::Endpoint),
    ("IDENTITY_ENDPOINT", AzureConfigKey::MsiEndpoint),
];

fn azure_options(env: &Env) -> Options {
    let mut options = known::<AzureConfigKey>(env, "AZURE_");
    options.remove(AzureConfigKey::ContainerName.as_ref());
    for (name, key) in AZURE_NAMES {
        fill(&mut options, key, env.get(name).map(str::to_string));
    }
    for part in env.get("AZURE_STORAGE_CONNECTION_STRING").unwrap_or_default().split(';') {
        let Some((name, value)) = part.split_once('=') else { continue };
        let key = match name.trim().to_ascii_lowercase().as_str() {
            "accountname" => AzureConfigKey::AccountName,
            "accountkey" => AzureConfigKey::AccessKey,
            "sharedaccesssignature" => AzureConfigKey::SasKey,
            "blobendpoint" => AzureConfigKey::Endpoint,
            _ => continue,
        };
        fill(&mut options, key, Some(value.trim().to_string()));
    }
    allow_plain_http(&mut options, AzureConfigKey::Endpoint.as_ref());
    options
}

/// Words in a setting's name that say its value must not be shown.
const SECRET_WORDS: [&str; 6] = ["secret", "token", "account_key", "sas_key", "customer_key", "service_account_key"];

/// The values among the settings that must never be shown.
pub(super) fn secrets(options: &Options) -> Vec<String> {
    let secret = |name: &str| !name.ends_with("_file") && SECRET_WORDS.iter().any(|word| name.contains(word));
    options.iter().filter(|(name, value)| secret(name) && !value.is_empty()).map(|(_, value)| value.clone()).collect()
}

/// `text` without any of the secrets.
pub(super) fn redact(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "…"))
}

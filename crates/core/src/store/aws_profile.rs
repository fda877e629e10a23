//! AWS profiles: `~/.aws/credentials` and `~/.aws/config`, as the AWS tools read them.
//!
//! The Parquet reader's client knows nothing of profiles while Delta's does; what is found here
//! goes to both, so that the two never disagree about who is asking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Env;
use crate::error::{Error, Result};

/// What a profile settles; everything may be absent.
#[derive(Default)]
pub(super) struct Profile {
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<String>,
    pub(super) session_token: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint_url: Option<String>,
}

/// Keys of a profile whose credentials have to be fetched from somewhere else first.
const INDIRECT: [&str; 6] =
    ["role_arn", "sso_session", "sso_start_url", "credential_process", "credential_source", "web_identity_token_file"];

type Section = BTreeMap<String, String>;

/// Reads the profile that `AWS_PROFILE` names, or `default`.
///
/// With `need_keys`, a profile that was asked for by name must exist, and one whose keys can only
/// be had from a role, single sign-on or a process is refused with what to do instead.
pub(super) fn read(env: &Env, need_keys: bool) -> Result<Profile> {
    let named = env.get("AWS_PROFILE").or_else(|| env.get("AWS_DEFAULT_PROFILE"));
    let name = named.unwrap_or("default");
    let credentials = sections(file(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials").as_deref())?;
    let config = sections(file(env, "AWS_CONFIG_FILE", "config").as_deref())?;
    let in_config = config.get(&format!("profile {name}")).or_else(|| config.get(name).filter(|_| name == "default"));
    let in_credentials = credentials.get(name);
    if need_keys && named.is_some() && in_config.is_none() && in_credentials.is_none() {
        return Err(Error::project(format!("AWS profile `{name}` is in neither the credentials nor the config file"))
            .with_hint("`aws configure list-profiles` shows those that exist"));
    }
    let get =
        |key: &str| [in_credentials, in_config].into_iter().flatten().find_map(|section| section.get(key).cloned());
    let services =
        in_config.and_then(|section| section.get("services")).and_then(|s| config.get(&format!("services {s}")));
    let profile = Profile {
        access_key_id: get("aws_access_key_id"),
        secret_access_key: get("aws_secret_access_key"),
        session_token: get("aws_session_token"),
        region: get("region"),
        endpoint_url: services.and_then(|s| s.get("s3.endpoint_url").cloned()).or_else(|| get("endpoint_url")),
    };
    let indirect = INDIRECT.iter().find(|key| get(key).is_some());
    match indirect {
        Some(key) if need_keys && profile.access_key_id.is_none() => Err(Error::project(format!(
            "AWS profile `{name}` takes its credentials from `{key}`, which is not read here"
        ))
        .with_hint(format!(
            "put them into the environment first: `eval \"$(aws configure export-credentials --profile {name} --format env)\"`"
        ))),
        _ => Ok(profile),
    }
}

fn file(env: &Env, variable: &str, name: &str) -> Option<PathBuf> {
    let home = || env.get("HOME").map(|home| Path::new(home).join(".aws").join(name));
    env.get(variable).map(PathBuf::from).or_else(home)
}

/// The sections of an INI file; a file that is not there has none. A key that stands indented
/// under a key without a value is known as `outer.inner`.
fn sections(path: Option<&Path>) -> Result<BTreeMap<String, Section>> {
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => {
            Err(Error::project(format!("AWS profile file `{}` cannot be read", path.display())).with_source(error))
        }
    }
}

fn parse(text: &str) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut current = String::new();
    let mut outer = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            current = header.split_whitespace().collect::<Vec<_>>().join(" ");
            outer.clear();
            continue;
        }
        let Some((key, value)) = trimmed.split_once('=') else { continue };
        let (key, value) = (key.trim().to_lowercase(), value.split(" #").next().unwrap_or_default().trim());
        let indented = line.starts_with([' ', '\t']);
        if !indented {
            outer = if value.is_empty() { key.clone() } else { String::new() };
        }
        let name = if indented && !outer.is_empty() { format!("{outer}.{key}") } else { key };
        if !value.is_empty() {
            sections.entry(current.clone()).or_default().insert(name, value.to_string());
        }
    }
    sections
}

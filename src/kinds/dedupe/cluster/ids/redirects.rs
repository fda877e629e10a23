//! Where the ids lead that no cluster has.

use uuid::Uuid;

use super::assign::Identities;
use super::former::{Former, Formers};
use super::locate::GONE;
use super::state::{End, Records, Redirect};
use crate::error::{Error, Result};

/// How many ids a run took out of use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Another lives on in their place.
    pub merged: usize,
    /// Their records are gone.
    pub retired: usize,
}

impl Ended {
    fn count(&mut self, end: End) {
        match end {
            End::Merged => self.merged += 1,
            End::Retired => self.retired += 1,
        }
    }
}

/// Every id ever published that no cluster has, ascending. An id leads to the cluster in which its
/// anchor is, so that the answer is never itself a redirect.
///
/// # Errors
/// Internal, if an anchor is in no cluster.
pub(super) fn redirects(
    records: &dyn Records,
    formers: &Formers<'_>,
    identities: &Identities,
    now: i64,
) -> Result<(Vec<Redirect>, Ended)> {
    let (mut redirects, mut ended) = (Vec::new(), Ended::default());
    for former in &formers.live {
        let target = holder(identities, former.anchor)?;
        if target != Some(former.id) {
            let anchor = formers.anchor_key(records, former);
            let end = if target.is_some() { End::Merged } else { End::Retired };
            ended.count(end);
            redirects.push(Redirect { id: former.id, target, anchor, end, id_since: former.since, since: now });
        }
    }
    for (old, at) in formers.published.redirects.iter().zip(&formers.redirected) {
        let (anchor, key) = match successor(formers, old, *at) {
            Some(target) => (target.anchor, formers.anchor_key(records, target)),
            None => (*at, old.anchor.clone()),
        };
        let target = holder(identities, anchor)?;
        if target == Some(old.id) {
            continue;
        }
        let end = if target.is_some() { End::Merged } else { old.end };
        if end != old.end {
            ended.count(end);
        }
        let changed = (target, end) != (old.target, old.end);
        let since = if changed { now } else { old.since };
        redirects.push(Redirect { id: old.id, target, anchor: key, end, id_since: old.id_since, since });
    }
    redirects.sort_unstable_by_key(|redirect| redirect.id);
    Ok((redirects, ended))
}

/// Whose anchor an ended id takes over because its own is gone: that of the id it led to.
fn successor<'f>(formers: &'f Formers<'_>, old: &Redirect, at: u32) -> Option<&'f Former> {
    if at == GONE { formers.find(&old.target?) } else { None }
}

/// The id of the cluster in which an anchor is.
fn holder(identities: &Identities, anchor: u32) -> Result<Option<Uuid>> {
    if anchor == GONE {
        return Ok(None);
    }
    let identity = identities.of(anchor).ok_or_else(|| Error::internal("an anchor is in no cluster"))?;
    Ok(Some(identity.id))
}

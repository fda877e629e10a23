//! Plain files at a location: the dictionary's pages.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, PutPayload};

use super::Location;
use crate::error::Result;

/// Files written at the same time.
const AT_ONCE: usize = 8;

/// Writes each file in one put, so that a reader never sees half of one.
pub async fn write_files(location: &Location, files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<()> {
    let store = location.store();
    let puts = files.map(|(path, bytes)| {
        let store = &store;
        async move {
            let path = location.path(&path)?;
            let put = store.put(&path, PutPayload::from(bytes)).await;
            put.map(|_| ()).map_err(|error| location.error(format!("writing `{}`", location.show(&path)), &error))
        }
    });
    stream::iter(puts.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await.map(|_| ())
}

//! New ids: a function of a record's key, and never one that was published before.

use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

/// The namespace of a model's ids: two models give the same record different ids.
pub fn namespace(model: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("marquetry:dedupe:{model}").as_bytes())
}

/// The id minted from a record: UUID version 5 of its key, in the first generation that was never
/// published. Generation 0 is the key alone; a later one is told by a byte that no text has, so that
/// no two records and generations have the same name.
pub(super) fn mint(namespace: &Uuid, key: &str, published: impl Fn(&Uuid) -> bool) -> Uuid {
    let mut id = version_5(namespace, key, &[]);
    let mut generation: u32 = 0;
    while published(&id) {
        generation += 1;
        let [a, b, c, d] = generation.to_be_bytes();
        id = version_5(namespace, key, &[0xff, a, b, c, d]);
    }
    id
}

/// RFC 9562, 5.5: the id of a name in a namespace. As [`Uuid::new_v5`], by the processor's own instructions for SHA-1
/// where it has some: there is an id to be made for every entity.
fn version_5(namespace: &Uuid, name: &str, end: &[u8]) -> Uuid {
    let hash = Sha1::new().chain_update(namespace).chain_update(name).chain_update(end).finalize();
    let bytes = hash.first_chunk::<16>().copied().unwrap_or_default();
    Builder::from_sha1_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_uuid_library() {
        let namespace = namespace("people");
        for key in ["", "crm:1", "a key that is longer than one block of the hash function, which has 64 bytes"] {
            assert_eq!(version_5(&namespace, key, &[]), Uuid::new_v5(&namespace, key.as_bytes()));
            let again = mint(&namespace, key, |id| *id == version_5(&namespace, key, &[]));
            assert_eq!(again, Uuid::new_v5(&namespace, &[key.as_bytes(), &[0xff, 0, 0, 0, 1]].concat()));
        }
    }
}

//! New ids: a function of a record's key, and never one that was published before.

use uuid::Uuid;

/// The namespace of a model's ids: two models give the same record different ids.
pub fn namespace(model: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("marquetry:dedupe:{model}").as_bytes())
}

/// The id minted from a record: UUID version 5 of its key, in the first generation that was never
/// published. Generation 0 is the key alone; a later one is told by a byte that no text has, so that
/// no two records and generations have the same name.
pub(super) fn mint(namespace: &Uuid, key: &str, published: impl Fn(&Uuid) -> bool) -> Uuid {
    let mut name = key.as_bytes().to_vec();
    let mut id = Uuid::new_v5(namespace, &name);
    let mut generation: u32 = 0;
    while published(&id) {
        generation += 1;
        name.truncate(key.len());
        name.push(0xff);
        name.extend(generation.to_be_bytes());
        id = Uuid::new_v5(namespace, &name);
    }
    id
}

//! From the YAML tree into any serde type, with every mistake at once.
//!
//! serde ends at the first error. So after an error the entry that caused it is cut out of the
//! tree and the type is read again, until nothing is left to complain about: each round reports
//! one mistake, and a key that is missing only because its value was cut is not reported. Unknown
//! keys are found on the way, because a derived type says which keys it has.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::failure::{Failure, Why, list, unknown_key};
use super::node::{self, Node, Value};
use super::spanned;
use crate::diag::{Diagnostics, Place};

/// The most mistakes reported for one file.
const MAX_ROUNDS: usize = 100;
const ONE_OR_MANY: &str = "\0marquetry one or many";

/// Parses a file's text into a tree; mistakes go to `diags`, and then there is none.
pub fn parse(file: u32, text: &str, diags: &mut Diagnostics) -> Option<Node> {
    node::parse(file, text).map_err(|diagnostic| diags.push(diagnostic)).ok()
}

/// Reads a file's text as `T`; mistakes go to `diags`, and then there is no value.
pub fn read<'de, T: Deserialize<'de>>(file: u32, text: &str, diags: &mut Diagnostics) -> Option<T> {
    read_tree(parse(file, text, diags)?, diags)
}

/// Reads a tree as `T`; mistakes go to `diags`, and then there is no value.
pub fn read_tree<'de, T: Deserialize<'de>>(mut root: Node, diags: &mut Diagnostics) -> Option<T> {
    let found = Found::default();
    let mut failed = false;
    for _ in 0..MAX_ROUNDS {
        match T::deserialize(Tree { node: &root, found: &found }) {
            Ok(value) => {
                failed |= found.drain_into(diags);
                return (!failed).then_some(value);
            }
            Err(error) => {
                failed = true;
                if !found.follows_from_a_cut(&error) {
                    diags.push(error.diagnostic(&root));
                }
                if !cut(&mut root, error.place, &found) {
                    break;
                }
            }
        }
    }
    found.drain_into(diags);
    None
}

pub(super) fn deserialize_one_or_many<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct Items<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one value or a list")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                items.push(item);
            }
            Ok(items)
        }
    }
    deserializer.deserialize_newtype_struct(ONE_OR_MANY, Items(std::marker::PhantomData))
}

/// What one file's rounds have found so far.
#[derive(Default)]
struct Found {
    unknown: RefCell<Diagnostics>,
    /// Mappings (by the place they start at) that lost an entry, with the key.
    cut: RefCell<BTreeSet<(Place, String)>>,
}

impl Found {
    /// Whether a key is missing only because its value was wrong, which was reported.
    fn follows_from_a_cut(&self, error: &Failure) -> bool {
        let cut = self.cut.borrow();
        match &error.why {
            Why::Missing(key) => cut.contains(&(error.place, (*key).to_string())),
            Why::NotOneKey(_) => cut.iter().any(|(place, _)| *place == error.place),
            _ => false,
        }
    }

    fn drain_into(&self, diags: &mut Diagnostics) -> bool {
        let unknown = std::mem::take(&mut *self.unknown.borrow_mut());
        let any = !unknown.is_empty();
        diags.extend(unknown);
        any
    }
}

/// Removes the innermost entry whose value stands at `place`; false where the root itself is wrong.
fn cut(node: &mut Node, place: Place, found: &Found) -> bool {
    let whole = node.place;
    match &mut node.value {
        Value::List(items) => {
            if items.iter_mut().any(|item| holds(item.place, place) && cut(item, place, found)) {
                return true;
            }
            let before = items.len();
            items.retain(|item| item.place != place);
            items.len() < before
        }
        Value::Map(entries) => {
            if entries.iter_mut().any(|(_, _, value)| holds(value.place, place) && cut(value, place, found)) {
                return true;
            }
            let hit = entries.iter().position(|(_, key, value)| value.place == place || *key == place);
            hit.map(|at| found.cut.borrow_mut().insert((whole, entries.remove(at).0))).is_some()
        }
        _ => false,
    }
}

fn holds(outer: Place, inner: Place) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// A node seen as a serde deserializer.
#[derive(Clone, Copy)]
struct Tree<'a> {
    node: &'a Node,
    found: &'a Found,
}

impl<'a> Tree<'a> {
    fn with(self, node: &'a Node) -> Self {
        Self { node, found: self.found }
    }

    fn number<'de, V: Visitor<'de>>(self, digits: &str, visitor: V) -> Result<V::Value, Failure> {
        let plain = digits.replace('_', "");
        if let Ok(value) = plain.parse::<u64>() {
            return visitor.visit_u64(value);
        }
        if let Ok(value) = plain.parse::<i64>() {
            return visitor.visit_i64(value);
        }
        match plain.parse::<f64>() {
            Ok(value) => visitor.visit_f64(value),
            Err(_) => Err(Failure::custom(format!("`{digits}` is not a number that can be read"))),
        }
    }
}

impl<'de> Deserializer<'de> for Tree<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(digits) => self.number(digits, visitor),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items { tree: self, items: items.iter() }),
            Value::Map(entries) => visitor.visit_map(Entries { tree: self, entries: entries.iter(), value: None }),
        }
        .map_err(|error| error.at(self.node.place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// Numbers and truth values are text as they were written, so that `campaign: 2024` works.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::Number(digits) => visitor.visit_str(digits).map_err(|error: Failure| error.at(self.node.place)),
            Value::Bool(value) => {
                visitor.visit_str(&value.to_string()).map_err(|error: Failure| error.at(self.node.place))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::List(_) | Value::Null if name == ONE_OR_MANY => self.deserialize_any(visitor),
            _ if name == ONE_OR_MANY => {
                let one = std::slice::from_ref(self.node);
                visitor.visit_seq(Items { tree: self, items: one.iter() })
            }
            _ => visitor.visit_newtype_struct(self).map_err(|error| error.at(self.node.place)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == spanned::NAME {
            return visitor.visit_map(SpannedParts { tree: self, next: 0 });
        }
        // A derived type would take its fields from a list as well, in their order.
        let Value::Map(entries) = &self.node.value else {
            let found = match &self.node.value {
                Value::Text(word) | Value::Number(word) => format!("`{word}`"),
                other => other.what().to_string(),
            };
            return Err(Failure::new(Why::WrongType { expected: "a mapping".to_string(), found }).at(self.node.place));
        };
        for (key, place, _) in entries {
            if !fields.contains(&key.as_str()) {
                self.found.unknown.borrow_mut().push(unknown_key(key, *place, fields));
            }
        }
        let known = entries.iter().filter(|(key, _, _)| fields.contains(&key.as_str())).collect::<Vec<_>>();
        visitor
            .visit_map(Entries { tree: self, entries: known.into_iter(), value: None })
            .map_err(|error| error.at(self.node.place))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let place = self.node.place;
        match &self.node.value {
            Value::Text(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Value::Bool(word) => visitor.visit_enum(word.to_string().as_str().into_deserializer()),
            Value::Map(entries) => match entries.as_slice() {
                [(word, key, value)] => visitor
                    .visit_enum(Variant { word, value: self.with(value) })
                    .map_err(|error| if matches!(error.why, Why::UnknownWord { .. }) { error.at(*key) } else { error }),
                _ => Err(Failure::new(Why::NotOneKey(variants))),
            },
            other => Err(Failure::new(Why::WrongType {
                expected: format!("one of {}", list(variants)),
                found: other.what().to_string(),
            })),
        }
        .map_err(|error| error.at(place))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier
    }
}

struct Items<'a, I> {
    tree: Tree<'a>,
    items: I,
}

impl<'de, 'a, I: Iterator<Item = &'a Node>> SeqAccess<'de> for Items<'a, I> {
    type Error = Failure;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some(item) = self.items.next() else { return Ok(None) };
        seed.deserialize(self.tree.with(item)).map(Some).map_err(|error| error.at(item.place))
    }
}

struct Entries<'a, I> {
    tree: Tree<'a>,
    entries: I,
    value: Option<&'a (String, Place, Node)>,
}

impl<'de, 'a, I: Iterator<Item = &'a (String, Place, Node)>> MapAccess<'de> for Entries<'a, I> {
    type Error = Failure;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let key = Node { value: Value::Text(entry.0.clone()), place: entry.1 };
        seed.deserialize(self.tree.with(&key)).map(Some).map_err(|error| error.at(entry.1))
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let entry = self.value.take().ok_or_else(|| Failure::custom("a value without its key"))?;
        seed.deserialize(self.tree.with(&entry.2)).map_err(|error| error.at(entry.2.place))
    }
}

struct Variant<'a> {
    word: &'a str,
    value: Tree<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Failure;
    type Variant = Tree<'a>;
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Tree<'a>), Failure> {
        let word: StrDeserializer<'_, Failure> = self.word.into_deserializer();
        Ok((seed.deserialize(word)?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Tree<'_> {
    type Error = Failure;
    fn unit_variant(self) -> Result<(), Failure> {
        match self.node.value {
            Value::Null => Ok(()),
            _ => Err(Failure::custom("this word stands alone, without settings of its own").at(self.node.place)),
        }
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self).map_err(|error| error.at(self.node.place))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_struct("variant", fields, visitor)
    }
}

struct SpannedParts<'a> {
    tree: Tree<'a>,
    next: usize,
}

impl<'de> MapAccess<'de> for SpannedParts<'_> {
    type Error = Failure;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some(field) = spanned::FIELDS.get(self.next) else { return Ok(None) };
        self.next += 1;
        let field: serde::de::value::BorrowedStrDeserializer<'de, Failure> =
            serde::de::value::BorrowedStrDeserializer::new(field);
        seed.deserialize(field).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let place = self.tree.node.place;
        let part = |value: u32| -> U32Deserializer<Failure> { value.into_deserializer() };
        match self.next {
            1 => seed.deserialize(part(place.file)),
            2 => seed.deserialize(part(place.start)),
            3 => seed.deserialize(part(place.end)),
            _ => seed.deserialize(self.tree).map_err(|error| error.at(place)),
        }
    }
}

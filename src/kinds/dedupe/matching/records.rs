//! The records to be matched, column by column: each distinct value once, in normal form.

use std::collections::HashMap;

use super::dates::{DateOrder, day_number};
use super::kind::FieldKind;
use super::normal::normal_form;
use super::similar::{Shape, Text};
use crate::error::{Error, Result};

/// The code of a value that is not there.
pub const NULL: u32 = u32::MAX;

/// Records 0..n with the fields that they are matched on.
///
/// Takes 4 bytes a record and field, and each distinct value once.
#[derive(Debug, Default)]
pub struct Records {
    len: usize,
    columns: Vec<Column>,
}

/// One field of all records.
#[derive(Debug)]
pub struct Column {
    /// The field's name.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// A record's value as a code; [`NULL`] where there is none.
    pub codes: Vec<u32>,
    values: Values,
    shapes: Vec<Shape>,
    counts: Vec<u32>,
    /// Codes of one class stand for one name (`bob`, `robert`); empty where there are no classes.
    classes: Vec<u32>,
    /// For dates, the number of the day; `i32::MIN` where a value is no date.
    days: Vec<i32>,
}

/// Texts by code, end to end.
#[derive(Debug, Default)]
struct Values {
    text: String,
    ends: Vec<usize>,
}

impl Values {
    fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.ends.push(self.text.len());
    }

    fn get(&self, code: u32) -> Option<&str> {
        let at = code as usize;
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(start..end)
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|code| self.get(code).unwrap_or_default())
    }
}

/// What stands for a name, such as the formal name of a nickname; itself where there is nothing.
pub type Alias = fn(&str) -> Option<String>;

impl Records {
    /// No fields yet, of `len` records; an error beyond 4,294,967,294.
    pub fn new(len: usize) -> Result<Self> {
        if len >= NULL as usize {
            return Err(Error::data(format!("{len} records are too many to be matched at once")));
        }
        Ok(Self { len, columns: Vec::new() })
    }

    /// Adds a field: one value a record, in the order of the records. Values are written in the
    /// kind's normal form; empty ones are null. `alias` says which given names are one.
    pub fn add<'a, I>(&mut self, name: &str, kind: FieldKind, values: I, alias: Option<Alias>) -> Result<()>
    where
        I: IntoIterator<Item = Option<&'a str>> + Clone,
    {
        let order = match kind {
            FieldKind::Date => DateOrder::of(values.clone().into_iter().flatten()),
            _ => DateOrder::default(),
        };
        let mut column = Column::named(name, kind, self.len);
        let mut known: HashMap<Box<str>, u32> = HashMap::new();
        let mut normal = String::new();
        for value in values {
            let code = value.map_or(NULL, |raw| {
                normal_form(kind, order, raw, &mut normal);
                column.code(&normal, &mut known)
            });
            column.codes.push(code);
        }
        if column.codes.len() != self.len {
            return Err(Error::internal(format!("`{name}` has {} values of {} records", column.codes.len(), self.len)));
        }
        column.finish(alias);
        self.columns.push(column);
        Ok(())
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many pairs of records there are.
    pub fn pairs(&self) -> u64 {
        let n = self.len as u64;
        n * n.saturating_sub(1) / 2
    }

    /// The fields, in the order they were added.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of a field.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Bytes held, for the run's account of memory.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }
}

impl Column {
    fn named(name: &str, kind: FieldKind, len: usize) -> Self {
        Self {
            name: name.to_string(),
            kind,
            codes: Vec::with_capacity(len),
            values: Values::default(),
            shapes: Vec::new(),
            counts: Vec::new(),
            classes: Vec::new(),
            days: Vec::new(),
        }
    }

    fn code(&mut self, normal: &str, known: &mut HashMap<Box<str>, u32>) -> u32 {
        if normal.is_empty() {
            return NULL;
        }
        let code = known.get(normal).copied().unwrap_or_else(|| {
            let code = self.counts.len() as u32;
            known.insert(normal.into(), code);
            self.values.push(normal);
            self.shapes.push(Shape::of(normal));
            self.counts.push(0);
            code
        });
        if let Some(count) = self.counts.get_mut(code as usize) {
            *count += 1;
        }
        code
    }

    fn finish(&mut self, alias: Option<Alias>) {
        if self.kind == FieldKind::Date {
            self.days = self.values.iter().map(|value| day_number(value).unwrap_or(i32::MIN)).collect();
        }
        let Some(alias) = alias else { return };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for value in self.values.iter() {
            let next = numbers.len() as u32;
            let class = alias(value).unwrap_or_else(|| value.to_string());
            self.classes.push(*numbers.entry(class).or_insert(next));
        }
    }

    /// The value of a code.
    pub fn value(&self, code: u32) -> Option<&str> {
        self.values.get(code)
    }

    /// A record's value.
    pub fn of(&self, record: u32) -> Option<&str> {
        self.value(self.code_of(record))
    }

    /// A record's code.
    pub fn code_of(&self, record: u32) -> u32 {
        self.codes.get(record as usize).copied().unwrap_or(NULL)
    }

    /// A value ready for comparison.
    pub fn text(&self, code: u32) -> Option<Text<'_>> {
        Some(Text { text: self.value(code)?, shape: *self.shapes.get(code as usize)? })
    }

    /// How many records have the value.
    pub fn count(&self, code: u32) -> u32 {
        self.counts.get(code as usize).copied().unwrap_or(0)
    }

    /// How many records have any value.
    pub fn filled(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// How many values there are.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Whether two values stand for one name.
    pub fn one_class(&self, a: u32, b: u32) -> bool {
        let class = |code: u32| self.classes.get(code as usize);
        class(a).is_some() && class(a) == class(b)
    }

    /// The number of the day, where the value is a date.
    pub fn day(&self, code: u32) -> Option<i32> {
        self.days.get(code as usize).copied().filter(|day| *day != i32::MIN)
    }

    fn bytes(&self) -> usize {
        let words = self.codes.len() + self.counts.len() + self.classes.len() + self.days.len();
        words * 4 + self.values.text.len() + self.values.ends.len() * 8 + self.shapes.len() * size_of::<Shape>()
    }
}

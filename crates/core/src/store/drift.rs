//! An extract against its contract: what is missing, what has another type, what is wider, and the
//! schema that the extract is read with.

use arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use indexmap::IndexMap;

use super::footer::{Footer, Found};
use super::widen::{self, Fit};
use crate::contract::{Column, ColumnType};
use crate::diag::{Diagnostic, Diagnostics, codes};
use crate::syntax::{ColumnName, SourceColumn, SourceName, SourceTable, SourceType, Spanned};

/// How an extract is read.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Columns in the files.
    pub(super) fields: Vec<Field>,
    /// Columns that stand in the names of folders.
    pub(super) partitions: Vec<Field>,
    /// What is known of the declared columns, in the order of the contract.
    pub(super) columns: Vec<Column>,
    /// What was taken for granted, in words for the run's record.
    pub(super) notes: Vec<String>,
}

/// Compares all files with the contract; everything found goes to `diags`. There is no result
/// where a declared column cannot be read.
pub(super) fn resolve(table: &SourceTable, files: &[Footer], diags: &mut Diagnostics) -> Option<Resolved> {
    let mut comparison = Comparison { table, files, diags, failed: false };
    let mut resolved = Resolved::default();
    let partition_keys = partition_keys(files);
    let mut reading: IndexMap<&str, Field> = IndexMap::new();
    for (name, column) in &table.columns {
        let in_folder = partition_keys.contains(&name.as_str());
        let field = if in_folder { comparison.folder(name, column) } else { comparison.declared(name, column) };
        let Some(field) = field else { continue };
        resolved.columns.extend(known(name, column, &field));
        reading.insert(name.as_str(), field);
    }
    for name in all_columns(files) {
        match reading.swap_remove(name) {
            Some(field) => resolved.fields.push(field),
            None if table.column(name).is_none() => resolved.fields.extend(comparison.undeclared(name)),
            None => {}
        }
    }
    for key in partition_keys {
        let undeclared = || Field::new(key, DataType::Utf8View, true);
        resolved.partitions.push(reading.swap_remove(key).unwrap_or_else(undeclared));
    }
    resolved.notes.extend(zoneless(files));
    (!comparison.failed).then_some(resolved)
}

struct Comparison<'a> {
    table: &'a SourceTable,
    files: &'a [Footer],
    diags: &'a mut Diagnostics,
    failed: bool,
}

impl Comparison<'_> {
    fn error(&mut self, diagnostic: Diagnostic) -> Option<Field> {
        self.failed = true;
        self.diags.push(diagnostic);
        None
    }

    /// A declared column of the files: the field it is read as.
    fn declared(&mut self, name: &Spanned<SourceName>, column: &SourceColumn) -> Option<Field> {
        let missing: Vec<&Footer> =
            self.files.iter().filter(|file| !file.columns.contains_key(name.as_str())).collect();
        if missing.len() == self.files.len() {
            return self.missing_everywhere(name);
        }
        if !missing.is_empty() && !self.missing_somewhere(name, column, &missing) {
            return None;
        }
        let found = self.files.iter().filter_map(|file| Some((file, file.columns.get(name.as_str())?)));
        let found: Vec<(&Footer, &Found)> = found.collect();
        let ty = match column.ty.value {
            SourceType::Any => self.anything(name, &found)?,
            SourceType::Column(declared) => self.typed(name, column, declared, &found)?,
        };
        let nullable = self.nullable(name, column, &found) || !missing.is_empty();
        Some(Field::new(name.as_str(), ty, nullable))
    }

    fn missing_everywhere(&mut self, name: &Spanned<SourceName>) -> Option<Field> {
        let table = &self.table.table;
        let there = all_columns(self.files);
        let other_case = there.iter().find(|known| known.eq_ignore_ascii_case(name.as_str())).copied();
        let hint =
            other_case.map(|known| format!("the extract spells it `{known}`; columns are compared letter by letter"));
        let diagnostic = Diagnostic::error(
            codes::MISSING_SOURCE_COLUMN,
            name.place,
            format!("the extract of `{table}` has no column `{name}`"),
        )
        .label("declared here")
        .did_you_mean(name.as_str(), there)
        .maybe_hint(hint);
        self.error(diagnostic)
    }

    /// A column that older files lack is NULL there, if it may be.
    fn missing_somewhere(&mut self, name: &Spanned<SourceName>, column: &SourceColumn, missing: &[&Footer]) -> bool {
        let table = &self.table.table;
        let where_ = several(missing);
        let message = format!("column `{name}` of `{table}` is missing from {where_}");
        if column.nullable {
            let warning = Diagnostic::warning(codes::MISSING_SOURCE_COLUMN, name.place, message);
            self.diags.push(warning.hint("it is read as NULL there"));
        } else {
            let hint = "where older files may lack it, declare it `nullable: true`";
            self.error(Diagnostic::error(codes::MISSING_SOURCE_COLUMN, name.place, message).hint(hint));
        }
        column.nullable
    }

    fn typed(
        &mut self,
        name: &Spanned<SourceName>,
        column: &SourceColumn,
        declared: ColumnType,
        found: &[(&Footer, &Found)],
    ) -> Option<DataType> {
        let mut effective = Some(declared);
        let (mut retyped, mut wider, mut rounded) = (Vec::new(), Vec::new(), Vec::new());
        for (file, there) in found {
            // A column of NULLs alone says nothing about its type.
            if there.nulls == Some(file.rows) && arrow::compute::can_cast_types(&there.ty, &declared.reading()) {
                continue;
            }
            match widen::fit(declared, &there.ty) {
                Fit::Same => {}
                Fit::Rounded => rounded.push((*file, &there.ty)),
                Fit::Retyped => retyped.push((*file, &there.ty)),
                Fit::Wider(ty) => {
                    wider.push((*file, &there.ty));
                    effective = effective.and_then(|so_far| widen::join(so_far, ty));
                }
            }
        }
        let Some(effective) = effective.filter(|_| retyped.is_empty()) else {
            retyped.extend(wider);
            return self.retyped(name, column, declared, &retyped);
        };
        if let Some((_, ty)) = wider.first() {
            let what = format!("{}; it is read as `{effective}`", widen::words(ty));
            self.widened(name, column, declared, &wider, &what);
        }
        if let Some((_, ty)) = rounded.first() {
            let what = format!("{}; it is read as `double`, which holds 15 digits", widen::words(ty));
            self.widened(name, column, declared, &rounded, &what);
        }
        let dictionary = found
            .first()
            .map(|(_, first)| &first.ty)
            .filter(|first| widen::is_text_dictionary(first) && found.iter().all(|(_, there)| there.ty == **first));
        match dictionary {
            Some(dictionary) if effective == ColumnType::Text => Some(dictionary.clone()),
            _ => Some(effective.reading()),
        }
    }

    fn retyped(
        &mut self,
        name: &Spanned<SourceName>,
        column: &SourceColumn,
        declared: ColumnType,
        files: &[(&Footer, &DataType)],
    ) -> Option<DataType> {
        let table = &self.table.table;
        let where_ = several(&files.iter().map(|(file, _)| *file).collect::<Vec<_>>());
        let found = files.first().map_or_else(String::new, |(_, ty)| widen::words(ty));
        let nested = files.iter().any(|(_, ty)| ColumnType::of_arrow(ty).is_none());
        let diagnostic = Diagnostic::error(
            codes::RETYPED_SOURCE_COLUMN,
            column.ty.place,
            format!("column `{name}` of `{table}` is declared `{declared}` but is {found} in {where_}"),
        )
        .label("declared here");
        self.error(match nested {
            true => diagnostic.hint("`any` takes it as it is"),
            false => diagnostic.hint("mend the extract, or declare the new type and look at the models that use it"),
        });
        None
    }

    fn widened(
        &mut self,
        name: &Spanned<SourceName>,
        column: &SourceColumn,
        declared: ColumnType,
        files: &[(&Footer, &DataType)],
        what: &str,
    ) {
        let table = &self.table.table;
        let where_ = several(&files.iter().map(|(file, _)| *file).collect::<Vec<_>>());
        let message = format!("column `{name}` of `{table}` is declared `{declared}` but {where_} has {what}");
        self.diags.push(Diagnostic::warning(codes::WIDENED_SOURCE_COLUMN, column.ty.place, message));
    }

    fn anything(&mut self, name: &Spanned<SourceName>, found: &[(&Footer, &Found)]) -> Option<DataType> {
        let mut types = found.iter().map(|(_, there)| &there.ty);
        let first = widen::normal(types.next()?);
        match types.try_fold(first, |so_far, next| widen::undeclared(&so_far, next)) {
            Some(ty) => Some(ty),
            None => {
                let message = format!("the files of `{}` disagree about the type of `{name}`", self.table.table);
                self.error(Diagnostic::error(codes::RETYPED_SOURCE_COLUMN, name.place, message));
                None
            }
        }
    }

    /// Whether NULL has to be reckoned with, whatever the contract says: the optimizer believes
    /// a column that says it has none.
    fn nullable(&mut self, name: &Spanned<SourceName>, column: &SourceColumn, found: &[(&Footer, &Found)]) -> bool {
        if column.nullable {
            return true;
        }
        let with_nulls: Vec<&Footer> =
            found.iter().filter(|(_, there)| there.nulls.is_some_and(|n| n > 0)).map(|(file, _)| *file).collect();
        if !with_nulls.is_empty() {
            let nulls: u64 = found.iter().filter_map(|(_, there)| there.nulls).sum();
            let (code, what) = match column.key {
                true => (codes::NULLABLE_KEY, "key column"),
                false => (codes::NULLS_IN_SOURCE_COLUMN, "column"),
            };
            let message = format!(
                "{what} `{name}` of `{}` is NULL in {nulls} {} of {}",
                self.table.table,
                if nulls == 1 { "row" } else { "rows" },
                several(&with_nulls)
            );
            let warning = Diagnostic::warning(code, name.place, message);
            self.diags.push(match column.key {
                true => warning.hint("models put rows without a key among their rejects"),
                false => warning.hint("declare it `nullable: true` if that is as it should be"),
            });
        }
        found.iter().any(|(_, there)| there.nulls != Some(0))
    }

    /// A declared column whose values are the names of folders.
    fn folder(&mut self, name: &Spanned<SourceName>, column: &SourceColumn) -> Option<Field> {
        let declared = column.ty.value.column().unwrap_or(ColumnType::Text);
        let ty = declared.reading();
        let mut nullable = false;
        for file in self.files {
            let value =
                file.partitions.iter().find(|(key, _)| key == name.as_str()).and_then(|(_, value)| value.clone());
            nullable |= value.is_none();
            let Some(value) = value else { continue };
            if partition_value(Some(&value), &ty).is_none() {
                let message = format!(
                    "the folder of `{}` says that `{name}` is `{value}`, which is not a `{declared}`",
                    file.path
                );
                return self.error(Diagnostic::error(codes::RETYPED_SOURCE_COLUMN, column.ty.place, message));
            }
        }
        Some(Field::new(name.as_str(), ty, nullable))
    }

    /// A column that nobody declared, unless the files disagree about it.
    fn undeclared(&mut self, name: &str) -> Option<Field> {
        let found: Vec<(&Footer, &Found)> =
            self.files.iter().filter_map(|file| Some((file, file.columns.get(name)?))).collect();
        let (first_file, first) = found.first()?;
        let mut ty = widen::normal(&first.ty);
        for (file, there) in &found {
            let Some(both) = widen::undeclared(&ty, &there.ty) else {
                let (a, b) = (widen::words(&ty), widen::words(&there.ty));
                let message = format!(
                    "column `{name}` of `{}` is {a} in `{}` but {b} in `{}`, so models cannot use it",
                    self.table.table, first_file.path, file.path
                );
                self.diags.push(Diagnostic::warning(codes::RETYPED_SOURCE_COLUMN, self.table.path.place, message));
                return None;
            };
            ty = both;
        }
        let complete = found.len() == self.files.len() && found.iter().all(|(_, there)| there.nulls == Some(0));
        Some(Field::new(name, ty, !complete))
    }
}

/// What models know of a declared column; a nested type or an odd name cannot be published, and of
/// those nothing is passed on.
fn known(name: &SourceName, column: &SourceColumn, field: &Field) -> Option<Column> {
    column.ty.value.column()?;
    let ty = ColumnType::of_arrow(field.data_type())?;
    let name = ColumnName::new(name.as_str())?;
    let mut known = Column::new(name, ty, column.description.clone().unwrap_or_default());
    known.nullable = field.is_nullable();
    Some(known.pii(column.pii.unwrap_or_default()))
}

/// Every column of the files, in the order in which they first appear.
fn all_columns(files: &[Footer]) -> Vec<&str> {
    let mut names: IndexMap<&str, ()> = IndexMap::new();
    names.extend(files.iter().flat_map(|file| file.columns.keys()).map(|name| (name.as_str(), ())));
    names.into_keys().collect()
}

/// The keys of folders, in order; a column of the same name in a file counts instead.
fn partition_keys(files: &[Footer]) -> Vec<&str> {
    let mut keys: IndexMap<&str, ()> = IndexMap::new();
    keys.extend(files.iter().flat_map(|file| &file.partitions).map(|(key, _)| (key.as_str(), ())));
    keys.into_keys().filter(|key| !files.iter().any(|file| file.columns.contains_key(*key))).collect()
}

/// A folder's value as a constant of the column's type.
pub(super) fn partition_value(value: Option<&str>, ty: &DataType) -> Option<ScalarValue> {
    match value {
        Some(value) => ScalarValue::try_from_string(value.to_string(), ty).ok().filter(|parsed| !parsed.is_null()),
        None => ScalarValue::try_from(ty).ok(),
    }
}

/// A note on instants that do not say where on earth they were.
fn zoneless(files: &[Footer]) -> Option<String> {
    let mut names: IndexMap<&str, ()> = IndexMap::new();
    for file in files {
        let without = |found: &Found| matches!(found.ty, DataType::Timestamp(_, None));
        names.extend(file.columns.iter().filter(|(_, found)| without(found)).map(|(name, _)| (name.as_str(), ())));
    }
    let list = names.into_keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    (!list.is_empty()).then(|| format!("instants without a time zone are read as UTC: {list}"))
}

/// "`a.parquet`", or "`a.parquet` and 3 more files".
fn several(files: &[&Footer]) -> String {
    let first = files.first().map_or("", |file| file.path.as_str());
    match files.len() {
        0 | 1 => format!("`{first}`"),
        2 => format!("`{first}` and 1 more file"),
        n => format!("`{first}` and {} more files", n - 1),
    }
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;

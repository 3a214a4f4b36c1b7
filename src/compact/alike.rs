//! Files with the same columns, which are sorted together.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::inputs::parquet::WholeFile;

/// Files of one set of columns, which are sorted together.
pub(super) struct Alike {
    pub schema: SchemaRef,
    pub files: Vec<WholeFile>,
}

/// Files with the same columns of the same types, whatever their order, in the order of the first ones. Values are not
/// converted: what widening or another unit of time would make of a value that does not fit is nobody's guess.
pub(super) fn alike(files: Vec<WholeFile>) -> Vec<Alike> {
    let mut groups: Vec<(Vec<String>, Vec<WholeFile>)> = Vec::new();
    for file in files {
        let fields = file.schema().fields().iter();
        let mut columns: Vec<String> = fields
            .map(|field| format!("{} {}", field.name(), field.data_type()))
            .collect();
        columns.sort();
        match groups.iter_mut().find(|(others, _)| *others == columns) {
            Some((_, group)) => group.push(file),
            None => groups.push((columns, vec![file])),
        }
    }
    groups.into_iter().map(|(_, files)| Alike::new(files)).collect()
}

impl Alike {
    /// Columns that are billed come first, then the others by name; nullable where one of the files has them so.
    fn new(files: Vec<WholeFile>) -> Self {
        const FIRST: [&str; 7] = [
            "account_id",
            "sdk_app_id",
            "user_id",
            "ts",
            "meter",
            "seconds",
            "pixels",
        ];
        let mut fields: Vec<Field> = Vec::new();
        for (number, file) in files.iter().enumerate() {
            for field in file.schema().fields() {
                match fields
                    .iter_mut()
                    .find(|other| number > 0 && other.name() == field.name())
                {
                    Some(other) => other.set_nullable(other.is_nullable() || field.is_nullable()),
                    None => fields.push(field.as_ref().clone()),
                }
            }
        }
        let place = |field: &Field| {
            FIRST
                .iter()
                .position(|name| *name == field.name())
                .unwrap_or(FIRST.len())
        };
        fields.sort_by(|a, b| (place(a), a.name()).cmp(&(place(b), b.name())));
        Self {
            schema: Arc::new(Schema::new(fields)),
            files,
        }
    }
}

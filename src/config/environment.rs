//! The environment, which has the last word over the file.

use toml::{Table, Value};

use super::keys::{Key, Kind};

/// Puts the environment's values over the file's.
pub(super) fn overlay<'a>(
    table: &mut Table,
    keys: impl IntoIterator<Item = &'a Key>,
    get: impl Fn(&str) -> Option<String>,
) {
    for (key, kind) in keys {
        let variable = format!("COUNTERSIGN_{}", key.replace('.', "_").to_uppercase());
        let Some(text) = get(&variable) else { continue };
        let value = match (kind, text.parse::<i64>(), text.parse::<bool>()) {
            (Kind::Number, Ok(number), _) => Value::Integer(number),
            (Kind::Truth, _, Ok(truth)) => Value::Boolean(truth),
            _ => Value::String(text),
        };
        match key.split_once('.') {
            None => {
                table.insert((*key).to_owned(), value);
            }
            Some((section, name)) => {
                let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(section) = section {
                    section.insert(name.to_owned(), value);
                }
            }
        }
    }
}

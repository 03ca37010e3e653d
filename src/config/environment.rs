//! The environment, which has the last word over the file.

use toml::{Table, Value};

use super::error::ConfigError;
use super::keys::{Key, Kind};

/// Variables that are no settings: the one that names the file, and the one that clients keep their token in.
const OTHERS: [&str; 2] = ["COUNTERSIGN_CONFIG", "COUNTERSIGN_TOKEN"];

/// The variable of a key.
fn variable(key: &str) -> String {
    format!("COUNTERSIGN_{}", key.replace('.', "_").to_uppercase())
}

/// Refuses variables that look like settings and are none: a typing error would leave a default in force.
///
/// # Errors
/// The first such variable.
pub(super) fn check_names<'a>(
    keys: impl IntoIterator<Item = &'a Key>,
    names: impl IntoIterator<Item = String>,
) -> Result<(), ConfigError> {
    let known: Vec<String> = keys.into_iter().map(|(key, _)| variable(key)).collect();
    let is_known = |name: &str| known.iter().any(|known| known == name) || OTHERS.contains(&name);
    let unknown = names.into_iter().find(|name| name.starts_with("COUNTERSIGN_") && !is_known(name));
    unknown.map_or(Ok(()), |name| Err(ConfigError::Form(format!("there is no setting for the variable {name}"))))
}

/// Puts the environment's values over the file's.
pub(super) fn overlay<'a>(
    table: &mut Table,
    keys: impl IntoIterator<Item = &'a Key>,
    get: impl Fn(&str) -> Option<String>,
) {
    for (key, kind) in keys {
        let Some(text) = get(&variable(key)) else { continue };
        let value = match (kind, text.parse::<i64>(), text.parse::<bool>()) {
            (Kind::Number, Ok(number), _) => Value::Integer(number),
            (Kind::Truth, _, Ok(truth)) => Value::Boolean(truth),
            (Kind::List, ..) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
            }
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

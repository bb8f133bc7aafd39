//! What differs between two configurations, by the names of the keys: values may be nobody's business.

use serde_json::Value;

use super::Config;

/// The keys whose values differ, such as `token.inactivity`, in the order of their names.
pub(crate) fn changes(before: &Config, after: &Config) -> Vec<String> {
    let document = |config: &Config| serde_json::to_value(config).unwrap_or_default();
    let mut names = Vec::new();
    compare("", &document(before), &document(after), &mut names);
    names
}

fn compare(name: &str, before: &Value, after: &Value, names: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (Value::Object(one), Value::Object(other)) = (before, after) else {
        names.push(name.to_owned());
        return;
    };
    let mut keys: Vec<_> = one.keys().chain(other.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let inner = match name {
            "" => key.clone(),
            _ => format!("{name}.{key}"),
        };
        let value =
            |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
        compare(&inner, &value(one), &value(other), names);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn only_names_are_told() {
        let parse = |text: &str| Config::parse(text, Path::new("signet.toml")).unwrap();
        let one = parse("token.inactivity = \"20m\"\n[[rule]]\npath = \"/\"\ngroups = [\"a\"]");
        let other = parse("token.inactivity = \"25m\"\ntoken.zone = \"z\"\nname = \"n\"");
        assert_eq!(
            changes(&one, &other),
            ["name", "rule", "token.inactivity", "token.zone"]
        );
        assert!(changes(&one, &one).is_empty());
    }
}

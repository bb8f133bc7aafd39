use std::convert::Infallible;

use super::*;

const OLD: &str = "sealed:v1:06073b81559d2a850f81f39757daf538:AAECAwQFBgcICQoL5IEarwV03U8OD56F6ComBqApzq7yBvUlBAM";
const NEW: &str =
    "sealed:v1:06073b81559d2a850f81f39757daf538:________________VhHllW5IdVrRFVraQPprkg";

fn text(text: &str) -> ConfigurationText {
    ConfigurationText::new(Path::new("/data/signet.toml"), text.to_owned())
}

fn found(text: &ConfigurationText) -> Vec<String> {
    text.values()
        .map(|written| format!("{} at {}", written.place, written.standing))
        .collect()
}

#[test]
fn a_value_belongs_to_the_place_where_it_stands() {
    let text = text(&format!(
        "# sealed:v1: in a comment is none\n\
         name = \"{OLD}\"\n\
         [client.ims]\n\
         secret = '{OLD}' # a comment\n\
         client_id = \"abc\"\n\
         client.nested.private_key = \"{OLD}\"\n\
         [[rule]]\n\
         path = \"{OLD}\"\n\
         list = [1, {{ deep = \"sealed:v9:later\" }}]\n"
    ));
    assert_eq!(
        found(&text),
        [
            "name at /data/signet.toml:2",
            "client/ims/secret at /data/signet.toml:4",
            "client/ims/client/nested/private-key at /data/signet.toml:6",
            "rule/0/path at /data/signet.toml:8",
            "rule/0/list/1/deep at /data/signet.toml:9",
        ]
    );
}

#[test]
fn only_the_values_change() {
    let before = format!(
        "# Kept.\r\nname   =   \"{OLD}\"   # kept, too\n\n\n[client . ims]\nsecret = '''{OLD}'''\nother = \"{OLD}\"\n\t# Zo\u{eb}\n"
    );
    let (after, count) = text(&before)
        .with(|written| {
            let new = (written.place != "client/ims/other").then(|| NEW.parse().unwrap());
            Ok::<_, Infallible>(new)
        })
        .unwrap();
    assert_eq!(count, 2);
    let expected = before.replacen(OLD, NEW, 2).replace("'''", "\"");
    assert_eq!(after, expected);
    // What was written is found again.
    assert_eq!(text(&after).values().len(), 3);
}

#[test]
fn a_text_without_values_stays() {
    let before = "public_url = \"http://localhost:8080\"\n";
    let keep = |_: &Written| Ok::<_, Infallible>(Some(NEW.parse().unwrap()));
    let (after, count) = text(before).with(keep).unwrap();
    assert_eq!((after.as_str(), count), (before, 0));
}

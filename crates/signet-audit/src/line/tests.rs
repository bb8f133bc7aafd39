use proptest::prelude::*;
use serde_json::json;

use super::*;

const START: Head = Head {
    seq: 0,
    hash: Digest::START,
};

fn event(object: &str, detail: Value) -> Event {
    Event {
        who: Actor::System {
            user: Some("root".to_owned()),
            uid: 0,
            sudo_user: Some("alice".to_owned()),
        },
        from: Origin::Command { terminal: true },
        action: "key.rotate".parse().unwrap(),
        object: object.to_owned(),
        detail,
        instance: "standalone-8080".to_owned(),
    }
}

fn written(event: &Event) -> (Vec<u8>, Head) {
    write(event, START, UnixSeconds(1_767_225_600)).unwrap()
}

#[test]
fn a_line_is_written_as_documented() {
    let (line, head) = written(&event("k", json!({ "ring": "hmac" })));
    let expected = concat!(
        r#"{"v":1,"seq":1,"time":1767225600,"who":{"user":"root","uid":0,"sudo_user":"alice"},"#,
        r#""from":{"by":"command","terminal":true},"action":"key.rotate","object":"k","#,
        r#""detail":{"ring":"hmac"},"instance":"standalone-8080","#,
        r#""prev":"0000000000000000000000000000000000000000000000000000000000000000","#,
        r#""hash":"628cd3ca705a2f1f9a26794a6a1c1021ded930b9a61dc2bafed5930db7f9d8ca"}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(line).unwrap(), expected);
    assert_eq!(head.seq, 1);
}

#[test]
fn what_is_too_long_costs_itself_and_not_the_line() {
    let long = "\u{1}ä".repeat(50_000);
    let mut event = event(&long, json!({ "text": long }));
    event.instance = long.clone();
    event.who = Actor::Subject { subject: long };
    let (line, _) = written(&event);
    // Short, until what hides in it is escaped.
    let (hidden, _) = written(&self::event("k", json!({ "text": "\u{7f}".repeat(8_000) })));
    assert!(hidden.len() < 2_000);
    assert!(line.len() <= LONGEST_LINE, "{}", line.len());
    let entry = Line::read(line.strip_suffix(b"\n").unwrap()).unwrap().entry;
    assert!(entry.object.ends_with('…'));
    assert!(entry.detail["not_kept"]["bytes"].as_u64().unwrap() > 50_000);
}

#[test]
fn any_altered_byte_shows() {
    let (line, _) = written(&event("some key", json!({ "a": [1, 2.5, null] })));
    let line = line.strip_suffix(b"\n").unwrap();
    assert!(Line::read(line).unwrap().is_intact);
    for place in 0..line.len() {
        let mut altered = line.to_vec();
        altered[place] ^= 1;
        let read = Line::read(&altered);
        assert!(read.is_none_or(|line| !line.is_intact), "byte {place}");
        assert!(Line::read(&line[..place]).is_none(), "cut at {place}");
    }
}

proptest! {
    // Whatever a name holds, it stays within its own line.
    #[test]
    fn nothing_forges_a_line(object in ".{0,80}", name in "(\\PC|\n|\r|\u{0}|\u{2028}|\"|\\\\){0,40}") {
        let mut event = event(&object, json!({ name.clone(): object.clone() }));
        event.who = Actor::Subject { subject: name.clone() };
        let (line, head) = written(&event);
        let text = line.strip_suffix(b"\n").unwrap();
        let shown = std::str::from_utf8(text).unwrap();
        prop_assert!(!shown.chars().any(is_hidden));
        let read = Line::read(text).unwrap();
        prop_assert!(read.is_intact);
        prop_assert_eq!(read.head(), head);
        prop_assert_eq!(read.entry.who, Actor::Subject { subject: name });
        prop_assert_eq!(read.entry.detail, event.detail);
    }

    #[test]
    fn any_bytes_are_read_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Line::read(&bytes);
    }
}

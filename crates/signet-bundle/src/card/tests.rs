use proptest::prelude::*;

use super::*;
use crate::NodeIdentity;

fn card() -> NodeCard {
    let name = "publish-1".parse().unwrap();
    NodeIdentity::generate().unwrap().card(&name)
}

#[test]
fn a_card_is_read_as_it_was_shown() {
    let card = card();
    let text = format!("\u{feff}# The card of publish-1\r\n\n  {card}\r\n# end\n");
    let read: NodeCard = text.parse().unwrap();
    assert_eq!(read, card);
    assert_eq!(read.id(), card.id());
    assert_eq!(read.id().to_string().parse(), Ok(card.id()));
    assert!(card.to_string().starts_with("signet-node-v1 publish-1 "));
}

#[test]
fn every_altered_byte_of_a_card_is_noticed() {
    let text = card().to_string();
    for at in 0..text.len() {
        for flip in [1, 0x20, 0x80] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let read = NodeCard::read(&bytes);
            assert!(read.is_err(), "byte {at} ^ {flip}");
        }
    }
}

#[test]
fn two_good_cards_do_not_make_a_third() {
    let (one, other) = (card().to_string(), card().to_string());
    let (one, other): (Vec<_>, Vec<_>) = (one.split(' ').collect(), other.split(' ').collect());
    for word in 2..5 {
        let mut mixed = one.clone();
        mixed[word] = other[word];
        let mixed: Result<NodeCard, _> = mixed.join(" ").parse();
        assert_eq!(mixed, Err(CardError::Altered));
    }
}

#[test]
fn what_is_no_card_is_named() {
    let card = card().to_string();
    let newer = card.replace("-v1 ", "-v2 ");
    let cut = card.rsplit_once(' ').unwrap().0.to_owned();
    for (text, error) in [
        (String::new(), CardError::Empty),
        ("# nothing\n\n".to_owned(), CardError::Empty),
        ("<!DOCTYPE html><html>".to_owned(), CardError::Html),
        ("age1qqqq".to_owned(), CardError::Foreign),
        ("one two three four five".to_owned(), CardError::Foreign),
        (newer, CardError::Version),
        (cut, CardError::Words(4)),
        (format!("{card}\n{card}"), CardError::Several),
        (format!("{card}\nmore"), CardError::Foreign),
        (" ".repeat(MAX_CARD_BYTES + 1), CardError::TooLarge),
        (card.replace("publish-1", "pub/ish-1"), CardError::Name),
    ] {
        assert_eq!(NodeCard::read(text.as_bytes()), Err(error), "{text:.40}");
        assert!(!error.hint().is_empty());
    }
    assert_eq!(NodeCard::read(b"\xff\xfe"), Err(CardError::Foreign));
}

// T5
#[test]
fn a_signature_is_for_its_purpose_and_its_signer() {
    let identity = NodeIdentity::generate().unwrap();
    let card = identity.card(&"a".parse().unwrap());
    let signature = identity.sign("one", b"message");
    assert!(card.verify("one", b"message", &signature));
    assert!(!card.verify("other", b"message", &signature));
    assert!(!card.verify("onem", b"essage", &signature));
    assert!(!card.verify("one", b"messag", &signature));
    let stranger = NodeIdentity::generate().unwrap();
    let stranger = stranger.card(&"a".parse().unwrap());
    assert!(!stranger.verify("one", b"message", &signature));
}

#[test]
fn any_text_resembles_a_name() {
    for (text, name) in [
        ("web 1/b", "web-1-b"),
        ("", "instance"),
        ("\u{e9}", "-"),
        ("a.b_c-D", "a.b_c-D"),
    ] {
        let resembling = NodeName::resembling(text);
        assert_eq!(resembling.as_str(), name);
        assert_eq!(name.parse(), Ok(resembling));
    }
    assert_eq!(NodeName::resembling(&"x".repeat(100)).as_str().len(), 64);
    assert_eq!("a b".parse::<NodeName>(), Err(NodeNameError));
}

proptest! {
    #[test]
    fn any_bytes_are_a_card_or_an_error(bytes: Vec<u8>) {
        prop_assert!(NodeCard::read(&bytes).is_err());
    }
}

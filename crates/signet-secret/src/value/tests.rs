use proptest::prelude::*;

use super::*;

const KID: &str = "06073b81559d2a850f81f39757daf538";

fn text(sealed: &str) -> String {
    format!("{SEALED_PREFIX}{KID}:{sealed}")
}

#[test]
fn a_value_is_written_as_it_was_read() {
    let written = text(&"A".repeat(40));
    let value: SealedValue = written.parse().unwrap();
    assert_eq!(value.key().to_string(), KID);
    assert_eq!(value.to_string(), written);
    let json = format!("\"{written}\"");
    let document = serde_json::to_string(&value).unwrap();
    assert_eq!(document, json);
    assert_eq!(serde_json::from_str::<SealedValue>(&json).unwrap(), value);
}

#[test]
fn debug_output_shows_the_key_alone() {
    let value: SealedValue = text(&"B".repeat(40)).parse().unwrap();
    assert_eq!(
        format!("{value:?}"),
        format!("SealedValue(sealed:v1:{KID}:..)")
    );
}

#[test]
fn what_is_wrong_is_said_exactly() {
    use SealedValueError as E;
    let whole = "A".repeat(40);
    for (bad, why) in [
        (String::new(), E::NotSealed),
        ("p8e-s3cret".to_owned(), E::NotSealed),
        (
            "{bb71ce8b28ac304c269d7f9a4697f30d}".to_owned(),
            E::NotSealed,
        ),
        ("Sealed:v1:".to_owned(), E::NotSealed),
        (format!("sealed:v2:{KID}:{whole}"), E::Version),
        ("sealed:".to_owned(), E::Version),
        (format!("{}\n", text(&whole)), E::Space),
        (format!(" {}", text(&whole)), E::Space),
        (text(&format!("{whole} {whole}")), E::Space),
        ("sealed:v1:".to_owned(), E::Key),
        (format!("sealed:v1:{KID}"), E::Key),
        (format!("sealed:v1:{}:{whole}", KID.to_uppercase()), E::Key),
        (format!("sealed:v1:{}:{whole}", &KID[1..]), E::Key),
        (text(&format!("{whole}=")), E::Encoding),
        (text("A"), E::Encoding),
        (text(&whole.replacen('A', "+", 1)), E::Encoding),
        (text(&format!("{whole}AB")), E::Encoding),
        (text(""), E::TooShort { bytes: 0 }),
        (text(&"A".repeat(36)), E::TooShort { bytes: 27 }),
        (text(&"A".repeat(90_000)), E::TooLarge),
    ] {
        assert_eq!(bad.parse::<SealedValue>(), Err(why), "{bad:.80}");
        let said = format!("{why} {}", why.hint());
        assert!(!said.contains(KID) && !said.contains("p8e"), "{said}");
    }
    // The shortest one: an empty secret.
    assert!(text(&"A".repeat(38)).parse::<SealedValue>().is_ok());
}

#[test]
fn the_longest_text_holds_the_largest_secret() {
    let largest = vec![0; MAX_SECRET_BYTES + NONCE_BYTES + TAG_BYTES];
    let value = SealedValue::new(KeyId([7; 16]), largest);
    assert_eq!(value.to_string().parse(), Ok(value));
}

proptest! {
    // T13
    #[test]
    fn any_text_is_read_or_refused(text in "(sealed:v[0-9]:)?[0-9a-fA-F]{0,33}:?[A-Za-z0-9_=+/ -]{0,60}|\\PC{0,80}") {
        match text.parse::<SealedValue>() {
            // There is one text for each value, so what is read is written the same.
            Ok(value) => prop_assert_eq!(value.to_string(), text),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_bytes_survive_the_way(bytes in proptest::collection::vec(any::<u8>(), 28..300), key: [u8; 16]) {
        let value = SealedValue::new(KeyId(key), bytes);
        prop_assert!(SealedValue::is_meant_by(&value.to_string()));
        prop_assert_eq!(value.to_string().parse(), Ok(value));
    }
}

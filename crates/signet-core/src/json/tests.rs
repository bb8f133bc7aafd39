use super::*;
use proptest::prelude::*;

fn skip_document(text: &str) -> Parsed<()> {
    Reader::new(text).object(|reader, _| reader.skip_value())
}

fn as_string(text: &str) -> Parsed<String> {
    let mut reader = Reader::new(text);
    reader.string().map(Cow::into_owned)
}

#[test]
fn numbers_are_whole_and_canonical() {
    let number = |text: &str| Reader::new(text).number();
    assert_eq!(number("0"), Ok(0));
    assert_eq!(number("18446744073709551615"), Ok(u64::MAX));
    for bad in [
        "",
        "-1",
        "01",
        "1.0",
        "1e3",
        "18446744073709551616",
        "\"1\"",
        "+1",
    ] {
        assert_eq!(number(bad), Err(Malformed), "{bad:?}");
    }
}

#[test]
fn escapes_are_read_and_lone_surrogates_refused() {
    assert_eq!(
        as_string(r#""a\u00e9\ud83d\ude00\n""#),
        Ok("aé😀\n".to_owned())
    );
    for bad in [
        r#""\ud83d""#,
        r#""\udc00""#,
        r#""\ud83d\u0041""#,
        r#""\x""#,
        r#""\u12""#,
        "\"a\nb\"",
        "\"a",
        r#""\u+123""#,
    ] {
        assert_eq!(as_string(bad), Err(Malformed), "{bad:?}");
    }
}

#[test]
fn nesting_has_an_end() {
    let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
    assert_eq!(skip_document(&deep(8)), Ok(()));
    assert_eq!(skip_document(&deep(9)), Err(Malformed));
    assert_eq!(skip_document(&deep(100_000)), Err(Malformed));
}

#[test]
fn nothing_may_follow_the_document() {
    assert_eq!(skip_document("{} "), Ok(()));
    for bad in [
        "{}{}",
        "{},",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "[]",
        "",
        "{\"a\":01}",
    ] {
        assert_eq!(skip_document(bad), Err(Malformed), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn accepts_exactly_what_serde_json_accepts(text in r#"\{"a":[\[\]\{\}"\\a-f0-9:,.+eE truefalsn-]{0,24}\}"#) {
        let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        // Two numbers serde_json refuses for their size are grammatical all the same.
        let too_big = theirs.as_ref().is_err_and(|e| e.to_string().contains("out of range"));
        prop_assert_eq!(skip_document(&text).is_ok(), theirs.is_ok() || too_big, "{}", text);
    }

    #[test]
    fn numbers_are_those_of_the_standard_library(text in "[0-9]{1,21}[:/a]{0,2}") {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        let canonical = digits.parse::<u64>().ok().filter(|number| number.to_string() == digits);
        prop_assert_eq!(Reader::new(&text).number().ok(), canonical, "{}", text);
    }

    #[test]
    fn strings_round_trip(text in any::<String>()) {
        let mut written = String::new();
        write_string(&text, &mut written);
        prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text.clone());
        prop_assert_eq!(as_string(&written), Ok(text));
    }
}

use aes::cipher::block_padding::NoPadding;
use cbc::cipher::BlockModeEncrypt;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use signet_core::UnixSeconds;

use super::*;

/// The published vector of wcm.io CONGA, checked with openssl.
const MASTER: &[u8] = b"3e3fcf55e362e5cbf51407fb64ae0b61";
const PROTECTED: &str = "{bb71ce8b28ac304c269d7f9a4697f30d7f335a3f279c7834e8f72389d86539ce}";

fn master() -> GraniteKey {
    let bytes = HEXLOWER.decode(MASTER).unwrap();
    key(bytes.try_into().unwrap())
}

fn key(bits: [u8; 16]) -> GraniteKey {
    GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0))
}

fn protect(key: &GraniteKey, vector: [u8; 16], blocks: &[u8]) -> GraniteValue {
    let encryptor = cbc::Encryptor::<Aes128>::new(key.expose().into(), &vector.into());
    let sealed = encryptor.encrypt_padded_vec::<NoPadding>(blocks);
    let text = format!(
        "{{{}{}}}",
        HEXLOWER.encode(&vector),
        HEXLOWER.encode(&sealed)
    );
    text.parse().unwrap()
}

#[test]
fn the_published_value_opens() {
    let key = master();
    for text in [
        PROTECTED.to_owned(),
        PROTECTED.to_uppercase(),
        PROTECTED.replace('{', "\\{").replace('}', "\\}"),
    ] {
        let value: GraniteValue = text.parse().unwrap();
        assert_eq!(value.open(&key).unwrap().as_str(), "mytext");
    }
}

#[test]
fn what_is_wrong_is_said_exactly() {
    use GraniteValueError as E;
    let digits = "0".repeat(64);
    for (bad, why) in [
        ("mytext".to_owned(), E::Braces),
        (digits.clone(), E::Braces),
        (format!("{{{digits}"), E::Braces),
        ("{SHA-256}0000".to_owned(), E::Braces),
        ("{}".to_owned(), E::Length { digits: 0 }),
        (format!("{{{}}}", &digits[1..]), E::Length { digits: 63 }),
        (format!("{{{}}}", &digits[..32]), E::Length { digits: 32 }),
        (format!("{{{digits}00}}"), E::Length { digits: 66 }),
        (format!("{{{}g}}", &digits[1..]), E::Digits),
        ("{\"json\": 1}".to_owned(), E::Digits),
        (format!("{{{}}}", "0".repeat(140_000)), E::TooLarge),
    ] {
        assert_eq!(bad.parse::<GraniteValue>(), Err(why), "{bad:.80}");
    }
}

#[test]
fn another_key_shows_by_the_padding() {
    let value: GraniteValue = PROTECTED.parse().unwrap();
    assert_eq!(value.open(&key([1; 16])), Err(GraniteOpenError::Padding));
}

#[test]
fn what_comes_out_must_be_text() {
    let mut block = [4; 16];
    block[..12].copy_from_slice(b"latin-1 \xe9\xe8\xe0\xff");
    let value = protect(&master(), [9; 16], &block);
    assert_eq!(value.open(&master()), Err(GraniteOpenError::NotText));
}

#[test]
fn debug_output_holds_nothing() {
    let value: GraniteValue = PROTECTED.parse().unwrap();
    assert_eq!(format!("{value:?}"), "GraniteValue(..)");
}

proptest! {
    #[test]
    fn any_text_opens_again(text in "\\PC{0,100}", bits: [u8; 16], vector: [u8; 16]) {
        let key = key(bits);
        let padding = BLOCK - text.len() % BLOCK;
        let padded = [text.as_bytes(), &vec![padding as u8; padding]].concat();
        let value = protect(&key, vector, &padded);
        let opened = value.open(&key).unwrap();
        prop_assert_eq!(opened.as_str(), text.as_str());
    }

    // T13
    #[test]
    fn any_text_is_read_or_refused(text in "\\\\?\\{[0-9a-fA-F]{0,130}\\\\?\\}|\\PC{0,100}") {
        if let Ok(value) = text.parse::<GraniteValue>() {
            let _ = value.open(&master());
        }
    }
}

//! Any bytes as a bundle of keys: as the sealed file, as what is inside one, and as what a sender signed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_bundle::{NodeIdentity, ReceivedBundle, addressees};

static RECEIVER: LazyLock<NodeIdentity> =
    LazyLock::new(|| NodeIdentity::generate().expect("randomness"));

static SENDER: LazyLock<String> = LazyLock::new(|| {
    let name = "author".parse().expect("a valid name");
    SIGNER.card(&name).to_string()
});

static SIGNER: LazyLock<NodeIdentity> =
    LazyLock::new(|| NodeIdentity::generate().expect("randomness"));

fuzz_target!(|data: &[u8]| {
    let Some((form, data)) = data.split_first() else {
        return;
    };
    match form % 3 {
        0 => {
            let _ = addressees(data);
            // Nobody knows the key of this run.
            assert!(ReceivedBundle::open(data, &RECEIVER).is_err());
        }
        1 => is_refused_or_whole(data),
        _ => is_refused_or_whole(&signed(data)),
    }
});

fn is_refused_or_whole(payload: &[u8]) {
    let sealed = RECEIVER.seal_for_self(payload).expect("it can be sealed");
    if let Ok(received) = ReceivedBundle::open(&sealed, &RECEIVER) {
        let content = received.content();
        for key in &content.keys {
            assert_eq!(key.material.id(key.ring), key.id);
        }
    }
}

/// A payload whose signature is right, with lines of `data` as the fields after the sender's card.
/// `@` stands for the id of the receiver.
fn signed(data: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    push(&mut body, SENDER.as_bytes());
    for line in data.split(|byte| *byte == b'\n') {
        match line {
            b"@" => push(&mut body, RECEIVER.id().to_string().as_bytes()),
            line => push(&mut body, line),
        }
    }
    let mut whole = Vec::new();
    push(&mut whole, b"signet-bundle");
    push(&mut whole, b"1");
    push(&mut whole, &body);
    let signature = SIGNER.sign("bundle", &whole);
    push(&mut whole, &signature.0);
    whole
}

fn push(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
    bytes.extend_from_slice(field);
}

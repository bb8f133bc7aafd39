//! Any bytes as a bundle of AEM's keys: as the sealed file, as what is inside one, and as what a sender signed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_aem::replication::{Choice, Source};
use signet_bundle::{MAX_AEM_KEY_BYTES, NodeIdentity, ReceivedAemKeys, ReceivedBundle};

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
        // Nobody knows the key of this run.
        0 => assert!(ReceivedAemKeys::open(data, &RECEIVER).is_err()),
        1 => is_refused_or_whole(data),
        _ => is_refused_or_whole(&signed(data)),
    }
});

fn is_refused_or_whole(payload: &[u8]) {
    let sealed = RECEIVER.seal_for_self(payload).expect("it can be sealed");
    let Ok(received) = ReceivedAemKeys::open(&sealed, &RECEIVER) else {
        return;
    };
    let content = received.content();
    let keys = [&content.hmac, &content.master];
    assert!(keys.iter().any(|key| key.is_some()));
    for key in keys.into_iter().flatten() {
        assert!((1..=MAX_AEM_KEY_BYTES).contains(&key.len()));
    }
    // What passes here never passes for keys of Signet.
    assert!(ReceivedBundle::open(&sealed, &RECEIVER).is_err());
    // A page or a text is no key, whoever signed it.
    if let Ok(source) = Source::bundle(content, Choice::Both) {
        for key in source.keys() {
            assert!(key.expose().len() >= 16);
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
    push(&mut whole, b"signet-aem-bundle");
    push(&mut whole, b"1");
    push(&mut whole, &body);
    let signature = SIGNER.sign("aem-bundle", &whole);
    push(&mut whole, &signature.0);
    whole
}

fn push(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
    bytes.extend_from_slice(field);
}

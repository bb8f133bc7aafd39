use proptest::prelude::*;
use signet_core::{Key, KeyMaterial, KeyState, RingName, UnixSeconds};
use signet_keys::{KeyStore, KeyStoreOptions, LoadedKeys, Retirement, RotateMode};
use tempfile::TempDir;

use super::*;
use crate::{NodeIdentity, NodeName};

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

struct Site {
    _scratch: TempDir,
    identity: NodeIdentity,
    name: NodeName,
    store: KeyStore,
}

impl Site {
    fn new(name: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("keys");
        let store = KeyStore::open(&path, KeyStoreOptions::default()).unwrap();
        store.prepare().unwrap();
        Self {
            _scratch: scratch,
            identity: NodeIdentity::generate().unwrap(),
            name: name.parse().unwrap(),
            store,
        }
    }

    /// The same keys on another instance.
    fn copy(&self, name: &str) -> Self {
        let copy = Self::new(name);
        for key in &self.loaded().keys {
            copy.store.insert(key).unwrap();
        }
        copy
    }

    fn loaded(&self) -> LoadedKeys {
        self.store.load(None).unwrap()
    }

    fn challenge(&self) -> Challenge {
        Challenge::make(&self.identity, &self.name, NOW).unwrap()
    }

    fn answer(&self, challenge: &Challenge) -> Answer {
        let (identity, name) = (&self.identity, &self.name);
        Answer::make(challenge.clone(), identity, name, &self.loaded(), NOW).unwrap()
    }

    fn check(&self, answer: &Answer) -> Comparison {
        answer.check(&self.identity, &self.loaded(), NOW).unwrap()
    }

    fn against(&self, other: &Self) -> Comparison {
        let challenge = Challenge::read(self.challenge().to_string().as_bytes()).unwrap();
        let answer = other.answer(&challenge).to_string();
        self.check(&Answer::read(answer.as_bytes()).unwrap())
    }

    fn hmac(&self) -> signet_core::KeyId {
        let loaded = self.loaded();
        let key = loaded.keys.iter().find(|key| key.ring == RingName::Hmac);
        key.unwrap().id
    }

    fn rotate(&self) {
        let mode = RotateMode::Activate;
        self.store.rotate(RingName::Hmac, mode, NOW).unwrap();
    }
}

fn author() -> Site {
    let site = Site::new("author");
    site.store.create_if_missing(NOW).unwrap();
    site
}

fn verdicts(comparison: &Comparison) -> Vec<Verdict> {
    comparison.keys.iter().map(|key| key.verdict).collect()
}

#[test]
fn equal_keys_are_proven_equal() {
    let author = author();
    author.rotate();
    let publish = author.copy("publish");
    for (one, other) in [(&author, &publish), (&publish, &author)] {
        let comparison = one.against(other);
        assert_eq!(verdicts(&comparison), [Verdict::Equal; 3]);
        assert!(comparison.is_equal());
    }
    // Which of them makes tokens does not matter to what verifies.
    publish.rotate();
    let missing = publish.hmac();
    let comparison = author.against(&publish);
    let extra = comparison.keys.iter().find(|key| key.id == missing);
    assert_eq!(extra.unwrap().verdict, Verdict::MissingHere);
    assert!(!comparison.is_equal());
    let others = comparison.keys.iter().filter(|key| key.id != missing);
    assert!(others.into_iter().all(|key| key.verdict == Verdict::Equal));
    let comparison = publish.against(&author);
    assert!(verdicts(&comparison).contains(&Verdict::MissingThere));
}

#[test]
fn two_instances_without_keys_prove_nothing() {
    let comparison = Site::new("one").against(&Site::new("two"));
    assert!(comparison.keys.is_empty() && !comparison.is_equal());
}

// K5
#[test]
fn a_key_revoked_on_one_side_is_different() {
    let author = author();
    author.rotate();
    let publish = author.copy("publish");
    let loaded = author.loaded();
    let old = loaded
        .keys
        .iter()
        .find(|key| key.state == KeyState::VerifyOnly)
        .unwrap()
        .id;
    author.store.revoke(old).unwrap();
    let of_old = |comparison: Comparison| {
        let key = comparison.keys.into_iter().find(|key| key.id == old);
        key.unwrap().verdict
    };
    assert_eq!(of_old(author.against(&publish)), Verdict::RevokedHere);
    assert_eq!(of_old(publish.against(&author)), Verdict::RevokedThere);
    // Known on both sides, with the key's file, without it on one, and without it on both.
    publish.store.revoke(old).unwrap();
    assert_eq!(of_old(author.against(&publish)), Verdict::Equal);
    author.store.retire(old, Retirement::Forced).unwrap();
    assert_eq!(of_old(author.against(&publish)), Verdict::Equal);
    assert_eq!(of_old(publish.against(&author)), Verdict::Equal);
    publish.store.retire(old, Retirement::Forced).unwrap();
    assert!(author.against(&publish).is_equal());
    // Known on one side only: a copy of the key would be accepted on the other.
    let third = Site::new("third");
    for key in &author.loaded().keys {
        third.store.insert(key).unwrap();
    }
    assert_eq!(of_old(author.against(&third)), Verdict::MissingThere);
}

#[test]
fn who_does_not_have_the_bits_proves_nothing() {
    let author = author();
    let mut loaded = author.loaded();
    // Names are no secret: a stranger can claim them, but not prove them.
    for key in &mut loaded.keys {
        key.material = KeyMaterial::new([0; 32]);
    }
    let stranger = Site::new("stranger");
    let (identity, name) = (&stranger.identity, &stranger.name);
    let answer = Answer::make(author.challenge(), identity, name, &loaded, NOW).unwrap();
    let answer = Answer::read(answer.to_string().as_bytes()).unwrap();
    let comparison = author.check(&answer);
    assert_eq!(verdicts(&comparison), [Verdict::NotProven; 2]);
    assert_eq!(comparison.keys[0].verdict.as_str(), "different");
}

#[test]
fn what_others_proved_cannot_be_passed_off_as_ones_own() {
    let author = author();
    let publish = author.copy("publish");
    let stranger = Site::new("stranger");
    let challenge = author.challenge();
    let honest = publish.answer(&challenge);
    let (identity, name) = (&stranger.identity, &stranger.name);
    let empty = stranger.loaded();
    let stolen = Answer::make(challenge, identity, name, &empty, NOW).unwrap();
    let mut text = stolen.to_string();
    let keys: String = honest
        .to_string()
        .lines()
        .filter(|line| line.starts_with("key "))
        .map(|line| format!("{line}\n"))
        .collect();
    let at = text.find("signature ").unwrap();
    text.truncate(at);
    text.push_str(&keys);
    let signature = stranger.identity.sign("proof-answer", text.as_bytes());
    text.push_str(&format!("signature {signature}\n"));
    let stolen = Answer::read(text.as_bytes()).unwrap();
    assert_eq!(verdicts(&author.check(&stolen)), [Verdict::NotProven; 2]);
}

// T5
#[test]
fn an_answer_fits_its_challenge_only() {
    let author = author();
    let publish = author.copy("publish");
    let (one, two) = (author.challenge(), author.challenge());
    let old = publish.answer(&one).to_string();
    let (name, encoded) = ("challenge ", |challenge: &Challenge| {
        data_encoding::BASE64URL_NOPAD.encode(challenge.to_string().as_bytes())
    });
    let replayed = old.replace(
        &format!("{name}{}", encoded(&one)),
        &format!("{name}{}", encoded(&two)),
    );
    assert_ne!(old, replayed);
    assert!(matches!(
        Answer::read(replayed.as_bytes()),
        Err(ProofError::Altered)
    ));
    // The signature of one purpose is none for the other.
    let challenge = one.to_string();
    let (unsigned, _) = challenge.split_once("signature ").unwrap();
    let signature = author.identity.sign("proof-answer", unsigned.as_bytes());
    let forged = format!("{unsigned}signature {signature}\n");
    assert!(matches!(
        Challenge::read(forged.as_bytes()),
        Err(ProofError::Altered)
    ));
}

#[test]
fn old_foreign_and_own_challenges_are_noticed() {
    let author = author();
    let (publish, third) = (author.copy("publish"), author.copy("third"));
    let challenge = author.challenge();
    let answer = publish.answer(&challenge);
    let loaded = author.loaded();
    let last = NOW.plus(PROOF_LIFE);
    let check = |site: &Site, now| answer.check(&site.identity, &loaded, now);
    assert!(check(&author, last).is_ok());
    let late = check(&author, last.plus(Seconds(1)));
    assert!(matches!(late, Err(ProofError::Expired { at }) if at == last));
    let early = check(&author, NOW.minus(Seconds(301)));
    assert!(matches!(early, Err(ProofError::FromTheFuture { .. })));
    let error = check(&third, NOW).unwrap_err();
    assert!(error.to_string().contains("author ("), "{error}");

    let make = |site: &Site, now| {
        Answer::make(challenge.clone(), &site.identity, &site.name, &loaded, now)
    };
    assert!(matches!(make(&author, NOW), Err(ProofError::OwnChallenge)));
    assert!(matches!(
        make(&publish, last.plus(Seconds(1))),
        Err(ProofError::Expired { .. })
    ));
}

// T13
#[test]
fn every_altered_byte_is_noticed() {
    let author = author();
    let publish = author.copy("publish");
    let challenge = author.challenge();
    let answer = publish.answer(&challenge).to_string();
    let challenge = challenge.to_string();
    let altered = |text: &str, at: usize, flip| {
        let mut bytes = text.to_owned().into_bytes();
        bytes[at] ^= flip;
        bytes
    };
    for flip in [1, 0x20, 0x80] {
        for at in 0..challenge.len() {
            let bytes = altered(&challenge, at, flip);
            assert!(Challenge::read(&bytes).is_err(), "byte {at} ^ {flip}");
        }
        for at in 0..answer.len() {
            let bytes = altered(&answer, at, flip);
            assert!(Answer::read(&bytes).is_err(), "byte {at} ^ {flip}");
        }
    }
    for at in 0..answer.len() - 1 {
        assert!(Answer::read(&answer.as_bytes()[..at]).is_err());
    }
    assert!(Answer::read(format!("{answer}x").as_bytes()).is_err());
}

#[test]
fn line_ends_of_other_systems_are_harmless() {
    let author = author();
    let challenge = author.challenge();
    let text = challenge.to_string().replace('\n', "\r\n");
    assert_eq!(Challenge::read(text.as_bytes()).unwrap(), challenge);
}

#[test]
fn what_is_no_proof_is_named() {
    let author = author();
    let challenge = author.challenge().to_string();
    let answer = author.copy("publish").answer(&author.challenge());
    let answer = answer.to_string();
    let newer = answer.replace("answer-v1", "answer-v2");
    let cut = answer[..answer.len() / 2].to_owned();
    let large = " ".repeat(MAX_PROOF_BYTES + 1);
    for (text, part) in [
        ("", "empty"),
        ("\n\n", "empty"),
        ("<html>", "web page"),
        (challenge.as_str(), "is a challenge"),
        (&newer, "version"),
        (&large, "larger"),
        ("hello", "does not begin with signet-answer-v1"),
        (&cut, "cut off"),
    ] {
        let error = Answer::read(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(part), "{part}: {error}");
        assert!(!error.hint().is_empty());
    }
    let error = Challenge::read(answer.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("is an answer"));
}

// K9
#[test]
fn an_answer_shows_no_key() {
    let author = Site::new("author");
    let material = KeyMaterial::new([0xab; 32]);
    let key = Key::new(RingName::Hmac, "farm".parse().unwrap(), material, NOW);
    author.store.insert(&key).unwrap();
    let challenge = Site::new("other").challenge();
    let answer = author.answer(&challenge);
    let shown = format!("{answer}{answer:?}");
    let bits = data_encoding::BASE64URL_NOPAD.encode(&[0xab; 32]);
    assert!(!shown.contains(&bits) && !shown.contains("171, 171"));
    assert!(!shown.contains("abababab"));
}

proptest! {
    // T13
    #[test]
    fn any_bytes_are_no_proof(bytes: Vec<u8>, tail in ".*") {
        prop_assert!(Answer::read(&bytes).is_err());
        prop_assert!(Challenge::read(&bytes).is_err());
        let marked = format!("signet-answer-v1\n{tail}");
        prop_assert!(Answer::read(marked.as_bytes()).is_err());
    }
}

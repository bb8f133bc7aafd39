use super::*;
use crate::{
    Generation, GroupSet, IndexKey, Key, KeyMaterial, KeyState, Mark, MarkId, RingName, Seconds,
    SessionId, UserRecord, token::mint,
};
use proptest::prelude::*;

const NOW: UnixSeconds = UnixSeconds(1_000_000);
const SKEW: u64 = 60;

struct World {
    policy: TokenPolicy,
    keys: KeyRing,
    index: UserIndex,
    marks: Marks,
}

impl World {
    fn new() -> Self {
        let key = Key {
            state: KeyState::Active,
            ..hmac_key()
        };
        Self {
            policy: TokenPolicy {
                zone: "www.example.com".parse().unwrap(),
                format: Format::Sealed,
                inactivity: Seconds(1_800),
                renewal_interval: Seconds(300),
                max_session: Seconds(43_200),
                skew: Seconds(SKEW),
            },
            keys: KeyRing::new(&[key], []),
            index: UserIndex::new(IndexKey([3; 16])).with(&[user("alice", 2)]),
            marks: Marks::default(),
        }
    }

    fn verifier(&self) -> Verifier<'_> {
        Verifier {
            policy: &self.policy,
            keys: &self.keys,
            index: &self.index,
            marks: &self.marks,
        }
    }

    fn verdict_at(
        &self,
        claims: &Claims<'_>,
        format: Format,
        now: UnixSeconds,
    ) -> Result<Vec<String>, Denied> {
        let token = mint(claims, format, &self.keys, [5; 16]).unwrap();
        let mut scratch = Scratch::default();
        self.verifier()
            .verify(token.as_bytes(), now, &mut scratch)
            .map(|session| session.groups.to_vec())
    }

    fn verdict(&self, claims: &Claims<'_>) -> Result<Vec<String>, Denied> {
        let sealed = self.verdict_at(claims, Format::Sealed, NOW);
        if !claims.is_personal() {
            assert_eq!(self.verdict_at(claims, Format::Signed, NOW), sealed);
        }
        sealed
    }
}

fn hmac_key() -> Key {
    Key::new(
        RingName::Hmac,
        "farm".parse().unwrap(),
        KeyMaterial::new([9; 32]),
        NOW,
    )
}

fn user(id: &str, generation: u32) -> UserRecord {
    UserRecord {
        subject: id.parse().unwrap(),
        generation: Generation(generation),
        enabled: true,
        deleted: false,
        groups: ["staff".parse().unwrap()].into_iter().collect::<GroupSet>(),
    }
}

fn alice() -> Claims<'static> {
    Claims {
        issuer: "farm".into(),
        audience: "www.example.com".into(),
        subject: "alice".into(),
        session: SessionId([1; 16]),
        generation: Generation(2),
        issued_at: NOW,
        expires_at: NOW.plus(Seconds(1_800)),
        auth_time: NOW,
        methods: ["pwd"].into_iter().collect(),
        session_end: NOW.plus(Seconds(43_200)),
        provider_session: None,
        name: None,
        email: None,
        groups: None,
    }
}

fn outsider() -> Claims<'static> {
    Claims {
        subject: "google:alice".into(),
        groups: Some(["guests"].into_iter().collect()),
        ..alice()
    }
}

#[test]
fn a_user_of_this_instance_is_recognised_with_the_groups_of_the_index() {
    assert_eq!(World::new().verdict(&alice()), Ok(vec!["staff".to_owned()]));
    let flattered = Claims {
        groups: Some(["administrators"].into_iter().collect()),
        ..alice()
    };
    assert_eq!(
        World::new().verdict(&flattered),
        Ok(vec!["staff".to_owned()])
    );
}

// T7
#[test]
fn times_are_checked_with_at_most_the_skew() {
    let world = World::new();
    let at = |now: UnixSeconds| world.verdict_at(&alice(), Format::Sealed, now);
    assert!(at(NOW.minus(Seconds(60))).is_ok());
    assert_eq!(at(NOW.minus(Seconds(61))), Err(Denied::FromTheFuture));
    assert!(at(alice().expires_at.plus(Seconds(60))).is_ok());
    assert_eq!(
        at(alice().expires_at.plus(Seconds(61))),
        Err(Denied::Expired)
    );
    assert_eq!(at(UnixSeconds(0)), Err(Denied::FromTheFuture));
    assert_eq!(at(UnixSeconds(u64::MAX)), Err(Denied::Expired));
}

// T8
#[test]
fn zone_and_farm_are_compared_for_equality() {
    let world = World::new();
    for zone in [
        "example.com",
        "www.example.com.evil",
        "www.example.co",
        "WWW.example.com",
        "",
    ] {
        let claims = Claims {
            audience: zone.into(),
            ..alice()
        };
        assert_eq!(world.verdict(&claims), Err(Denied::ZoneForeign), "{zone}");
    }
    let claims = Claims {
        issuer: "farm2".into(),
        ..alice()
    };
    let minted = mint(&claims, Format::Sealed, &world.keys, [5; 16]);
    assert_eq!(minted, Err(crate::MintError::IssuerForeign));
    let same_bits = Key {
        farm: "farm2".parse().unwrap(),
        state: KeyState::Active,
        ..hmac_key()
    };
    let foreign = mint(
        &claims,
        Format::Sealed,
        &KeyRing::new(&[same_bits], []),
        [5; 16],
    )
    .unwrap();
    let mut scratch = Scratch::default();
    let verdict = world
        .verifier()
        .verify(foreign.as_bytes(), NOW, &mut scratch);
    assert_eq!(verdict.map(|_| ()), Err(Denied::IssuerForeign));
}

#[test]
fn the_user_must_exist_on_this_instance() {
    let world = World::new();
    let claims = Claims {
        subject: "bob".into(),
        ..alice()
    };
    assert_eq!(world.verdict(&claims), Err(Denied::UserUnknown));
    for other in ["Alice", "alice ", "alic\u{435}", "alice\0"] {
        let claims = Claims {
            subject: other.into(),
            ..alice()
        };
        assert_eq!(
            world.verdict(&claims),
            Err(Denied::UserUnknown),
            "{other:?}"
        );
    }
}

// S3
#[test]
fn raising_the_generation_ends_every_older_token() {
    let mut world = World::new();
    world.index = world.index.with(&[user("alice", 3)]);
    assert_eq!(world.verdict(&alice()), Err(Denied::GenerationOld));
    assert!(
        world
            .verdict(&Claims {
                generation: Generation(3),
                ..alice()
            })
            .is_ok()
    );
}

// S3
#[test]
fn a_disabled_or_deleted_user_is_refused_whatever_the_generation() {
    let mut world = World::new();
    let newest = Claims {
        generation: Generation(u32::MAX),
        ..alice()
    };
    world.index = world.index.with(&[UserRecord {
        enabled: false,
        ..user("alice", 2)
    }]);
    assert_eq!(world.verdict(&newest), Err(Denied::UserDisabled));
    world.index = world.index.with(&[UserRecord {
        deleted: true,
        ..user("alice", 2)
    }]);
    assert_eq!(world.verdict(&newest), Err(Denied::UserUnknown));
}

#[test]
fn a_sealed_token_is_itself_the_record_of_a_user_from_outside() {
    let mut world = World::new();
    assert_eq!(world.verdict(&outsider()), Ok(vec!["guests".to_owned()]));
    let signed = Claims {
        groups: None,
        ..outsider()
    };
    assert_eq!(
        world.verdict_at(&signed, Format::Signed, NOW),
        Err(Denied::UserUnknown)
    );
    world.index = world.index.with(&[user("google:alice", 3)]);
    assert_eq!(world.verdict(&outsider()), Err(Denied::GenerationOld));
    world.index = world.index.with(&[UserRecord {
        deleted: true,
        ..user("google:alice", 1)
    }]);
    assert_eq!(world.verdict(&outsider()), Err(Denied::UserUnknown));
}

// S2
#[test]
fn a_mark_ends_the_session_and_every_renewal_of_it() {
    let mut world = World::new();
    let until = alice().session_end.plus(Seconds(SKEW));
    world.marks = world.marks.with([Mark {
        id: alice().session.into(),
        until,
    }]);
    assert_eq!(world.verdict(&alice()), Err(Denied::SessionEnded));
    let renewed = Claims {
        expires_at: alice().session_end,
        ..alice()
    };
    assert_eq!(world.verdict(&renewed), Err(Denied::SessionEnded));
    let other = Claims {
        session: SessionId([2; 16]),
        ..alice()
    };
    assert!(world.verdict(&other).is_ok());
}

#[test]
fn a_mark_may_name_the_session_of_the_identity_provider() {
    let mut world = World::new();
    let claims = Claims {
        provider_session: Some("idp-7".into()),
        ..alice()
    };
    assert!(world.verdict(&claims).is_ok());
    let id = MarkId::of_provider_session("idp-7");
    world.marks = world.marks.with([Mark {
        id,
        until: UnixSeconds(u64::MAX),
    }]);
    assert_eq!(world.verdict(&claims), Err(Denied::SessionEnded));
}

// S7, invariant 7
#[test]
fn a_clock_that_jumped_ahead_and_back_revives_nothing() {
    let mut world = World::new();
    let until = alice().session_end.plus(Seconds(SKEW));
    world.marks = world.marks.with([Mark {
        id: alice().session.into(),
        until,
    }]);
    world.marks = world.marks.purged(until);
    assert!(world.marks.is_empty());
    assert_eq!(world.verdict(&alice()), Err(Denied::SessionForgotten));
}

#[test]
fn renewal_keeps_the_session_and_its_end() {
    let world = World::new();
    let token = mint(&alice(), Format::Sealed, &world.keys, [5; 16]).unwrap();
    let renewed_at = |after: u64| {
        let now = NOW.plus(Seconds(after));
        let mut scratch = Scratch::default();
        let session = world
            .verifier()
            .verify(token.as_bytes(), now, &mut scratch)
            .unwrap();
        session.renewed(&world.policy, now).map(|claims| {
            (
                claims.issued_at,
                claims.expires_at,
                claims.session_end,
                claims.session,
            )
        })
    };
    assert_eq!(renewed_at(299), None);
    let now = NOW.plus(Seconds(300));
    let expected = (
        now,
        now.plus(Seconds(1_800)),
        alice().session_end,
        alice().session,
    );
    assert_eq!(renewed_at(300), Some(expected));
}

// S4
#[test]
fn no_renewal_outlives_the_session() {
    let world = World::new();
    let late = Claims {
        issued_at: alice().session_end.minus(Seconds(1_000)),
        expires_at: alice().session_end,
        ..alice()
    };
    let now = alice().session_end.minus(Seconds(10));
    let token = mint(&late, Format::Sealed, &world.keys, [5; 16]).unwrap();
    let mut scratch = Scratch::default();
    let session = world
        .verifier()
        .verify(token.as_bytes(), now, &mut scratch)
        .unwrap();
    assert_eq!(session.renewed(&world.policy, now), None);
}

#[test]
fn explain_names_everything_that_is_wrong() {
    let world = World::new();
    let claims = Claims {
        audience: "other".into(),
        subject: "bob".into(),
        ..alice()
    };
    let token = mint(&claims, Format::Signed, &world.keys, [5; 16]).unwrap();
    let wrong = crate::explain(&world.verifier(), token.as_bytes(), NOW, |steps, claims| {
        assert_eq!(claims.unwrap().0.subject, "bob");
        steps
            .iter()
            .filter_map(|step| step.outcome.err())
            .collect::<Vec<_>>()
    });
    assert_eq!(wrong, [Denied::ZoneForeign, Denied::UserUnknown]);
}

proptest! {
    // T13, invariant 3
    #[test]
    fn any_bytes_are_denied(token in proptest::collection::vec(any::<u8>(), 0..600)) {
        let world = World::new();
        prop_assert!(world.verifier().verify(&token, NOW, &mut Scratch::default()).is_err());
    }

    // T13, invariant 3: whichever byte of a good token is altered, the token is bad.
    #[test]
    fn any_altered_byte_is_denied(at in any::<prop::sample::Index>(), with in any::<u8>(), sealed in any::<bool>()) {
        let world = World::new();
        let format = if sealed { Format::Sealed } else { Format::Signed };
        let mut token = mint(&alice(), format, &world.keys, [5; 16]).unwrap().into_bytes();
        let at = at.index(token.len());
        prop_assume!(token[at] != with);
        token[at] = with;
        prop_assert!(world.verifier().verify(&token, NOW, &mut Scratch::default()).is_err());
    }
}

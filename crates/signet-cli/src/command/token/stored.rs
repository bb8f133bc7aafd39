//! Explaining a repository token: its hash is stored on the instance that gave it out, and nowhere else.

use signet_core::{
    Claims, Denied, IndexKey, Marks, Profile, UnixSeconds, UserIndex, UserRecord, Verifier,
};
use signet_login::{Settings, Site};
use signet_repository::{Account, TokenRow};

use super::advice::Advisor;
use super::explanation::{CHECKS, Explanation};

const KIND: &str = "repository token";

/// Whether `token` has the form `<uuid>_<32 hexadecimal digits>`.
pub(super) fn is_one(token: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    token.split_once('_').is_some_and(|(id, key)| {
        id.len() == 36 && is_hex(&id.replace('-', "")) && key.len() == 32 && is_hex(key)
    })
}

/// Makes each check by itself, so that all that is wrong is seen at once.
pub(super) async fn explain(
    token: &str,
    site: &Site,
    now: UnixSeconds,
) -> anyhow::Result<Explanation> {
    // A token that has expired is stored until it is cleaned up, and can still be explained.
    let row = site.repository.find_token(token, UnixSeconds(0)).await?;
    let account = match &row {
        Some(row) => site.repository.user(&row.subject).await?,
        None => None,
    };
    let keys = site.snapshots.keys.load_full();
    let explanation = site.snapshots.with_verifier(|verifier, settings| {
        let advisor = Advisor {
            keys: &keys,
            settings,
            now,
            named: None,
        };
        let Some(row) = &row else {
            return not_found(&advisor);
        };
        let claims = claims(row, account.as_ref(), settings);
        let outcomes = outcomes(verifier, row, &claims, now);
        Explanation::new(KIND, None, outcomes, Some(&claims), &advisor)
    });
    Ok(explanation)
}

fn not_found(advisor: &Advisor<'_>) -> Explanation {
    let [found, ..] = CHECKS;
    let outcomes = vec![(found, Err(Denied::TokenMalformed))];
    let mut explanation = Explanation::new(KIND, None, outcomes, None, advisor);
    explanation.advise(
        "It is not stored on this instance: another instance gave it out, it expired and was cleaned up, its user's\n\
         sessions were ended, or its key is wrong. With token.encapsulated = true every instance accepts tokens of all.",
    );
    explanation
}

fn outcomes(
    verifier: &Verifier<'_>,
    row: &TokenRow,
    claims: &Claims<'_>,
    now: UnixSeconds,
) -> Vec<(&'static str, Result<(), Denied>)> {
    let [found, read, zone, time, session, user] = CHECKS;
    let anybody = UserIndex::new(IndexKey([0; 16])).with(&[UserRecord {
        subject: row.subject.clone(),
        generation: row.generation,
        enabled: true,
        deleted: false,
        groups: signet_core::GroupSet::default(),
    }]);
    let nothing = Marks::default();
    let admit = |marks: &Marks, index: &UserIndex| {
        let verifier = Verifier {
            marks,
            index,
            ..*verifier
        };
        verifier
            .admit(claims.clone(), Profile::Repository, row.created)
            .map(|_| ())
    };
    let expired = if now < row.expires {
        Ok(())
    } else {
        Err(Denied::Expired)
    };
    vec![
        (found, Ok(())),
        (read, Ok(())),
        (zone, Ok(())),
        (time, expired),
        (session, admit(verifier.marks, &anybody)),
        (user, admit(&nothing, verifier.index)),
    ]
}

/// What the row amounts to, in the words of the encapsulated tokens.
fn claims<'r>(
    row: &'r TokenRow,
    account: Option<&'r Account>,
    settings: &'r Settings,
) -> Claims<'r> {
    let profile = account.map(|account| &account.profile);
    Claims {
        issuer: "".into(),
        audience: settings.policy.zone.as_str().into(),
        subject: row.subject.as_str().into(),
        session: row.session,
        generation: row.generation,
        issued_at: row.created,
        expires_at: row.expires,
        auth_time: row.auth_time,
        methods: row.methods.iter().map(String::as_str).collect(),
        session_end: row.session_end,
        provider_session: None,
        name: profile
            .and_then(|profile| profile.name.as_deref())
            .map(Into::into),
        email: profile
            .and_then(|profile| profile.mail.as_deref())
            .map(Into::into),
        groups: None,
    }
}

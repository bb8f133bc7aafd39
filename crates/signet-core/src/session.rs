//! What a verified token amounts to.

use crate::{Claims, Format, GroupName, GroupSet, KeyId, StringList, TokenPolicy, UnixSeconds};

/// A session that was accepted.
#[derive(Clone, Debug)]
pub struct Session<'t> {
    /// What the token says.
    pub claims: Claims<'t>,
    /// The groups of the user, as they are now.
    pub groups: Groups<'t>,
    /// How the session was proven.
    pub profile: Profile,
}

/// How a session was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// By an encapsulated token: offline, with a key that is held here.
    Encapsulated {
        /// The format of the token.
        format: Format,
        /// The key that made it.
        key: KeyId,
    },
    /// By a repository token: its hash is stored on this instance.
    Repository,
    /// By user id and password in this very request (RFC 7617).
    Basic,
}

/// Where the groups of a session come from.
#[derive(Clone, Debug)]
pub enum Groups<'t> {
    /// From the index of this instance, so that changes act at once.
    Indexed(&'t GroupSet),
    /// From the token of a user from outside whom this instance has not met.
    Carried(StringList<'t>),
}

impl Groups<'_> {
    /// The names, in the order they are kept.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        match self {
            Self::Indexed(set) => set.iter().map(ToString::to_string).collect(),
            Self::Carried(list) => list.to_vec(),
        }
    }

    /// The sets as one value that can be kept: names that are none are left out.
    #[must_use]
    pub fn to_set(&self) -> GroupSet {
        match self {
            Self::Indexed(set) => (*set).clone(),
            Self::Carried(list) => list
                .to_vec()
                .iter()
                .filter_map(|name| name.parse::<GroupName>().ok())
                .collect(),
        }
    }

    /// Whether the user is in the group `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Indexed(set) => set.contains(name),
            Self::Carried(list) => list.to_vec().iter().any(|group| group == name),
        }
    }
}

impl Session<'_> {
    /// The claims of the next token of this session, if one is due at `now`: session, generation, login and end stay.
    ///
    /// Nothing is due before `renewal_interval` has passed since the last one, nor when the next would not live longer.
    #[must_use]
    pub fn renewed(&self, policy: &TokenPolicy, now: UnixSeconds) -> Option<Claims<'_>> {
        let due = self.claims.issued_at.plus(policy.renewal_interval) <= now;
        let expires_at = policy.expiry(now, self.claims.session_end);
        if !due || expires_at <= self.claims.expires_at {
            return None;
        }
        let mut claims = self.claims.clone();
        claims.issued_at = now;
        claims.expires_at = expires_at;
        if policy.format == Format::Signed {
            claims.name = None;
            claims.email = None;
            claims.groups = None;
        }
        Some(claims)
    }
}

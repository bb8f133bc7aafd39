//! The verdict: is this token the proof of a session that is good here and now?

use crate::subject::is_from_outside;
use crate::token::{self, Scratch};
use crate::{
    Claims, Denied, Format, Groups, Issuer, KeyRing, Marks, Profile, Session, TokenPolicy,
    UnixSeconds, UserIndex,
};

/// Everything a verdict depends on, the token and the present aside: one policy and three snapshots.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'v> {
    /// What the farm demands.
    pub policy: &'v TokenPolicy,
    /// The keys held here.
    pub keys: &'v KeyRing,
    /// The users known here.
    pub index: &'v UserIndex,
    /// The sessions ended before their time.
    pub marks: &'v Marks,
}

impl<'v> Verifier<'v> {
    /// Decides about `token` at `now`. Total: any bytes end in a session or a reason, and nothing is touched but memory.
    ///
    /// # Errors
    /// [`Denied`] with the first reason that was found, in the order of the checks.
    #[inline]
    pub fn verify<'t>(
        &self,
        token: &[u8],
        now: UnixSeconds,
        scratch: &'t mut Scratch,
    ) -> Result<Session<'t>, Denied>
    where
        'v: 't,
    {
        let opened = token::open(token, self.keys, scratch)?;
        let claims = Claims::parse(opened.payload).map_err(|_| Denied::ClaimsInvalid)?;
        check_issuer(&claims, &opened.key.farm)?;
        let profile = Profile::Encapsulated {
            format: opened.format,
            key: opened.key.id,
        };
        self.admit(claims, profile, now)
    }

    /// Decides about claims whose origin was proven already.
    ///
    /// # Errors
    /// [`Denied`] with the first reason that was found, in the order of the checks.
    #[inline]
    pub fn admit<'t>(
        &self,
        claims: Claims<'t>,
        profile: Profile,
        now: UnixSeconds,
    ) -> Result<Session<'t>, Denied>
    where
        'v: 't,
    {
        self.check_zone(&claims)?;
        self.check_time(&claims, now)?;
        self.marks.check(&claims, self.policy.skew)?;
        let groups = self.check_user(&claims, profile)?;
        Ok(Session {
            claims,
            groups,
            profile,
        })
    }

    #[inline]
    pub(crate) fn check_zone(&self, claims: &Claims<'_>) -> Result<(), Denied> {
        if claims.audience != self.policy.zone.as_str() {
            return Err(Denied::ZoneForeign);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn check_time(&self, claims: &Claims<'_>, now: UnixSeconds) -> Result<(), Denied> {
        let skew = self.policy.skew;
        // `auth_time` is no later than `iat`, and `exp` no later than `max`: the claims were read that way.
        if claims.issued_at > now.plus(skew) {
            return Err(Denied::FromTheFuture);
        }
        if claims.expires_at.plus(skew) < now {
            return Err(Denied::Expired);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn check_user<'t>(
        &self,
        claims: &Claims<'t>,
        profile: Profile,
    ) -> Result<Groups<'t>, Denied>
    where
        'v: 't,
    {
        let Some(user) = self.index.find(&claims.subject) else {
            return carried(claims, profile).ok_or(Denied::UserUnknown);
        };
        if claims.generation < user.generation {
            return Err(Denied::GenerationOld);
        }
        if user.deleted {
            return Err(Denied::UserUnknown);
        }
        if !user.enabled {
            return Err(Denied::UserDisabled);
        }
        Ok(Groups::Indexed(user.groups))
    }
}

/// A token names the farm that the key it was made with belongs to.
#[inline]
pub(crate) fn check_issuer(claims: &Claims<'_>, farm: &Issuer) -> Result<(), Denied> {
    (claims.issuer == farm.as_str())
        .then_some(())
        .ok_or(Denied::IssuerForeign)
}

/// The record that a sealed token carries of a user from outside; for anybody else there is none.
fn carried<'t>(claims: &Claims<'t>, profile: Profile) -> Option<Groups<'t>> {
    let sealed = matches!(
        profile,
        Profile::Encapsulated {
            format: Format::Sealed,
            ..
        }
    );
    if !sealed || !is_from_outside(&claims.subject) {
        return None;
    }
    claims.groups.clone().map(Groups::Carried)
}

#[cfg(test)]
mod tests;

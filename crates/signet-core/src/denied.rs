//! Why a token is refused.

/// The reason of a refusal. It is for the log and for `signet token explain`; who sent the token learns none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// There is no token.
    #[error("there is no token")]
    TokenMissing,
    /// Not a token, or one that no key of this ring could have made.
    #[error("this is not a token")]
    TokenMalformed,
    /// No key with this id is here.
    #[error("the key it was made with is not here")]
    KeyUnknown,
    /// The key was revoked.
    #[error("the key it was made with was revoked")]
    KeyRevoked,
    /// The key is here, and the MAC is not its own.
    #[error("it was altered, or made with another key")]
    MacInvalid,
    /// The MAC is right, the claims are not: something made this token that is not Signet.
    #[error("its claims are incomplete or malformed")]
    ClaimsInvalid,
    /// Made by another farm.
    #[error("it was made by another farm")]
    IssuerForeign,
    /// Made for another zone.
    #[error("it was made for another zone")]
    ZoneForeign,
    /// Made later than now: a clock is wrong.
    #[error("it was made in the future: a clock is wrong")]
    FromTheFuture,
    /// The token or the whole session has reached its end.
    #[error("it has expired")]
    Expired,
    /// The user logged out, or the session was ended.
    #[error("the session was ended")]
    SessionEnded,
    /// The session ended so long ago that its marks are forgotten.
    #[error("the session ended before the marks that are still kept")]
    SessionForgotten,
    /// No such user on this instance.
    #[error("the user does not exist on this instance")]
    UserUnknown,
    /// The user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The user's sessions were ended: by a new password, by disabling, by deletion, or by hand.
    #[error("the user's sessions were ended")]
    GenerationOld,
    /// Two cookies carry different tokens.
    #[error("two cookies carry different tokens")]
    CookieDoubled,
    /// User id and password are wrong, must be changed first, or were not looked at after too many failures.
    #[error("user id or password is wrong")]
    CredentialsWrong,
    /// The repository could not be asked about a repository token.
    #[error("the repository did not answer")]
    RepositoryUnavailable,
}

impl Denied {
    /// The stable code that logs and metrics name the reason by.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TokenMissing => "TOKEN_MISSING",
            Self::TokenMalformed => "TOKEN_MALFORMED",
            Self::KeyUnknown => "KEY_UNKNOWN",
            Self::KeyRevoked => "KEY_REVOKED",
            Self::MacInvalid => "MAC_INVALID",
            Self::ClaimsInvalid => "CLAIMS_INVALID",
            Self::IssuerForeign => "ISSUER_FOREIGN",
            Self::ZoneForeign => "ZONE_FOREIGN",
            Self::FromTheFuture => "FROM_THE_FUTURE",
            Self::Expired => "EXPIRED",
            Self::SessionEnded => "SESSION_ENDED",
            Self::SessionForgotten => "SESSION_FORGOTTEN",
            Self::UserUnknown => "USER_UNKNOWN",
            Self::UserDisabled => "USER_DISABLED",
            Self::GenerationOld => "GENERATION_OLD",
            Self::CookieDoubled => "COOKIE_DOUBLED",
            Self::CredentialsWrong => "CREDENTIALS_WRONG",
            Self::RepositoryUnavailable => "REPOSITORY_UNAVAILABLE",
        }
    }

    /// Every reason, for counters and references.
    pub const ALL: [Self; 18] = [
        Self::TokenMissing,
        Self::TokenMalformed,
        Self::KeyUnknown,
        Self::KeyRevoked,
        Self::MacInvalid,
        Self::ClaimsInvalid,
        Self::IssuerForeign,
        Self::ZoneForeign,
        Self::FromTheFuture,
        Self::Expired,
        Self::SessionEnded,
        Self::SessionForgotten,
        Self::UserUnknown,
        Self::UserDisabled,
        Self::GenerationOld,
        Self::CookieDoubled,
        Self::CredentialsWrong,
        Self::RepositoryUnavailable,
    ];
}

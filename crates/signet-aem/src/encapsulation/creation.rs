//! Login handlers that create users: the note of Adobe's page on encapsulated tokens.

use std::fmt;

use crate::console::{Console, ConsoleError, quoted};

/// Creates users when they log in, unless it is told not to.
const SAML: &str = "com.adobe.granite.auth.saml.SamlAuthenticationHandler";
/// Creates users when they log in, if it is told to.
const OAUTH: &str = "com.adobe.granite.auth.oauth.provider";
/// Fetches users from Adobe's identity service, if it is told to.
const BEARER: &str = "com.adobe.granite.auth.oauth.impl.BearerAuthenticationHandler";

pub(crate) const CODE: &str = "USERS_CREATED_AT_LOGIN";
pub(crate) const EFFECT: &str = "a user who was created a moment ago on one instance is not yet on the others: there the token is good, and the request fails";

/// A handler that creates users when they log in.
#[derive(Debug)]
pub(crate) struct Creator {
    what: &'static str,
    /// What tells it to.
    pub(crate) property: &'static str,
    pid: String,
}

impl Creator {
    fn new(what: &'static str, property: &'static str, pid: &str) -> Self {
        Self {
            what,
            property,
            pid: quoted(pid),
        }
    }
}

impl fmt::Display for Creator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} of {})", self.what, self.property, self.pid)
    }
}

/// All of an instance.
pub(crate) async fn creators(console: &Console) -> Result<Vec<Creator>, ConsoleError> {
    let mut found = Vec::new();
    for saml in console.configurations_of(SAML).await? {
        // Without the property it does.
        if saml.flag("createUser") != Some(false) {
            let what = "a SAML handler creates users";
            found.push(Creator::new(what, "createUser", saml.pid()));
        }
    }
    for oauth in console.configurations_of(OAUTH).await? {
        if oauth.flag("oauth.create.users") == Some(true) {
            let what = "an OAuth provider creates users";
            found.push(Creator::new(what, "oauth.create.users", oauth.pid()));
        }
    }
    let bearer = console.configuration(BEARER).await?;
    if bearer.flag("auth.bearer.sync.ims") == Some(true) {
        let what = "bearer tokens bring users along";
        found.push(Creator::new(what, "auth.bearer.sync.ims", BEARER));
    }
    Ok(found)
}

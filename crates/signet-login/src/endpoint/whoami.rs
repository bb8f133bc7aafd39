//! Who is asking, as JSON.

use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use signet_core::Profile;

use super::{Answer, Endpoint, Route, method_not_allowed};
use crate::exchange::{Request, Response, json, text};
use crate::site::Site;
use crate::tokens::{Recognised, Renewal};

/// Tells who is asking.
pub(super) struct Whoami;

impl Endpoint for Whoami {
    fn routes(&self) -> &'static [Route] {
        &[Route {
            method: "GET",
            path: "/whoami",
            summary: "JSON about the user, the session and the instance that answered, or 401",
        }]
    }

    fn answer<'a>(&'a self, site: &'a Site, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            if !matches!(request.method, Method::GET | Method::HEAD) {
                return method_not_allowed("GET, HEAD");
            }
            whoami(site, request).await
        })
    }
}

async fn whoami(site: &Site, request: &Request) -> Response {
    let renewal = if request.is_page_load() {
        Renewal::IfDue
    } else {
        Renewal::Never
    };
    let take = |found: Recognised<'_>| {
        let mut response = json(StatusCode::OK, &describe(&found));
        if let Some(cookie) = found.cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    };
    let told = site.tokens.recognise(&request.headers, renewal, take).await;
    told.unwrap_or_else(|_| text(StatusCode::UNAUTHORIZED, ""))
}

fn describe(found: &Recognised<'_>) -> Value {
    let claims = &found.session.claims;
    let (token, key) = match found.session.profile {
        Profile::Encapsulated { format, key } => (format.as_str(), Some(key.to_string())),
        Profile::Repository => ("repository", None),
        Profile::Basic => ("basic", None),
    };
    json!({
        "user": claims.subject,
        "name": claims.name,
        "email": claims.email,
        "groups": found.session.groups.to_vec(),
        "token": token,
        "kid": key,
        "authenticated_at": claims.auth_time.0,
        "methods": claims.methods.to_vec(),
        "expires_at": claims.expires_at.0,
        "session_ends_at": claims.session_end.0,
        "instance": found.settings.instance,
    })
}

//! Renewal for scripts that live longer than a token.

use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Answer, Endpoint, Route, method_not_allowed};
use crate::exchange::{Request, Response, json, text};
use crate::origin::{Sender, sender};
use crate::site::Site;
use crate::tokens::{Recognised, Renewal};

/// Renews the token of the request.
pub(super) struct Renew;

impl Endpoint for Renew {
    fn routes(&self) -> &'static [Route] {
        &[Route {
            method: "POST",
            path: "/renew",
            summary: "renews the token if that is due; 200 with the times of the session, or 401",
        }]
    }

    fn answer<'a>(&'a self, site: &'a Site, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            if request.method != Method::POST {
                return method_not_allowed("POST");
            }
            renew(site, request).await
        })
    }
}

async fn renew(site: &Site, request: &Request) -> Response {
    let sender = sender(
        &request.headers,
        &site.snapshots.settings.load().own_origins,
    );
    if sender == Sender::ForeignPage {
        return text(StatusCode::FORBIDDEN, "");
    }
    let take = |found: Recognised<'_>| {
        let claims = &found.session.claims;
        let renewed = found.cookie.is_some();
        let expires = if renewed {
            found.settings.policy.expiry(found.now, claims.session_end)
        } else {
            claims.expires_at
        };
        let mut response = json(
            StatusCode::OK,
            &json!({ "renewed": renewed, "expires_at": expires.0, "session_ends_at": claims.session_end.0 }),
        );
        if let Some(cookie) = found.cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    };
    let renewed = site
        .tokens
        .recognise(&request.headers, Renewal::IfDue, take)
        .await;
    renewed.unwrap_or_else(|_| text(StatusCode::UNAUTHORIZED, ""))
}

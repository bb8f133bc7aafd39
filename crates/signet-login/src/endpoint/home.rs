//! The page at `/`: who you are, which instance answered, and how the verdict was reached.

use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use jiff::Timestamp;
use signet_core::{Format, Profile, Session, UnixSeconds};

use super::{Answer, Endpoint, Route, method_not_allowed};
use crate::exchange::{Request, Response, html, see_other, text};
use crate::page::{SessionPage, Step, StepLabel, TokenKind};
use crate::site::Site;
use crate::tokens::{Recognised, Renewal};

/// Shows the session.
pub(super) struct Home;

impl Endpoint for Home {
    fn routes(&self) -> &'static [Route] {
        &[Route {
            method: "GET",
            path: "/",
            summary: "a page about the session and the instance that answered, or a redirect to `/login`",
        }]
    }

    fn answer<'a>(&'a self, site: &'a Site, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            if !matches!(request.method, Method::GET | Method::HEAD) {
                return method_not_allowed("GET, HEAD");
            }
            home(site, request).await
        })
    }
}

async fn home(site: &Site, request: &Request) -> Response {
    let page_load = request.is_page_load();
    let renewal = if page_load {
        Renewal::IfDue
    } else {
        Renewal::Never
    };
    let take = |found: Recognised<'_>| {
        let mut response = html(StatusCode::OK, page(request, &found), found.settings);
        if let Some(cookie) = found.cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    };
    match site.tokens.recognise(&request.headers, renewal, take).await {
        Ok(response) => response,
        Err(_) if page_load => see_other("/login"),
        Err(_) => text(StatusCode::UNAUTHORIZED, ""),
    }
}

fn page(request: &Request, found: &Recognised<'_>) -> String {
    let claims = &found.session.claims;
    let groups = found.session.groups.to_vec();
    SessionPage {
        language: request.language(),
        site: found.settings.site(),
        id: &claims.subject,
        name: claims.name.as_deref().unwrap_or_default(),
        mail: claims.email.as_deref().unwrap_or_default(),
        groups: groups.iter().map(String::as_str).collect(),
        answered_by: &found.settings.instance,
        steps: steps(found.session),
        kind: match found.session.profile {
            Profile::Encapsulated {
                format: Format::Sealed,
                ..
            } => TokenKind::Sealed,
            Profile::Encapsulated {
                format: Format::Signed,
                ..
            } => TokenKind::Signed,
            Profile::Repository | Profile::Basic => TokenKind::Repository,
        },
        signed_in_at: &iso_8601(claims.auth_time),
        token_valid_until: &iso_8601(claims.expires_at),
        session_ends_at: &iso_8601(claims.session_end),
    }
    .render()
}

/// The checks in the order they were made; all of them passed, or there would be no session.
fn steps(session: &Session<'_>) -> Vec<Step> {
    let claims = &session.claims;
    let step = |label, detail: String| Step {
        label,
        detail,
        ok: true,
    };
    let proof = match session.profile {
        Profile::Encapsulated { key, .. } => step(StepLabel::Mac, key.to_string()),
        Profile::Repository | Profile::Basic => step(StepLabel::Stored, String::new()),
    };
    let user = match &session.groups {
        signet_core::Groups::Indexed(_) => StepLabel::User,
        signet_core::Groups::Carried(_) => StepLabel::OutsideUser,
    };
    vec![
        proof,
        step(StepLabel::Origin, claims.audience.to_string()),
        step(StepLabel::Time, iso_8601(claims.expires_at)),
        step(StepLabel::Marks, String::new()),
        step(user, claims.subject.to_string()),
        step(StepLabel::Generation, format!("gen {}", claims.generation)),
    ]
}

fn iso_8601(time: UnixSeconds) -> String {
    let seconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

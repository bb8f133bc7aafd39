//! Logging out: GET asks, POST ends the session.

use http::header::SET_COOKIE;
use http::{HeaderMap, Method, StatusCode};
use signet_core::Denied;
use signet_repository::MarkReason;

use super::{Answer, Endpoint, Route, message, method_not_allowed};
use crate::exchange::{Request, Response, html, see_other};
use crate::form_token;
use crate::origin::{Sender, sender};
use crate::page::{LogoutNotice, LogoutPage, Message};
use crate::redirect;
use crate::site::Site;
use crate::tokens::{EndedSession, Recognised, Renewal};

const FORM: &str = "logout";
const AFTERWARDS: &str = "/login?notice=signed-out";

/// Ends a session.
pub(super) struct Logout;

/// What the page needs of the session it is about.
struct Visitor {
    id: String,
    name: String,
    session: signet_core::SessionId,
    to_end: EndedSession,
}

impl Endpoint for Logout {
    fn routes(&self) -> &'static [Route] {
        &[
            Route {
                method: "GET",
                path: "/logout",
                summary: "asks whether to end the session",
            },
            Route {
                method: "POST",
                path: "/logout",
                summary: "ends the session, with the form fields `csrf` and `rd`; 303",
            },
        ]
    }

    fn answer<'a>(&'a self, site: &'a Site, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            match request.method {
                Method::GET | Method::HEAD => ask(site, request).await,
                Method::POST => end(site, request).await,
                _ => method_not_allowed("GET, HEAD, POST"),
            }
        })
    }
}

async fn ask(site: &Site, request: &Request) -> Response {
    let rd = request.query("rd").unwrap_or_default();
    match visitor(site, &request.headers).await {
        Ok(visitor) => show(
            site,
            request,
            StatusCode::OK,
            &visitor,
            &rd,
            LogoutNotice::None,
        ),
        Err(Denied::RepositoryUnavailable) => unavailable(site, request),
        Err(_) => forget(site, request, see_other(AFTERWARDS)),
    }
}

async fn end(site: &Site, request: &Request) -> Response {
    let Some(form) = request.form() else {
        return message(site, request, StatusCode::BAD_REQUEST, Message::BadRequest);
    };
    let rd = form.field("rd").unwrap_or_default();
    let target = redirect::target(&rd, &site.snapshots.settings.load());
    let target = target.unwrap_or_else(|| AFTERWARDS.to_owned());
    let visitor = match visitor(site, &request.headers).await {
        Ok(visitor) => visitor,
        Err(Denied::RepositoryUnavailable) => return unavailable(site, request),
        // Without a session there is nothing to end, but a form of another site arrives without the cookies of one:
        // the answer must not make the browser forget what it did not send.
        Err(_) if is_foreign(site, request) => {
            return message(site, request, StatusCode::FORBIDDEN, Message::Forbidden);
        }
        Err(_) => return forget(site, request, see_other(&target)),
    };
    let csrf = form.field("csrf").unwrap_or_default();
    if !is_meant(site, request, &visitor, &csrf) {
        let notice = LogoutNotice::FormExpired;
        return show(site, request, StatusCode::FORBIDDEN, &visitor, &rd, notice);
    }
    if let Err(error) = site.tokens.end(&visitor.to_end, MarkReason::Logout).await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(
            code = "LOGOUT_FAILED",
            error,
            "a session could not be ended"
        );
        let notice = LogoutNotice::Unavailable;
        return show(
            site,
            request,
            StatusCode::SERVICE_UNAVAILABLE,
            &visitor,
            &rd,
            notice,
        );
    }
    forget(site, request, see_other(&target))
}

/// Another site must not be able to log people out (L1).
fn is_meant(site: &Site, request: &Request, visitor: &Visitor, csrf: &str) -> bool {
    let settings = site.snapshots.settings.load();
    let keys = site.snapshots.keys.load();
    let now = site.snapshots.clock.now();
    let skew = settings.policy.skew;
    !is_foreign(site, request)
        && form_token::is_good(&keys, FORM, &visitor.session.0, csrf, now, skew)
}

fn is_foreign(site: &Site, request: &Request) -> bool {
    let settings = site.snapshots.settings.load();
    sender(&request.headers, &settings.own_origins) == Sender::ForeignPage
}

async fn visitor(site: &Site, headers: &HeaderMap) -> Result<Visitor, Denied> {
    let take = |found: Recognised<'_>| Visitor {
        id: found.session.claims.subject.to_string(),
        name: found
            .session
            .claims
            .name
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
        session: found.session.claims.session,
        to_end: site.tokens.to_end(found.session),
    };
    site.tokens.recognise(headers, Renewal::Never, take).await
}

fn show(
    site: &Site,
    request: &Request,
    status: StatusCode,
    visitor: &Visitor,
    rd: &str,
    notice: LogoutNotice,
) -> Response {
    let settings = site.snapshots.settings.load();
    let now = site.snapshots.clock.now();
    let csrf = form_token::issue(&site.snapshots.keys.load(), FORM, &visitor.session.0, now);
    let Some(csrf) = csrf else {
        return unavailable(site, request);
    };
    let rd = redirect::target(rd, &settings).unwrap_or_default();
    let page = LogoutPage {
        language: request.language(),
        site: settings.site(),
        notice,
        id: &visitor.id,
        name: &visitor.name,
        rd: &rd,
        cancel: if rd.is_empty() { "/" } else { &rd },
        csrf: &csrf,
    };
    html(status, page.render(), &settings)
}

/// Whether there is a session nobody can say, so nobody may say that it has ended.
fn unavailable(site: &Site, request: &Request) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    message(site, request, status, Message::Unavailable)
}

/// Makes the browser forget the token that it showed.
fn forget(site: &Site, request: &Request, mut response: Response) -> Response {
    if site.tokens.is_shown(&request.headers)
        && let Some(cookie) = site.tokens.forget()
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

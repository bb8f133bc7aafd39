//! Logging in with a form: `/login`, and `/j_security_check` for AEM's habits.

mod fields;
mod outcome;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use signet_audit::Action;
use signet_core::base64url;
use signet_repository::{Account, MarkReason, Marked, Password, PasswordHash};

use fields::Fields;
use outcome::{Failure, Shown};

use super::{Answer, Endpoint, Route, message, method_not_allowed};
use crate::exchange::{Request, Response, empty, html, see_other};
use crate::form_token::{self, FORM_LIFE};
use crate::origin::{Sender, sender};
use crate::page::{LoginNotice, LoginPage, Message, NewPasswordNotice, NewPasswordPage};
use crate::record::{NotChanged, OwnChange};
use crate::redirect;
use crate::settings::Settings;
use crate::site::Site;
use crate::tokens::{Login, Renewal};

/// The name of the form in its token.
const FORM: &str = "login";
/// A password that its owner changed.
const CHANGED: Action = Action::literal("user.passwd");
const AEM_PATH: &str = "/j_security_check";

/// Logs in with user id and password.
pub(super) struct FormLogin;

impl Endpoint for FormLogin {
    fn routes(&self) -> &'static [Route] {
        &[
            Route {
                method: "GET",
                path: "/login",
                summary: "the login page; `rd` says where the login leads",
            },
            Route {
                method: "POST",
                path: "/login",
                summary: "logs in with the form fields `username`, `password`, `rd` and `csrf`; 303 with the session cookie",
            },
            Route {
                method: "POST",
                path: AEM_PATH,
                summary: "the same with `j_username`, `j_password`, `resource`; with `j_validate=true` 200 or 403 instead of a redirect",
            },
        ]
    }

    fn answer<'a>(&'a self, site: &'a Site, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            let is_aem = request.uri.path() == AEM_PATH;
            match request.method {
                Method::GET | Method::HEAD if !is_aem => ask(site, request),
                Method::POST => submit(site, request, is_aem).await,
                _ if is_aem => method_not_allowed("POST"),
                _ => method_not_allowed("GET, HEAD, POST"),
            }
        })
    }
}

/// Shows the form.
fn ask(site: &Site, request: &Request) -> Response {
    let notice = match request.query("notice").as_deref() {
        Some("signed-out") => LoginNotice::SignedOut,
        Some("session-ended") => LoginNotice::SessionEnded,
        _ => LoginNotice::None,
    };
    let rd = request.query("rd").unwrap_or_default();
    show(site, request, StatusCode::OK, &rd, "", Shown::Login(notice))
}

/// Takes the form.
async fn submit(site: &Site, request: &Request, is_aem: bool) -> Response {
    let Some(fields) = request.form().map(|form| Fields::read(form, is_aem)) else {
        return message(site, request, StatusCode::BAD_REQUEST, Message::BadRequest);
    };
    match log_in(site, request, &fields, is_aem).await {
        Ok(cookie) if fields.validate => with_cookie(site, empty(StatusCode::OK), cookie),
        Ok(cookie) => {
            let target = redirect::target(&fields.rd, &site.snapshots.settings.load());
            with_cookie(site, see_other(target.as_deref().unwrap_or("/")), cookie)
        }
        Err(failure) if fields.validate => empty(failure.status_for_programs()),
        Err(failure) => {
            let mut response = show(
                site,
                request,
                failure.status(),
                &fields.rd,
                &fields.username,
                failure.shown(),
            );
            if let Some(wait) = failure.wait() {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(wait.0));
            }
            response
        }
    }
}

async fn log_in(
    site: &Site,
    request: &Request,
    fields: &Fields,
    is_aem: bool,
) -> Result<HeaderValue, Failure> {
    let settings = site.snapshots.settings.load_full();
    check_sender(site, request, fields, is_aem, &settings)?;
    let password = fields.password.clone();
    let checked = site
        .credentials
        .check(&fields.username, password, request.client)
        .await;
    let account =
        checked.map_err(|error| Failure::credentials(error, fields.new_password.is_some()))?;
    let mut account = if account.must_change() {
        replace_password(site, request, account, fields, &settings).await?
    } else {
        account
    };
    end_former_session(site, request, &mut account).await;
    // Who was added or changed by somebody else a moment ago must be known here when the token is shown.
    let caught_up = site.follower.catch_up().await;
    caught_up.map_err(|error| Failure::repository(&error))?;
    let login = Login {
        account,
        methods: vec!["pwd"],
    };
    let begun = site.tokens.begin(&login).await;
    begun.map_err(|error| Failure::begin(&error))
}

/// The form must have been shown by the farm to this browser, and be sent from our own page (L1).
///
/// `/j_security_check` is used by programs, which have seen no form: without any sign of a browser they are let through,
/// because no other site can make a browser send such a request.
fn check_sender(
    site: &Site,
    request: &Request,
    fields: &Fields,
    is_aem: bool,
    settings: &Settings,
) -> Result<(), Failure> {
    let sender = sender(&request.headers, &settings.own_origins);
    if sender == Sender::ForeignPage {
        return Err(Failure::ForeignPage);
    }
    if is_aem {
        return Ok(());
    }
    let binding = form_token::browser_binding(&request.headers, &settings.cookies);
    let good = binding.is_some_and(|binding| {
        let keys = site.snapshots.keys.load();
        let now = site.snapshots.clock.now();
        let skew = settings.policy.skew;
        form_token::is_good(&keys, FORM, binding.as_bytes(), &fields.csrf, now, skew)
    });
    good.then_some(()).ok_or(Failure::FormExpired)
}

/// A one-time password is good for choosing a lasting one, and for nothing else.
async fn replace_password(
    site: &Site,
    request: &Request,
    account: Account,
    fields: &Fields,
    settings: &Settings,
) -> Result<Account, Failure> {
    let refuse = |notice| Failure::NewPassword(notice);
    let new = fields
        .new_password
        .as_ref()
        .ok_or(refuse(NewPasswordNotice::FirstTime))?;
    let chosen = new.expose_secret();
    if chosen.chars().count() < settings.password_least {
        return Err(refuse(NewPasswordNotice::TooShort));
    }
    if chosen != fields.new_password_again.expose_secret() {
        return Err(refuse(NewPasswordNotice::RepeatedDifferently));
    }
    if chosen == fields.password.expose_secret() {
        return Err(refuse(NewPasswordNotice::SameAsOld));
    }
    let hash = site
        .credentials
        .passwords()
        .hash(SecretString::from(chosen))
        .await;
    let hash = hash
        .map_err(|_| Failure::Unavailable)?
        .parse::<PasswordHash>();
    let password = Password::lasting(hash.map_err(|_| Failure::Unavailable)?);
    let now = site.snapshots.clock.now();
    let (repository, subject) = (site.repository.clone(), account.record.subject);
    let own = OwnChange {
        subject: subject.clone(),
        client: request.client,
        action: CHANGED,
        command: "user passwd",
    };
    let change = async move {
        let password = Some(password);
        repository.set_password(&subject, password, now).await
    };
    let account = site
        .change_own(own, change)
        .await
        .map_err(|error| match error {
            NotChanged::Unrecorded => Failure::Unavailable,
            NotChanged::Failed(error) => Failure::repository(&error),
        })?;
    // Disabled since the one-time password was compared: no session may wait for the day that is undone.
    if !account.record.enabled {
        return Err(Failure::Wrong);
    }
    Ok(account)
}

/// Whoever logs in leaves the session they had before: it must not live on in a stolen cookie (S1).
async fn end_former_session(site: &Site, request: &Request, account: &mut Account) {
    let former = site
        .tokens
        .recognise(&request.headers, Renewal::Never, |found| {
            site.tokens.to_end(found.session)
        })
        .await;
    let Ok(former) = former else { return };
    match site.tokens.end(&former, MarkReason::Replaced).await {
        // It was one mark too many, and ended all sessions; the one that begins now is not among them. A step of the
        // generation that somebody else took meanwhile ends this one, too.
        Ok(Marked::Raised(generation))
            if former.subject() == Some(&account.record.subject)
                && generation == account.record.generation.next() =>
        {
            account.record.generation = generation;
        }
        Ok(_) => {}
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                code = "FORMER_SESSION_LIVES",
                error,
                "the former session could not be ended"
            );
        }
    }
}

fn with_cookie(site: &Site, mut response: Response, cookie: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.append(http::header::SET_COOKIE, cookie);
    if let Some(forget) = site.snapshots.settings.load().cookies.forget_form() {
        headers.append(http::header::SET_COOKIE, forget);
    }
    response
}

/// The login page, or the one that asks for a new password, tied to this browser.
fn show(
    site: &Site,
    request: &Request,
    status: StatusCode,
    rd: &str,
    username: &str,
    shown: Shown,
) -> Response {
    let settings = site.snapshots.settings.load();
    let now = site.snapshots.clock.now();
    let binding =
        form_token::browser_binding(&request.headers, &settings.cookies).or_else(new_binding);
    let csrf = binding.as_deref().and_then(|binding| {
        form_token::issue(&site.snapshots.keys.load(), FORM, binding.as_bytes(), now)
    });
    let (Some(binding), Some(csrf)) = (binding, csrf) else {
        return message(
            site,
            request,
            StatusCode::SERVICE_UNAVAILABLE,
            Message::Unavailable,
        );
    };
    // What leads elsewhere is dropped here already, so that the page never carries it on.
    let rd = redirect::target(rd, &settings).unwrap_or_default();
    let language = request.language();
    let page = match shown {
        Shown::Login(notice) => LoginPage {
            language,
            site: settings.site(),
            notice,
            username,
            rd: &rd,
            csrf: &csrf,
        }
        .render(),
        Shown::NewPassword(notice) => NewPasswordPage {
            language,
            site: settings.site(),
            notice,
            username,
            min_length: settings.password_least,
            rd: &rd,
            csrf: &csrf,
        }
        .render(),
    };
    let mut response = html(status, page, &settings);
    if let Some(cookie) = settings.cookies.form(&binding, FORM_LIFE) {
        response
            .headers_mut()
            .append(http::header::SET_COOKIE, cookie);
    }
    response
}

fn new_binding() -> Option<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(base64url::encode(&bits))
}

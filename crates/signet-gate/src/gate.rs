//! The gate: one verdict for each question of a proxy.

mod layer;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use signet_login::exchange::{empty, forbid_storing, is_page_load};
use signet_login::{BasicMode, Recognised, Renewal, Site, redirect};

pub use layer::{GateLayer, GateService};

use crate::forwarded::{self, ForwardedError, Original};
use crate::identity;
use crate::path::{CanonicalPath, PathPattern};
use crate::proxies::TrustedProxies;
use crate::rule::{AccessRules, Forbidden};

/// Where nginx's `auth_request` and Envoy's `ext_authz` ask; anything below it too.
pub const REQUEST_PATH: &str = "/auth/request";
/// Where Traefik's `ForwardAuth` and Caddy's `forward_auth` ask.
pub const FORWARD_PATH: &str = "/auth/forward";

/// What the gate is told: one immutable set of values, exchanged whole when the configuration changes.
#[derive(Clone, Debug, Default)]
pub struct GateSettings {
    /// The proxies whose word about the original request counts.
    pub trusted_proxies: TrustedProxies,
    /// Paths that do not renew the token.
    pub no_renew: Vec<PathPattern>,
    /// Which groups a path is for.
    pub rules: AccessRules,
}

/// An answer without a body.
pub type Verdict = http::Response<Bytes>;

/// Gives verdicts over the sessions of a site.
#[derive(Debug)]
pub struct Gate {
    site: Arc<Site>,
    settings: ArcSwap<GateSettings>,
    warned: AtomicBool,
}

/// Which proxy asks: they differ in how they want to be told that there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    /// 200, 401 or 403, never a redirect.
    Request,
    /// 302 to the login for page loads.
    Forward,
}

/// Why nobody passes.
#[derive(Clone, Copy)]
enum Refusal {
    NoSession,
    Forbidden(Forbidden),
}

impl Gate {
    /// A gate before the sessions of `site`.
    #[must_use]
    pub fn new(site: Arc<Site>, settings: GateSettings) -> Self {
        Self {
            site,
            settings: ArcSwap::from_pointee(settings),
            warned: AtomicBool::new(false),
        }
    }

    /// Exchanges the settings.
    pub fn configure(&self, settings: GateSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// The address of the client, as far as trusted proxies told it.
    #[must_use]
    pub fn client_address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        self.warn_of_unknown_proxy(headers, peer);
        forwarded::client_address(headers, peer, &self.settings.load().trusted_proxies)
    }

    /// Behind a proxy that is not named, all clients look like one, and share its failures. Said once.
    fn warn_of_unknown_proxy(&self, headers: &HeaderMap, peer: IpAddr) {
        let claims = headers.contains_key("x-forwarded-for");
        if claims
            && peer.is_loopback()
            && !self.settings.load().trusted_proxies.contains(peer)
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                code = "FORWARDED_IGNORED",
                peer = %peer,
                hint = "if a proxy runs there, name it in listen.trusted_proxies; until then all its clients count as one",
                "X-Forwarded-For of a peer that is no trusted proxy is ignored"
            );
        }
    }

    /// Whether a request for `target` may renew the token it shows.
    #[must_use]
    pub fn may_renew(&self, target: &str) -> bool {
        may_renew(&self.settings.load(), Some(target))
    }

    /// The verdict, if `uri` is one of the paths where proxies ask; `None` otherwise.
    ///
    /// 200 means that a user was recognised and may ask for the path, and nothing else ever means that (P7).
    pub async fn verdict(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> Option<Verdict> {
        let path = uri.path();
        if let Some(below) = path.strip_prefix(REQUEST_PATH)
            && (below.is_empty() || below.starts_with('/'))
        {
            return Some(self.request(method, uri, headers, peer).await);
        }
        if path == FORWARD_PATH {
            return Some(self.forward(headers, peer).await);
        }
        None
    }

    async fn request(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> Verdict {
        let settings = self.settings.load();
        let original = forwarded::original(headers, peer, &settings.trusted_proxies)
            .and_then(|original| with_appended(original, method, uri, peer, &settings));
        let Ok(original) = original.inspect_err(log_malformed) else {
            return empty(StatusCode::FORBIDDEN);
        };
        drop(settings);
        self.judge(&original, headers, peer, Flavour::Request).await
    }

    async fn forward(&self, headers: &HeaderMap, peer: IpAddr) -> Verdict {
        let settings = self.settings.load();
        let original = forwarded::original(headers, peer, &settings.trusted_proxies);
        let Ok(original) = original.inspect_err(log_malformed) else {
            return empty(StatusCode::FORBIDDEN);
        };
        drop(settings);
        self.judge(&original, headers, peer, Flavour::Forward).await
    }

    async fn judge(
        &self,
        original: &Original,
        headers: &HeaderMap,
        peer: IpAddr,
        flavour: Flavour,
    ) -> Verdict {
        let method = original.method.as_ref().unwrap_or(&Method::GET);
        let page_load = is_page_load(method, headers);
        match self
            .pass(original.target.as_deref(), headers, peer, page_load)
            .await
        {
            Ok(verdict) => verdict,
            Err(refusal) => {
                let lead = flavour == Flavour::Forward && page_load;
                self.refuse(refusal, lead.then_some(original))
            }
        }
    }

    /// What becomes of a refusal. `lead` is where to come back to, if the browser is to be led to the login.
    fn refuse(&self, refusal: Refusal, lead: Option<&Original>) -> Verdict {
        match refusal {
            Refusal::Forbidden(reason) => {
                tracing::debug!(code = reason.code(), "access refused");
                empty(StatusCode::FORBIDDEN)
            }
            Refusal::NoSession => match lead {
                Some(original) => self.to_login(original),
                None => self.unauthorized(),
            },
        }
    }

    /// 401; with a challenge where user id and password in the request would do (RFC 9110, section 15.5.2; RFC 7617).
    fn unauthorized(&self) -> Verdict {
        let mut verdict = empty(StatusCode::UNAUTHORIZED);
        let settings = self.site.snapshots.settings.load();
        let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", settings.site());
        if settings.basic == BasicMode::On
            && let Ok(challenge) = HeaderValue::from_str(&challenge)
        {
            verdict.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        verdict
    }

    /// The positive verdict, or why there is none.
    async fn pass(
        &self,
        target: Option<&str>,
        headers: &HeaderMap,
        peer: IpAddr,
        page_load: bool,
    ) -> Result<Verdict, Refusal> {
        let settings = self.settings.load_full();
        let renewal = if page_load && may_renew(&settings, target) {
            Renewal::IfDue
        } else {
            Renewal::Never
        };
        let take = |found: Recognised<'_>| {
            settings
                .rules
                .check(target, &found.session.groups)
                .map(|()| positive(&found))
        };
        let judged = if self.site.basic.applies(headers) {
            let client = self.client_address(headers, peer);
            self.site.basic.recognise(headers, client, take).await
        } else {
            self.site.tokens.recognise(headers, renewal, take).await
        };
        judged
            .map_err(|_| Refusal::NoSession)?
            .map_err(Refusal::Forbidden)
    }

    /// Leads a browser to the login page, and from there back to where it wanted to go if that is one of our hosts.
    fn to_login(&self, original: &Original) -> Verdict {
        let settings = self.site.snapshots.settings.load();
        let asked = match (&original.scheme, &original.host, &original.target) {
            (Some(scheme), Some(host), Some(target)) => format!("{scheme}://{host}{target}"),
            (_, _, Some(target)) => target.clone(),
            _ => String::new(),
        };
        let mut login = settings.public_url.clone();
        login.set_path("/login");
        login.set_query(None);
        if let Some(rd) = redirect::target(&asked, &settings) {
            login.query_pairs_mut().append_pair("rd", &rd);
        }
        let mut verdict = empty(StatusCode::FOUND);
        if let Ok(location) = HeaderValue::from_str(login.as_str()) {
            verdict.headers_mut().insert(LOCATION, location);
        }
        verdict
    }
}

fn positive(found: &Recognised<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let headers = verdict.headers_mut();
    headers.reserve(8);
    forbid_storing(headers);
    identity::write(found.session, headers);
    if let Some(cookie) = &found.cookie {
        headers.append(SET_COOKIE, cookie.clone());
    }
    verdict
}

fn may_renew(settings: &GateSettings, target: Option<&str>) -> bool {
    if settings.no_renew.is_empty() {
        return true;
    }
    // A path that has no one reading is left alone: not renewing is never wrong.
    let path = target.and_then(|target| CanonicalPath::parse(target).ok());
    path.is_some_and(|path| {
        !settings
            .no_renew
            .iter()
            .any(|pattern| pattern.covers(&path))
    })
}

/// Envoy does not name the original path in a header but appends it, and keeps the method. It may pass on headers of the
/// client that say otherwise.
fn with_appended(
    mut original: Original,
    method: &Method,
    uri: &Uri,
    peer: IpAddr,
    settings: &GateSettings,
) -> Result<Original, ForwardedError> {
    if let Some(target) = appended(uri)
        && settings.trusted_proxies.contains(peer)
    {
        original.take_target(&target, "x-original-uri")?;
        original.method = original.method.or_else(|| Some(method.clone()));
    }
    Ok(original)
}

/// What stands below [`REQUEST_PATH`], with its query.
fn appended(uri: &Uri) -> Option<String> {
    let below = uri.path().strip_prefix(REQUEST_PATH)?;
    if !below.starts_with('/') {
        return None;
    }
    Some(match uri.query() {
        Some(query) => format!("{below}?{query}"),
        None => below.to_owned(),
    })
}

fn log_malformed(error: &ForwardedError) {
    tracing::warn!(
        code = "FORWARDED_MALFORMED",
        http.header = error.0,
        "a trusted proxy sent a malformed header"
    );
}

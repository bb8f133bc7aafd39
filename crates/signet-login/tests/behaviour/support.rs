//! An instance over a repository of its own, with a clock that is set by hand, and a browser that keeps cookies.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use signet_audit::{AuditLog, Entry};
use signet_core::{
    Clock, Format, IndexKey, Issuer, Key, KeyMaterial, KeyRing, KeyState, Marks, RingName, Seconds,
    Subject, TokenPolicy, UnixSeconds, UserIndex,
};
use signet_login::cookie::CookieScope;
use signet_login::exchange::{Request, Response};
use signet_login::{
    BasicMode, Follower, Settings, Site, Snapshots, ThrottleSettings, TokenMode, password,
};
use signet_repository::{
    IfMissing, NewUser, Password, PasswordHash, Repository, RepositoryOptions, RepositoryUrl,
};
use tempfile::TempDir;

pub const START: u64 = 1_800_000_000;
pub const OWN: &str = "https://www.example.com";
pub const TOKEN: &str = "__Host-login-token";
pub const FORM: &str = "__Host-login-form";
pub const PASSWORD: &str = "correct horse battery";
pub const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

static HASH: LazyLock<String> = LazyLock::new(|| password::hash(PASSWORD).unwrap());

/// The present, as the test says.
#[derive(Clone, Debug)]
pub struct Time(Arc<AtomicU64>);

impl Clock for Time {
    fn now(&self) -> UnixSeconds {
        UnixSeconds(self.0.load(Ordering::SeqCst))
    }
}

impl Time {
    pub fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

pub fn settings() -> Settings {
    Settings {
        policy: TokenPolicy {
            zone: "www.example.com".parse().unwrap(),
            format: Format::Sealed,
            inactivity: Seconds(1_800),
            renewal_interval: Seconds(300),
            max_session: Seconds(43_200),
            skew: Seconds(60),
        },
        mode: TokenMode::Encapsulated,
        public_url: OWN.parse().unwrap(),
        own_origins: vec![OWN.to_owned()],
        cookies: CookieScope::Host,
        redirect_hosts: vec!["www.example.com".to_owned(), "app.example.com".to_owned()],
        basic: BasicMode::Off,
        password_least: 8,
        throttle: ThrottleSettings::default(),
        instance: "publish-1".to_owned(),
    }
}

pub fn key(seed: u8) -> Key {
    let farm: Issuer = "farm".parse().unwrap();
    let material = KeyMaterial::new([seed; 32]);
    let mut key = Key::new(RingName::Hmac, farm, material, UnixSeconds(u64::from(seed)));
    key.state = KeyState::Active;
    key
}

pub struct Instance {
    pub site: Arc<Site>,
    pub repository: Repository,
    pub time: Time,
    _directory: TempDir,
}

impl Instance {
    /// A lone instance with the user `alice`.
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::at(settings, Time(Arc::new(AtomicU64::new(START)))).await
    }

    /// Another instance of the farm: the same keys, users and clock, a repository of its own.
    pub async fn neighbour(&self) -> Self {
        let mut settings = Settings::clone(&self.site.snapshots.settings.load());
        settings.instance = "publish-2".to_owned();
        Self::at(settings, self.time.clone()).await
    }

    async fn at(settings: Settings, time: Time) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = RepositoryUrl::sqlite(directory.path().join("repository.db"));
        let options = RepositoryOptions::new(url, IfMissing::Create);
        let repository = Repository::open(options).await.unwrap();
        let snapshots = Arc::new(Snapshots::new(
            settings,
            KeyRing::new(&[key(4)], []),
            UserIndex::new(IndexKey([1; 16])),
            Marks::default(),
            Arc::new(time.clone()),
        ));
        let follower = Follower::new(
            repository.clone(),
            Arc::clone(&snapshots),
            Default::default(),
        );
        let site = Site::new(snapshots, repository.clone(), Arc::new(follower), 2);
        let site = site.with_audit(AuditLog::at(&directory.path().join("audit.log")));
        let instance = Self {
            site: Arc::new(site),
            repository,
            time,
            _directory: directory,
        };
        instance.add("alice", |_| {}).await;
        instance
    }

    /// Adds a user with [`PASSWORD`], changed by `edit`.
    pub async fn add(&self, id: &str, edit: impl FnOnce(&mut NewUser)) {
        let mut user = NewUser::new(subject(id));
        user.password = Some(Password::lasting(HASH.parse().unwrap()));
        edit(&mut user);
        let added = self.repository.add_user(&user, self.time.now()).await;
        added.unwrap();
        self.follow().await;
    }

    /// What the instance does by itself every now and then.
    pub async fn follow(&self) {
        self.site.follower.catch_up().await.unwrap();
    }

    /// What the audit log says.
    pub fn audit(&self) -> Vec<Entry> {
        let entries = self.site.audit.as_ref().unwrap().entries().unwrap();
        entries.collect::<Result<_, _>>().unwrap()
    }

    pub fn configure(&self, edit: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::clone(&self.site.snapshots.settings.load());
        edit(&mut settings);
        self.site.snapshots.settings.store(Arc::new(settings));
    }

    pub fn set_keys(&self, keys: &[Key]) {
        let ring = KeyRing::new(keys, []);
        self.site.snapshots.keys.store(Arc::new(ring));
    }

    pub fn browser(&self) -> Browser {
        Browser {
            site: Arc::clone(&self.site),
            cookies: BTreeMap::new(),
            address: [192, 0, 2, 1].into(),
        }
    }
}

pub fn subject(id: &str) -> Subject {
    id.parse().unwrap()
}

pub fn one_time() -> Password {
    Password::one_time(HASH.parse().unwrap())
}

pub fn lasting(password: &str) -> Password {
    let hash: PasswordHash = password::hash(password).unwrap().parse().unwrap();
    Password::lasting(hash)
}

/// A browser of today: keeps cookies, says where its requests come from.
#[derive(Clone)]
pub struct Browser {
    pub site: Arc<Site>,
    pub cookies: BTreeMap<String, String>,
    pub address: IpAddr,
}

impl Browser {
    pub fn moves_to(&mut self, instance: &Instance) {
        self.site = Arc::clone(&instance.site);
    }

    /// The headers of a navigation that began on our own site.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = headers(&[
            ("accept", HTML),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "same-origin"),
        ]);
        if !self.cookies.is_empty() {
            headers.insert(COOKIE, self.cookie_header().parse().unwrap());
        }
        headers
    }

    pub fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    pub async fn get(&mut self, uri: &str) -> Response {
        let headers = self.headers();
        self.send(Method::GET, uri, headers, Vec::new()).await
    }

    /// What a script of the site asks for.
    pub async fn fetch(&mut self, uri: &str) -> Response {
        let mut headers = self.headers();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert("sec-fetch-dest", HeaderValue::from_static("empty"));
        self.send(Method::GET, uri, headers, Vec::new()).await
    }

    /// Sends a form from a page of our own site.
    pub async fn post(&mut self, uri: &str, fields: &[(&str, &str)]) -> Response {
        let mut headers = self.headers();
        headers.insert(ORIGIN, HeaderValue::from_static(OWN));
        self.post_with(uri, fields, headers).await
    }

    pub async fn post_with(
        &mut self,
        uri: &str,
        fields: &[(&str, &str)],
        mut headers: HeaderMap,
    ) -> Response {
        let kind = "application/x-www-form-urlencoded";
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(kind));
        self.send(Method::POST, uri, headers, encode(fields)).await
    }

    /// Sends exactly this, and keeps the cookies of the answer.
    pub async fn send(
        &mut self,
        method: Method,
        uri: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Response {
        let request = Request {
            method,
            uri: uri.parse().unwrap(),
            headers,
            client: self.address,
            body: body.into(),
        };
        let response = self.site.answer(&request).await;
        check_caching(uri, &response);
        self.keep_cookies(&response);
        response
    }

    pub fn keep_cookies(&mut self, response: &http::Response<bytes::Bytes>) {
        for cookie in set_cookies(response) {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The hidden field of the form at `uri`.
    pub async fn csrf(&mut self, uri: &str) -> String {
        let response = self.get(uri).await;
        hidden(&response, "csrf").unwrap()
    }

    pub async fn log_in(&mut self, id: &str, password: &str) -> Response {
        let csrf = self.csrf("/login").await;
        let fields = [("username", id), ("password", password), ("csrf", &csrf)];
        self.post("/login", &fields).await
    }

    /// Logs `alice` in, who must succeed.
    pub async fn logs_in(&mut self) {
        let response = self.log_in("alice", PASSWORD).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert!(self.token().is_some());
    }

    pub async fn log_out(&mut self) -> Response {
        let csrf = self.csrf("/logout").await;
        self.post("/logout", &[("csrf", &csrf)]).await
    }

    pub fn token(&self) -> Option<&str> {
        self.cookies.get(TOKEN).map(String::as_str)
    }

    /// What `/whoami` says, without renewing.
    pub async fn whoami(&mut self) -> StatusCode {
        self.fetch("/whoami").await.status()
    }
}

/// Whatever carries a cookie or depends on one is kept by no cache (P6).
fn check_caching(uri: &str, response: &Response) {
    if uri.starts_with("/login/") {
        assert!(set_cookies(response).is_empty());
        return;
    }
    assert_eq!(header(response, "cache-control"), "no-store", "{uri}");
    assert!(header(response, "vary").contains("Cookie"), "{uri}");
}

pub fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

pub fn encode(fields: &[(&str, &str)]) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
        .into_bytes()
}

pub fn text(response: &Response) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

pub fn json(response: &Response) -> serde_json::Value {
    serde_json::from_slice(response.body()).unwrap()
}

pub fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

pub fn location(response: &Response) -> &str {
    header(response, LOCATION.as_str())
}

pub fn set_cookies(response: &Response) -> Vec<&str> {
    let all = response.headers().get_all(SET_COOKIE).iter();
    all.map(|value| value.to_str().unwrap()).collect()
}

/// The value of a hidden field on a page.
pub fn hidden(response: &Response, name: &str) -> Option<String> {
    let page = text(response);
    let field = format!(r#"<input type="hidden" name="{name}" value=""#);
    let (_, rest) = page.split_once(&field)?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

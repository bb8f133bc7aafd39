//! An administrator's requests to a Sling.

use data_encoding::BASE64;
use serde_json::Value;

use crate::stage::http::{Answer, Request};

/// A field of a form with files: its name, the name of the file if it is one, the bytes.
pub(super) type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// A form with files (RFC 7578).
pub(super) fn upload(target: &str, parts: &[Part<'_>]) -> Request {
    const BOUNDARY: &str = "c2lnbmV0LWFlbS1zdGFnZQ";
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file
            .map(|file| format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream"));
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{}\r\n\r\n",
            file.unwrap_or_default()
        );
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let post = Request::new("POST", target).header("Content-Type", &kind);
    post.body(&body)
}

/// Sends requests with a name and a password.
#[derive(Debug)]
pub(super) struct Client {
    port: u16,
    authorization: String,
}

impl Client {
    pub(super) fn new(port: u16, user: &str, password: &str) -> Self {
        let pair = BASE64.encode(format!("{user}:{password}").as_bytes());
        Self {
            port,
            authorization: format!("Basic {pair}"),
        }
    }

    /// What it answers, if anything listens.
    pub(super) fn try_send(&self, request: Request) -> Option<Answer> {
        let request = request.header("Authorization", &self.authorization);
        request.send(self.port).ok()
    }

    /// What it answers.
    #[track_caller]
    pub(super) fn send(&self, request: Request) -> Answer {
        let request = request.header("Authorization", &self.authorization);
        request.to(self.port)
    }

    /// The same, with this status.
    #[track_caller]
    pub(super) fn expect(&self, status: u16, request: Request) -> Answer {
        let answer = self.send(request);
        assert_eq!(answer.status, status, "{}", answer.text());
        answer
    }

    /// The same, as JSON with status 200.
    #[track_caller]
    pub(super) fn json(&self, request: Request) -> Value {
        let answer = self.expect(200, request);
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// How many bundles there are, the framework among them, when all of them run.
    pub(super) fn running_bundles(&self) -> usize {
        let Some(list) = self.get_json("/system/console/bundles.json") else {
            return 0;
        };
        // Of them: active, active fragments, resolved, installed.
        let [total, active, fragments] = [0, 1, 2].map(|at| list["s"][at].as_u64().unwrap());
        match total == active + fragments {
            true => usize::try_from(total).unwrap(),
            false => 0,
        }
    }

    /// Whether everything answers, and whoever protects has its keys or knows that there are none.
    pub(super) fn is_ready(&self) -> bool {
        let keys = self.try_send(Request::get("/libs/granite/csrf/token.json"));
        let has_keys = keys.is_some_and(|answer| match answer.status {
            200 => answer.text().contains("\"token\""),
            500 => answer.text().contains("there are no keys"),
            _ => false,
        });
        // Registered on its own, and at times after everything else.
        let davex = self.try_send(Request::get("/crx/server/crx.default/jcr:root/etc/key"));
        has_keys
            && davex.is_some_and(|answer| answer.status == 200)
            && self.running_bundles() > 1
            && self.get_json("/etc/key.json").is_some()
    }

    fn get_json(&self, target: &str) -> Option<Value> {
        let answer = self.try_send(Request::get(target))?;
        serde_json::from_slice(&answer.body)
            .ok()
            .filter(|_| answer.status == 200)
    }
}

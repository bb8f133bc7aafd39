//! Somebody who logs in through the form.

use std::net::Ipv4Addr;

use super::PASSWORD;
use super::http::{Answer, Request};

/// The name of the session's cookie on plain http.
pub(crate) const COOKIE: &str = "login-token";

/// The login page, as it was shown to one browser.
#[derive(Debug)]
pub(crate) struct LoginPage {
    port: u16,
    form: String,
    csrf: String,
    rd: String,
}

impl LoginPage {
    /// Loads the page at `target`.
    pub(crate) fn load(port: u16, target: &str) -> Self {
        let page = Request::page(target).to(port);
        assert_eq!(page.status, 200, "{page:?}");
        let html = page.text();
        Self {
            port,
            form: page.cookie("login-form").unwrap(),
            csrf: hidden(&html, "csrf"),
            rd: hidden(&html, "rd"),
        }
    }

    /// Sends the form.
    pub(crate) fn submit(&self, user: &str, password: &str) -> Answer {
        self.submit_from(Ipv4Addr::LOCALHOST, user, password, &[])
    }

    /// The same from another address of this machine, with further headers.
    pub(crate) fn submit_from(
        &self,
        source: Ipv4Addr,
        user: &str,
        password: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let fields = [
            ("username", user),
            ("password", password),
            ("csrf", &self.csrf),
            ("rd", &self.rd),
        ];
        let post = Request::new("POST", "/login")
            .from(source)
            .form(&fields)
            .header("Origin", &format!("http://localhost:{}", self.port))
            .cookie(&format!("login-form={}", self.form));
        let add = |post: Request, (name, value): &(&str, &str)| post.header(name, value);
        headers.iter().fold(post, add).to(self.port)
    }
}

/// Logs in; the answer brings the session.
pub(crate) fn log_in(port: u16, user: &str) -> Answer {
    let answer = LoginPage::load(port, "/login").submit(user, PASSWORD);
    assert_eq!(answer.status, 303, "{answer:?}");
    answer
}

/// The cookies that `answer` sets, as the browser sends them back.
pub(crate) fn cookies(answer: &Answer) -> String {
    let set = answer.all("set-cookie").into_iter();
    let pairs = set.filter_map(|cookie| cookie.split(';').next());
    let kept: Vec<_> = pairs.filter(|pair| !pair.ends_with('=')).collect();
    kept.join("; ")
}

/// The value of a hidden field.
pub(crate) fn hidden(html: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = html.split_once(&field).unwrap();
    let (value, _) = rest.split_once('"').unwrap();
    value.replace("&#38;", "&").replace("&amp;", "&")
}

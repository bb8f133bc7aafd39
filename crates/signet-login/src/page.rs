//! The pages that people see: login, new password, logout, session and messages.
//!
//! Each page is a plain struct; [`render`](LoginPage::render) makes it HTML.
//! Every value is escaped, and nothing on a page needs a script, an inline style or a `data:` URI,
//! so that [`CONTENT_SECURITY_POLICY`] holds for all of them.
//! Pages answer with `Content-Type: text/html; charset=utf-8`, `Cache-Control: no-store` and `Vary: Accept-Language`.
//!
//! ```
//! use signet_login::page::{Language, LoginNotice, LoginPage};
//!
//! let html = LoginPage {
//!     language: Language::from_accept_language("zh-TW,zh;q=0.9,en;q=0.8"),
//!     site: "www.example.com",
//!     notice: LoginNotice::None,
//!     username: "",
//!     rd: "/reports",
//!     csrf: "a token",
//! }
//! .render();
//! assert!(html.contains(r#"<html lang="zh-Hant">"#));
//! ```

mod asset;
mod banner;
mod language;
mod link;
mod login;
mod logout;
mod message;
mod new_password;
mod policy;
mod session;
mod texts;

pub use asset::{Asset, asset};
pub use language::Language;
pub use link::{Link, LinkLabel};
pub use login::{LoginNotice, LoginPage};
pub use logout::{LogoutNotice, LogoutPage};
pub use message::{Message, MessagePage};
pub use new_password::{NewPasswordNotice, NewPasswordPage};
pub use policy::{CONTENT_SECURITY_POLICY, content_security_policy};
pub use session::{SessionPage, Step, StepLabel, TokenKind};

/// What is shown should a template ever fail: it says nothing about why.
const FALLBACK: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<title>Something went wrong</title>\n<h1>Something went wrong</h1>\n\
<p>This page could not be shown. Please try again.</p>\n</html>\n";

fn html(template: &impl askama::Template) -> String {
    template.render().unwrap_or_else(|_| FALLBACK.to_owned())
}

#[cfg(test)]
mod tests;

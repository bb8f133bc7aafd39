//! Writes every page in every language into a directory, to look at:
//! `cargo run -p signet-login --example pages -- DIRECTORY`, then open `DIRECTORY/index.html`.
//!
//! The pages link their files by absolute path; here those become relative ones.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use signet_login::page::{
    Language, Link, LinkLabel, LoginNotice, LoginPage, LogoutNotice, LogoutPage, Message,
    MessagePage, NewPasswordNotice, NewPasswordPage, SessionPage, Step, StepLabel, TokenKind,
    asset,
};

const SITE: &str = "www.example.com";

fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("usage: pages DIRECTORY")?;
    fs::create_dir_all(directory.join("login"))?;
    for path in ["/login/style.css", "/login/page.js", "/login/mark.svg"] {
        let asset = asset(path).ok_or("no such file")?;
        fs::write(directory.join(path.trim_start_matches('/')), asset.bytes)?;
    }
    let mut index =
        String::from("<!doctype html>\n<meta charset=\"utf-8\">\n<title>Pages</title>\n");
    for language in Language::ALL {
        for (name, html) in pages(language) {
            let file = format!("{name}.{}.html", language.tag());
            write(&directory, &file, &html)?;
            index.push_str(&format!("<p><a href=\"{file}\">{file}</a></p>\n"));
        }
    }
    fs::write(directory.join("index.html"), index)?;
    Ok(())
}

fn write(directory: &Path, file: &str, html: &str) -> io::Result<()> {
    fs::write(
        directory.join(file),
        html.replace("=\"/login/", "=\"login/"),
    )
}

fn pages(language: Language) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let notices = [
        LoginNotice::None,
        LoginNotice::WrongCredentials,
        LoginNotice::TooManyTries { seconds: 45 },
        LoginNotice::SessionEnded,
        LoginNotice::SignedOut,
        LoginNotice::FormExpired,
        LoginNotice::TokenTooLarge,
        LoginNotice::Unavailable,
    ];
    for (number, notice) in notices.into_iter().enumerate() {
        let username = if number == 0 { "" } else { "elisabeth" };
        let page = LoginPage {
            language,
            site: SITE,
            notice,
            username,
            rd: "/reports",
            csrf: "csrf",
        };
        pages.push((format!("login-{number}"), page.render()));
    }
    let notices = [
        NewPasswordNotice::FirstTime,
        NewPasswordNotice::TooShort,
        NewPasswordNotice::RepeatedDifferently,
        NewPasswordNotice::SameAsOld,
        NewPasswordNotice::WrongCredentials,
        NewPasswordNotice::TooManyTries { seconds: 300 },
        NewPasswordNotice::FormExpired,
    ];
    for (number, notice) in notices.into_iter().enumerate() {
        let page = NewPasswordPage {
            language,
            site: SITE,
            notice,
            username: "elisabeth",
            min_length: 12,
            rd: "/reports",
            csrf: "csrf",
        };
        pages.push((format!("new-password-{number}"), page.render()));
    }
    let notices = [
        LogoutNotice::None,
        LogoutNotice::FormExpired,
        LogoutNotice::Unavailable,
    ];
    for (number, notice) in notices.into_iter().enumerate() {
        let page = LogoutPage {
            language,
            site: SITE,
            notice,
            id: "elisabeth",
            name: if number == 0 {
                "Elisabeth Lindqvist"
            } else {
                ""
            },
            rd: "/",
            cancel: "/",
            csrf: "csrf",
        };
        pages.push((format!("logout-{number}"), page.render()));
    }
    let messages = [
        (Message::SignedOut, Some(LinkLabel::SignIn)),
        (Message::BadRequest, None),
        (Message::Forbidden, Some(LinkLabel::SignInAsOther)),
        (Message::NotFound, Some(LinkLabel::Continue)),
        (Message::TooManyRequests { seconds: 1 }, None),
        (Message::Internal, Some(LinkLabel::TryAgain)),
        (Message::Unavailable, Some(LinkLabel::TryAgain)),
    ];
    for (number, (message, label)) in messages.into_iter().enumerate() {
        let link = label.map(|label| Link {
            href: "/login",
            label,
        });
        let page = MessagePage {
            language,
            site: SITE,
            message,
            link,
        };
        pages.push((format!("message-{number}"), page.render()));
    }
    for (number, instance) in ["publish-1", "publish-2"].into_iter().enumerate() {
        pages.push((
            format!("session-{number}"),
            session(language, instance).render(),
        ));
    }
    pages
}

fn session(language: Language, instance: &str) -> SessionPage<'_> {
    let is_first = instance == "publish-1";
    let step = |label, detail: &str, ok| Step {
        label,
        detail: detail.to_owned(),
        ok,
    };
    SessionPage {
        language,
        site: SITE,
        id: "elisabeth",
        name: if is_first { "Elisabeth Lindqvist" } else { "" },
        mail: if is_first {
            "elisabeth.lindqvist@example.com"
        } else {
            ""
        },
        groups: if is_first {
            vec!["editors", "reports", "staff-taipei"]
        } else {
            vec![]
        },
        answered_by: instance,
        steps: vec![
            step(StepLabel::Mac, "kid 7Qm1cXbqkS0m5i0d3v9aFQ", true),
            step(StepLabel::Claims, "", true),
            step(
                StepLabel::Origin,
                "5f0c8a9d2b7e4f61 · www.example.com",
                true,
            ),
            step(StepLabel::Time, "2026-11-22T04:01:07Z", true),
            step(StepLabel::User, "elisabeth", true),
            step(StepLabel::Generation, "3 ≥ 3", is_first),
            step(StepLabel::Marks, "", true),
        ],
        kind: if is_first {
            TokenKind::Sealed
        } else {
            TokenKind::Repository
        },
        signed_in_at: "2026-11-22T03:31:07Z",
        token_valid_until: "2026-11-22T04:01:07Z",
        session_ends_at: "2026-11-22T15:31:07Z",
    }
}

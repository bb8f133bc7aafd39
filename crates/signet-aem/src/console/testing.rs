//! An instance that says what a test wants it to say.

pub(crate) mod instance;
pub(crate) mod script;

use std::sync::Arc;
use std::time::Duration;

use signet_core::UnixSeconds;
use signet_http::Plain;

use super::{Access, Console};
pub(crate) use script::{Reply, Script};

/// The console of the instance that `script` plays, asked as `admin` with the password `admin`.
pub(crate) fn console(script: &Script) -> Console {
    let access = Access {
        credentials: Some("admin:admin".parse().unwrap()),
        ca_file: None,
        plain: Plain::OnThisMachine,
        patience: Duration::from_secs(20),
    };
    let clock = Arc::new(|| UnixSeconds(1_800_000_000));
    Console::new(script.url().parse().unwrap(), access, clock)
}

#[tokio::test]
async fn an_instance_is_asked_as_sling_wants_it() {
    let script = Script::play(|asked| match asked.path() {
        "/page" => Reply::login_page(),
        "/cut" => Reply::raw("HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nhalf"),
        _ => Reply::json("{}"),
    });
    let console = console(&script);
    console
        .post("/x?a=b", &[("ä", "1 & 2"), ("b", "")])
        .await
        .unwrap();
    let asked = script.posted().remove(0);
    assert!(asked.is("POST", "/x"), "{asked:?}");
    assert_eq!(asked.field("ä").as_deref(), Some("1 & 2"));
    assert_eq!(
        asked.header("authorization"),
        Some("Basic YWRtaW46YWRtaW4=")
    );
    // Sling's referrer filter lets a request pass that comes from the instance itself, and asks browsers only.
    assert_eq!(
        asked.header("referer"),
        Some(&*format!("{}/", script.url()))
    );
    assert!(asked.header("user-agent").unwrap().starts_with("signet/"));
    assert!(console.get("/page").await.is_err());
    let cut = console.get("/cut").await.unwrap_err();
    assert!(cut.is_silence() && !cut.is_absence());
}

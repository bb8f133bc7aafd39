//! Invariants of the design that a verdict must keep, each named as there.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Method, StatusCode, Uri};
use signet_gate::{Gate, GateSettings, Verdict};

use crate::question::*;
use crate::support::*;

/// The verdict, if it is there without having waited for anything.
fn at_once(gate: &Gate, headers: &HeaderMap) -> Option<Verdict> {
    let uri = Uri::from_static("/auth/request");
    let mut verdict = pin!(gate.verdict(&Method::GET, &uri, headers, PROXY));
    match verdict
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(verdict) => verdict,
        Poll::Pending => None,
    }
}

// Invariant 1: a lock that is held, or anything that is read, would make the first poll return `Pending`.
#[tokio::test]
async fn an_encapsulated_token_is_judged_without_waiting_for_anything() {
    let instance = Instance::new().await;
    let gate = gate(&instance, GateSettings::default());
    let mut browser = instance.browser();
    browser.logs_in().await;
    instance.repository.close().await;
    // Due for renewal: that needs nothing either.
    instance.time.pass(20 * 60);
    let verdict = at_once(&gate, &browser.headers()).unwrap();
    assert_eq!(verdict.status(), StatusCode::OK);
    assert!(verdict.headers().contains_key("set-cookie"));
    let nobody = at_once(&gate, &HeaderMap::new()).unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
}

// Invariant 8: the instance that made the token, and every other one, may be gone.
#[tokio::test]
async fn an_instance_needs_no_other_to_verify() {
    let author = Instance::new().await;
    let publish = author.neighbour().await;
    let mut browser = author.browser();
    browser.logs_in().await;
    drop(author);
    let gate = gate(&publish, GateSettings::default());
    let verdict = at_once(&gate, &browser.headers()).unwrap();
    assert_eq!(verdict.status(), StatusCode::OK);
}

// Invariant 10, as far as encapsulated tokens go: what is stored is the same before and after, renewal included.
#[tokio::test]
async fn a_verdict_about_an_encapsulated_token_writes_nothing() {
    let instance = Instance::new().await;
    let gate = gate(&instance, GateSettings::default());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let before = instance.repository.head().await.unwrap();
    instance.time.pass(20 * 60);
    for path in ["/auth/request", "/auth/forward"] {
        let verdict = ask(&gate, path, &browser.headers(), PROXY).await;
        assert_eq!(verdict.status(), StatusCode::OK);
        assert!(verdict.headers().contains_key("set-cookie"));
    }
    assert_eq!(instance.repository.head().await.unwrap(), before);
    assert_eq!(instance.repository.count_marks().await.unwrap(), 0);
}

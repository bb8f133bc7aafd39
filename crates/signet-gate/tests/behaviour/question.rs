//! A gate before an instance, and the questions of a proxy.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method};
use signet_gate::{AccessRule, Gate, GateSettings, Verdict};

use crate::support::*;

pub const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
pub const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

pub const IDENTITY: [&str; 4] = [
    "remote-user",
    "remote-groups",
    "remote-name",
    "remote-email",
];

/// Trusts [`PROXY`], keeps `/admin/` for administrators, and does not renew below `/poll/`.
pub fn gate_settings() -> GateSettings {
    GateSettings {
        trusted_proxies: ["10.0.0.0/8".parse().unwrap()].into_iter().collect(),
        no_renew: vec!["/poll/".parse().unwrap()],
        rules: [AccessRule {
            path: "/admin/".parse().unwrap(),
            groups: vec!["administrators".parse().unwrap()],
        }]
        .into_iter()
        .collect(),
    }
}

pub fn without_rules() -> GateSettings {
    GateSettings {
        rules: Default::default(),
        ..gate_settings()
    }
}

pub fn gate(instance: &Instance, settings: GateSettings) -> Arc<Gate> {
    Arc::new(Gate::new(Arc::clone(&instance.site), settings))
}

/// Asks, and checks what holds for every answer: nobody keeps it (P6), a 200 names a user (P7), a cookie comes with a
/// 200 only.
pub async fn ask(gate: &Gate, path: &str, headers: &HeaderMap, peer: IpAddr) -> Verdict {
    ask_with(gate, Method::GET, path, headers, peer).await
}

pub async fn ask_with(
    gate: &Gate,
    method: Method,
    path: &str,
    headers: &HeaderMap,
    peer: IpAddr,
) -> Verdict {
    let uri = path.parse().unwrap();
    let verdict = gate.verdict(&method, &uri, headers, peer).await.unwrap();
    let told = verdict.headers();
    assert_eq!(told["cache-control"], "no-store", "{path}");
    assert_eq!(told["vary"], "Cookie", "{path}");
    assert!(verdict.body().is_empty());
    let passes = verdict.status() == 200;
    for name in IDENTITY {
        assert_eq!(
            told.get_all(name).iter().count(),
            usize::from(passes),
            "{path} {name}"
        );
    }
    if passes {
        assert!(!told["remote-user"].is_empty());
    } else {
        assert!(
            matches!(verdict.status().as_u16(), 302 | 401 | 403),
            "{path}"
        );
        assert!(!told.contains_key("set-cookie"));
    }
    verdict
}

/// The headers of a browser with more that a proxy adds.
pub fn with(mut headers: HeaderMap, pairs: &[(&'static str, &str)]) -> HeaderMap {
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

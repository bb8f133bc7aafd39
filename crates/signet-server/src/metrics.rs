//! Numbers for Prometheus: counted where things happen, gathered when somebody asks. No label comes from outside.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use signet_core::{Denied, KeyState, RingName};
use signet_login::Event;

use crate::instance::{Instance, KeyCensus, Readiness};

/// One metric, for the reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) labels: &'static str,
    pub(crate) help: &'static str,
}

const VERDICTS: Metric = Metric {
    name: "signet_verdicts",
    kind: "counter",
    labels: "`outcome`: `accepted`, or the code of the refusal",
    help: "Verdicts about tokens",
};
const LOGINS: Metric = Metric {
    name: "signet_logins",
    kind: "counter",
    labels: "`outcome`: `succeeded`, `failed`, `throttled`",
    help: "Logins with user id and password",
};
const RENEWALS: Metric = Metric {
    name: "signet_renewals",
    kind: "counter",
    labels: "",
    help: "Tokens made in the place of older ones",
};
const LOGOUTS: Metric = Metric {
    name: "signet_logouts",
    kind: "counter",
    labels: "",
    help: "Sessions ended by their users",
};
const CONFIG_FAILURES: Metric = Metric {
    name: "signet_config_failures",
    kind: "counter",
    labels: "",
    help: "Looks at a configuration that was wrong and not taken",
};
const TLS_FAILURES: Metric = Metric {
    name: "signet_tls_handshake_failures",
    kind: "counter",
    labels: "",
    help: "Connections on which no TLS was agreed on, those that spoke plain HTTP included",
};
const READY: Metric = Metric {
    name: "signet_ready",
    kind: "gauge",
    labels: "",
    help: "1 when requests should be sent here",
};
const USERS: Metric = Metric {
    name: "signet_users",
    kind: "gauge",
    labels: "",
    help: "Users in the index, tombstones included",
};
const MARKS: Metric = Metric {
    name: "signet_marks",
    kind: "gauge",
    labels: "",
    help: "Sessions ended before their time",
};
const KEYS: Metric = Metric {
    name: "signet_keys",
    kind: "gauge",
    labels: "`ring`: `hmac`, `master`; `state`: `pending`, `active`, `verify-only`, `revoked`",
    help: "Keys held here",
};
const KEY_PROBLEMS: Metric = Metric {
    name: "signet_key_problems",
    kind: "gauge",
    labels: "",
    help: "Key files that are bad",
};
const SESSIONS_SEEN: Metric = Metric {
    name: "signet_sessions_seen",
    kind: "gauge",
    labels: "`kid`: the keys of the ring `hmac` held here, 32 at most",
    help: "Sessions recognised with each key of late, estimated to about 2 percent: each counts for at least token.inactivity after it was last seen, and at most for twice as long",
};

/// Every metric.
pub(crate) const ALL: [Metric; 12] = [
    VERDICTS,
    LOGINS,
    RENEWALS,
    LOGOUTS,
    CONFIG_FAILURES,
    TLS_FAILURES,
    READY,
    USERS,
    MARKS,
    KEYS,
    KEY_PROBLEMS,
    SESSIONS_SEEN,
];

/// The document that is sent.
pub(crate) fn document(instance: &Instance, keys: &KeyCensus) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Gathered::new(instance, keys)));
    let mut document = String::new();
    encode(&mut document, &registry)?;
    Ok(document)
}

/// The numbers at one moment.
#[derive(Debug)]
struct Gathered {
    verdicts: Vec<(&'static str, u64)>,
    logins: [(&'static str, u64); 3],
    counters: [(Metric, u64); 4],
    gauges: [(Metric, u64); 4],
    keys: Vec<((&'static str, &'static str), u64)>,
    sessions_seen: Vec<(String, u64)>,
}

impl Gathered {
    fn new(instance: &Instance, keys: &KeyCensus) -> Self {
        let tally = &instance.site.tally;
        let snapshots = &instance.site.snapshots;
        let mut verdicts = vec![("accepted", tally.read(Event::Accepted))];
        verdicts.extend(
            Denied::ALL
                .iter()
                .map(|reason| (reason.code(), tally.read_denied(*reason))),
        );
        let states = [
            KeyState::Pending,
            KeyState::Active,
            KeyState::VerifyOnly,
            KeyState::Revoked,
        ];
        let count = |ring, state| {
            keys.keys
                .iter()
                .filter(|key| **key == (ring, state))
                .count() as u64
        };
        let ready = instance.state.readiness() == Readiness::Ready;
        Self {
            verdicts,
            logins: [
                ("succeeded", tally.read(Event::Login)),
                ("failed", tally.read(Event::LoginFailure)),
                ("throttled", tally.read(Event::Throttled)),
            ],
            counters: [
                (RENEWALS, tally.read(Event::Renewed)),
                (LOGOUTS, tally.read(Event::Logout)),
                (CONFIG_FAILURES, instance.state.config_failures()),
                (
                    TLS_FAILURES,
                    instance.tls.as_ref().map_or(0, |tls| tls.failures()),
                ),
            ],
            gauges: [
                (READY, ready.into()),
                (USERS, snapshots.index.load().len() as u64),
                (MARKS, snapshots.marks.load().len() as u64),
                (KEY_PROBLEMS, keys.problems as u64),
            ],
            keys: RingName::ALL
                .into_iter()
                .flat_map(|ring| {
                    states.map(|state| ((ring.as_str(), state.as_str()), count(ring, state)))
                })
                .collect(),
            sessions_seen: instance
                .site
                .tokens
                .seen()
                .estimates()
                .into_iter()
                .map(|(key, sessions)| (key.to_string(), sessions))
                .collect(),
        }
    }
}

impl prometheus_client::collector::Collector for Gathered {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (metric, labelled) in [(VERDICTS, &self.verdicts[..]), (LOGINS, &self.logins[..])] {
            let kind = ConstCounter::<u64>::new(0).metric_type();
            let mut family = encoder.encode_descriptor(metric.name, metric.help, None, kind)?;
            for (outcome, count) in labelled {
                let labels = [("outcome", *outcome)];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        for (metric, count) in &self.counters {
            let counter = ConstCounter::new(*count);
            let kind = counter.metric_type();
            counter.encode(encoder.encode_descriptor(metric.name, metric.help, None, kind)?)?;
        }
        for (metric, value) in &self.gauges {
            let gauge = ConstGauge::new(*value);
            let kind = gauge.metric_type();
            gauge.encode(encoder.encode_descriptor(metric.name, metric.help, None, kind)?)?;
        }
        let kind = ConstGauge::<u64>::new(0).metric_type();
        let mut family = encoder.encode_descriptor(KEYS.name, KEYS.help, None, kind)?;
        for ((ring, state), count) in &self.keys {
            let labels = [("ring", *ring), ("state", *state)];
            ConstGauge::new(*count).encode(family.encode_family(&labels)?)?;
        }
        let seen = SESSIONS_SEEN;
        let mut family = encoder.encode_descriptor(seen.name, seen.help, None, kind)?;
        for (kid, sessions) in &self.sessions_seen {
            let labels = [("kid", kid.as_str())];
            ConstGauge::new(*sessions).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

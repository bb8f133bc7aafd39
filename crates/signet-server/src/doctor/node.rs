//! The identity of this instance towards the others.

use signet_bundle::NodeIdentity;

use crate::health::{Checked, Finding, Ground, HealthCheck, chain};

pub(super) struct Node;

impl HealthCheck for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["keys", "security"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move {
            let finding = match NodeIdentity::open(&ground.path().join("node")) {
                Ok(None) => Finding::good("this instance has no identity yet; `signet node show` makes one"),
                Ok(Some(identity)) => Finding::good(format!("this instance is {}", identity.id())),
                Err(error) => Finding::critical("NODE_BAD", chain(&error))
                    .causes("key bundles for this instance and its own backups cannot be opened, and it cannot prove which keys it has")
                    .mend(error.hint()),
            };
            Ok(vec![finding])
        })
    }
}

//! Whether the data directory is its owner's alone.

use crate::health::{Checked, Finding, Ground, HealthCheck, access};

pub(super) struct Directory;

impl HealthCheck for Directory {
    fn name(&self) -> &'static str {
        "directory"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["storage", "security"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(vec![look(ground)]) })
    }
}

fn look(ground: &Ground) -> Finding {
    access::directory(ground.path()).unwrap_or_else(|| {
        Finding::good(format!(
            "{} is for its owner alone",
            ground.path().display()
        ))
    })
}

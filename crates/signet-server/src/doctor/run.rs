//! Whether an instance runs here, and what one that died left behind.

use std::fs;
use std::path::Path;

use crate::data::DataDirectory;
use crate::health::{Checked, Finding, Ground, HealthCheck};
use crate::poke::Poked;
use crate::shell::quoted;

pub(super) struct Run;

impl HealthCheck for Run {
    fn name(&self) -> &'static str {
        "run"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["instance"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(vec![look(ground.path()).await]) })
    }
}

async fn look(data: &Path) -> Finding {
    let directory = DataDirectory::unchecked(data);
    let socket = directory.socket();
    if !directory.is_claimed() {
        return match fs::symlink_metadata(&socket) {
            Ok(_) => Finding::note(
                "SOCKET_LEFT",
                format!(
                    "no instance runs; the last one did not end by itself and left {}",
                    socket.display()
                ),
            )
            .causes("nothing: the next start replaces it")
            .mend("its log says how it ended"),
            Err(_) => Finding::good("no instance runs on this data"),
        };
    }
    match directory.poke().await {
        Poked::Applied => Finding::good("an instance runs on this data and answers"),
        Poked::Refused(why) => Finding::warn(
            "INSTANCE_COMPLAINS",
            format!(
                "the running instance complains: {}",
                why.replace('\n', "; ")
            ),
        )
        .causes("it goes on with what was in force before")
        .mend("what else is said here says what to do about it"),
        Poked::NotRunning | Poked::Silent => Finding::warn(
            "INSTANCE_SILENT",
            "a process holds run/lock, and does not answer at run/signet.sock",
        )
        .causes(
            "commands cannot tell it of changes; it looks by itself every second, unless it hangs",
        )
        .mend(format!(
            "`fuser -v {}` names it; its log says more; restart it",
            quoted(data.join("run").join("lock"))
        )),
    }
}

//! The Java process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::stage::program::{self, Program};
use crate::stage::wait;

/// The password of a Sling that has just been made.
pub(super) const DEFAULT_PASSWORD: &str = "admin";

/// It starts within seconds on a machine that has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(180);

/// Small and quick to start. What Felix and Sling reach for inside the JDK has been closed since Java 16.
const JAVA: &[&str] = &[
    "-Xmx400m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/sun.net.www.protocol.file=ALL-UNNAMED",
    "--add-opens=java.base/sun.net.www.protocol.http=ALL-UNNAMED",
    "--add-opens=java.base/sun.net.www.protocol.https=ALL-UNNAMED",
    "--add-opens=java.base/sun.net.www.protocol.jar=ALL-UNNAMED",
    "--add-opens=java.base/sun.net.www.protocol.jrt=ALL-UNNAMED",
];

/// Starts a jar on `folder`, the `crx-quickstart` of an installation.
pub(super) fn start(
    jar: &Path,
    folder: &Path,
    port: u16,
    properties: &[&str],
    log: &Path,
) -> Program {
    let temporary = folder.with_file_name("tmp");
    fs::create_dir_all(&temporary).unwrap();
    // The kernel ends it with the test, however that ends. setpriv becomes the Java process.
    let mut command = program::command("setpriv", "util-linux");
    command.args(["--pdeathsig", "KILL", "java"]).args(JAVA);
    command.arg(format!("-Djava.io.tmpdir={}", temporary.display()));
    for property in properties {
        command.arg(format!("-D{property}"));
    }
    command.arg("-jar").arg(jar);
    command.args(["-a", "127.0.0.1", "-p", &port.to_string()]);
    command.arg("-c").arg(folder);
    command.arg("-i").arg(folder.join("launchpad"));
    Program::start(&format!("Sling on {port}"), command, log)
}

/// Waits for something that a running Sling gets to.
pub(super) fn until(program: &mut Program, what: &str, is_so: impl Fn() -> bool) {
    wait::until_within(PATIENCE, what, || {
        program.assert_running();
        is_so().then_some(())
    });
}

/// Lets it end as the start script of an installation does, and waits until it is gone.
pub(super) fn stop(program: &mut Program) {
    program.ask_to_end();
    wait::until_within(PATIENCE, "the end of Sling", || {
        program.has_ended().then_some(())
    });
}

//! The log of an instance, on standard error.

use std::io;

use signet_server::config::{LogConfig, LogFormat, LogLevel};
use tracing_subscriber::EnvFilter;

use crate::environment;
use crate::output::{Output, Paint};

/// Writes the log of a server as `log` says; `SIGNET_LOG` overrides how much.
pub(crate) fn serve(output: &Output, log: &LogConfig) {
    let by_config = || EnvFilter::new(directives(log.level));
    let filter = environment::log_filter().map_or_else(by_config, |text| {
        EnvFilter::try_new(&text).unwrap_or_else(|error| {
            output.warning(&format!("SIGNET_LOG is ignored: {error}"));
            by_config()
        })
    });
    install(output, filter, log.format);
}

/// Writes a log for other commands only if `SIGNET_LOG` asks for one.
pub(crate) fn command(output: &Output) {
    let filter = environment::log_filter().and_then(|text| EnvFilter::try_new(text).ok());
    if let Some(filter) = filter {
        install(output, filter, LogFormat::Text);
    }
}

fn install(output: &Output, filter: EnvFilter, format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(output.stderr_paint() == Paint::Coloured);
    // It fails only if there is one already.
    let _ = match format {
        LogFormat::Json => log.json().try_init(),
        LogFormat::Text => log.try_init(),
    };
}

/// The level counts for Signet's own rooms; what it stands on is heard when it warns.
fn directives(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "warn,signet=info",
        LogLevel::Debug => "warn,signet=debug",
        LogLevel::Trace => "trace",
    }
}

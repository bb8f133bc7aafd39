//! How running instances are asked: with whose credentials, and over which connections.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use signet_aem::console::{Access, Console, Credentials, InstanceUrl};
use signet_core::{Clock, UnixSeconds};
use signet_http::Plain;
use zeroize::Zeroizing;

use crate::environment;
use crate::failure::Failure;
use crate::secret;

/// No file of credentials is longer, in bytes.
const LONGEST: u64 = 64 * 1_024;
/// Stands for standard input in the place of a file.
const STANDARD_INPUT: &str = "-";

/// What every command takes that talks to a running instance.
#[derive(Debug, Args)]
pub(super) struct Reach {
    /// File with user:password, or with lines of a URL and user:password; - is standard input [default: $SIGNET_AEM_CREDENTIALS]
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,

    /// File with further certificates to trust, in PEM form
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Send credentials, and whatever else there is to send, in the clear to other machines
    #[arg(long)]
    plain_http: bool,
}

impl Reach {
    /// The instances at `urls`, ready to be asked.
    pub(super) fn consoles(&self, urls: &[InstanceUrl]) -> anyhow::Result<Vec<Console>> {
        for url in urls {
            self.check(url)?;
        }
        let known = self.known()?;
        urls.iter()
            .map(|url| {
                let access = Access {
                    credentials: known.of(url)?,
                    ca_file: self.ca_file.clone(),
                    plain: match self.plain_http {
                        true => Plain::Anywhere,
                        false => Plain::OnThisMachine,
                    },
                    patience: Access::PATIENCE,
                };
                Ok(Console::new(url.clone(), access, present()))
            })
            .collect()
    }

    /// The instance at `url`, ready to be asked.
    pub(super) fn console(&self, url: &InstanceUrl) -> anyhow::Result<Console> {
        let consoles = self.consoles(std::slice::from_ref(url))?;
        consoles.into_iter().next().context("there is no URL")
    }

    fn check(&self, url: &InstanceUrl) -> anyhow::Result<()> {
        if url.is_here() || !url.is_plain() || self.plain_http {
            return Ok(());
        }
        let message = format!(
            "{url} is on another machine: over plain http everybody between could read the credentials"
        );
        let hint = "use https, run this on that machine, or lead a port of this machine there (ssh -L 4502:localhost:4502 HOST); where the network is trusted, --plain-http";
        Err(Failure::new(message).hint(hint).into())
    }

    fn known(&self) -> anyhow::Result<Known> {
        let (text, place) = match (&self.credentials, environment::aem_credentials()) {
            (Some(path), _) => (read(path)?, place(path)),
            (None, Some(text)) => (text, "SIGNET_AEM_CREDENTIALS".to_owned()),
            (None, None) => {
                let failure = Failure::new("there are no credentials for the instance");
                let hint = "name a file with user:password of an administrator: --credentials FILE, or - for standard input";
                return Err(failure.hint(hint).into());
            }
        };
        Known::parse(&text, &place)
    }
}

/// Whose credentials are good where.
#[derive(Debug, Default)]
struct Known {
    everywhere: Option<Credentials>,
    there: BTreeMap<InstanceUrl, Credentials>,
}

impl Known {
    fn parse(text: &str, place: &str) -> anyhow::Result<Self> {
        let mut known = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || {
                let message = format!("line {number} of {place} holds no credentials");
                let hint = "write user:password, or a URL, a space, and user:password";
                Failure::new(message).hint(hint)
            };
            let url = line.split_once(' ').and_then(|(url, rest)| {
                let url: InstanceUrl = url.parse().ok()?;
                Some((url, rest.trim_start()))
            });
            match url {
                Some((url, rest)) => {
                    known.there.insert(url, rest.parse().map_err(|_| wrong())?);
                }
                None if known.everywhere.is_none() => {
                    known.everywhere = Some(line.parse().map_err(|_| wrong())?);
                }
                None => return Err(wrong().into()),
            }
        }
        Ok(known)
    }

    fn of(&self, url: &InstanceUrl) -> anyhow::Result<Option<Credentials>> {
        match self.there.get(url).or(self.everywhere.as_ref()) {
            Some(credentials) => Ok(Some(credentials.clone())),
            None => {
                let failure = Failure::new(format!("there are no credentials for {url}"));
                let hint = "add a line with this URL, a space, and user:password";
                Err(failure.hint(hint).into())
            }
        }
    }
}

/// What a file of credentials is called in messages.
fn place(path: &Path) -> String {
    match path == Path::new(STANDARD_INPUT) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let reading = || format!("the credentials could not be read from {}", place(path));
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize + 1));
    match path == Path::new(STANDARD_INPUT) {
        true => io::stdin().lock().take(LONGEST).read_to_string(&mut text),
        false => {
            let file = File::open(path).with_context(reading)?;
            secret::warn_if_open(path);
            file.take(LONGEST).read_to_string(&mut text)
        }
    }
    .with_context(reading)?;
    Ok(text)
}

/// The system's clock.
pub(super) fn present() -> Arc<dyn Clock> {
    Arc::new(Present)
}

struct Present;

impl Clock for Present {
    fn now(&self) -> UnixSeconds {
        signet_server::system_clock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instance_may_have_its_own() {
        let text = "# the farm\nadmin:one two\nhttps://a.example:4503 root:three\r\n\n";
        let known = Known::parse(text, "file").unwrap();
        let user = |url: &str| {
            let credentials = known.of(&url.parse().unwrap()).unwrap().unwrap();
            credentials.user().to_owned()
        };
        assert_eq!(user("https://a.example:4503/"), "root");
        assert_eq!(user("https://b.example"), "admin");
        let only = Known::parse("https://a.example x:y", "file").unwrap();
        assert!(only.of(&"https://b.example".parse().unwrap()).is_err());
    }

    #[test]
    fn a_line_that_is_wrong_is_named_and_not_repeated() {
        for text in ["admin", "a:b\nc:d", "https://a.example secret"] {
            let error = Known::parse(text, "file").unwrap_err().to_string();
            assert!(error.starts_with("line "), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}

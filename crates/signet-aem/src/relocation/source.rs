//! Where the keys come from: the running instance, or files that somebody fetched.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use signet_core::UnixSeconds;
use signet_keys::granite::GraniteKey;
use zeroize::Zeroizing;

use super::site::Site;
use super::step::{Aide, Step, StepReport};
use super::{Relocation, RelocationError};
use crate::console::{Console, ConsoleFault, InstanceUrl, KeyShape};
use crate::felix::{CRYPTO, CRYPTO_FILE};
use crate::{KeyBytes, KeyKind, KeyName, Running};

/// Where the keys come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'s> {
    /// `/etc/key` of the instance that runs on the folder.
    Instance(&'s Console),
    /// Files, downloaded from there.
    Files {
        /// The one that holds `hmac`.
        hmac: &'s Path,
        /// The one that holds `master`.
        master: &'s Path,
    },
}

/// The keys that are moved.
#[derive(Debug)]
pub struct Fetched {
    pub(super) hmac: KeyBytes,
    pub(super) master: KeyBytes,
    /// What holds each of them in the repository, if it was looked at there.
    pub(super) shapes: [Option<KeyShape>; 2],
    pub(super) url: Option<InstanceUrl>,
    pub(super) is_unseen: bool,
}

impl Fetched {
    pub(super) const fn key(&self, name: KeyName) -> &KeyBytes {
        match name {
            KeyName::Hmac => &self.hmac,
            KeyName::Master => &self.master,
        }
    }
}

impl Relocation {
    /// Has the keys, and refuses what is none. Nothing is written.
    ///
    /// # Errors
    ///
    /// The instance is not the one that runs on the folder or does not give the keys, or a file holds something else.
    pub async fn fetch(
        &self,
        source: Source<'_>,
        aide: &mut dyn Aide,
    ) -> Result<Fetched, RelocationError> {
        let fetched = match source {
            Source::Instance(console) => self.fetch_from(console, aide).await?,
            Source::Files { hmac, master } => {
                let detail = "not asked: the keys come from files";
                aide.took(StepReport::new(Step::Instance, detail));
                let mut read = |step, name: KeyName, path: &Path| {
                    let key = KeyBytes::read(name, path).map_err(|source| {
                        let path = path.to_owned();
                        RelocationError::KeyFile { name, path, source }
                    })?;
                    let from = format!("from {}", path.display());
                    aide.took(StepReport::new(step, described(&key, &from)));
                    Ok::<_, RelocationError>(key)
                };
                Fetched {
                    hmac: read(Step::Hmac, KeyName::Hmac, hmac)?,
                    master: read(Step::Master, KeyName::Master, master)?,
                    shapes: [None, None],
                    url: None,
                    is_unseen: false,
                }
            }
        };
        // An obfuscated master has as many bytes as a raw hmac: only this shows that one file was taken for both.
        match fetched.hmac.expose() == fetched.master.expose() {
            true => Err(RelocationError::SameKey {
                bytes: fetched.hmac.expose().len(),
            }),
            false => Ok(fetched),
        }
    }

    async fn fetch_from(
        &self,
        console: &Console,
        aide: &mut dyn Aide,
    ) -> Result<Fetched, RelocationError> {
        let running = self.running();
        let detail = recognise(&self.site, console, running).await?;
        aide.took(StepReport::new(Step::Instance, detail));

        let (hmac, hmac_shape) = fetch_one(console, KeyName::Hmac, Step::Hmac, "", aide).await?;
        let found = repository_key(console, KeyName::Master).await?;
        let master = found.ok_or_else(|| no_property(console, KeyName::Master))?;
        let tried = try_master(console, &master.key, "/etc/key").await?;
        let from = format!("{}{}", master.way.as_str(), tried.addition());
        aide.took(StepReport::new(Step::Master, described(&master.key, &from)));
        Ok(Fetched {
            hmac,
            master: master.key,
            shapes: [Some(hmac_shape), Some(master.shape)],
            url: Some(console.url().clone()),
            is_unseen: running == Running::No,
        })
    }
}

async fn fetch_one(
    console: &Console,
    name: KeyName,
    step: Step,
    addition: &str,
    aide: &mut dyn Aide,
) -> Result<(KeyBytes, KeyShape), RelocationError> {
    let found = repository_key(console, name).await?;
    let found = found.ok_or_else(|| no_property(console, name))?;
    let from = format!("{}{addition}", found.way.as_str());
    aide.took(StepReport::new(step, described(&found.key, &from)));
    Ok((found.key, found.shape))
}

fn no_property(console: &Console, name: KeyName) -> RelocationError {
    RelocationError::NoProperty {
        url: console.url().to_string(),
        name,
    }
}

/// Reads a key from the repository.
pub(super) async fn repository_key(
    console: &Console,
    name: KeyName,
) -> Result<Option<crate::console::RepositoryKey>, RelocationError> {
    let found = console.repository_key(name).await;
    found.map_err(|source| RelocationError::RepositoryKey { name, source })
}

/// A key in a line, without telling it.
fn described(key: &KeyBytes, from: &str) -> String {
    let digests = key.digests();
    let kind = match key.kind() {
        KeyKind::Raw => "raw",
        _ => "obfuscated or foreign",
    };
    format!(
        "{} bytes, {kind}, {from}\nSHA-256 {}\nMD5 {}",
        digests.bytes, digests.sha256, digests.md5
    )
}

/// Whether AEM seals with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// What it protected opens.
    Opens,
    /// An obfuscated key opens nothing outside of AEM.
    Obfuscated,
    /// The instance offers nowhere to try.
    Nowhere,
}

impl Tried {
    fn addition(self) -> &'static str {
        match self {
            Self::Opens => "; a text that AEM protected opens with it",
            Self::Obfuscated | Self::Nowhere => "",
        }
    }

    /// As part of a sentence about what was tried.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Opens => "a text that AEM protected opens with the master of the file",
            Self::Obfuscated => "an obfuscated master cannot be tried from outside",
            Self::Nowhere => "the console has no page to try master at",
        }
    }
}

/// Lets the instance protect a text of the moment, and opens it with `master`, if that can be done.
pub(super) async fn try_master(
    console: &Console,
    master: &KeyBytes,
    place: &'static str,
) -> Result<Tried, RelocationError> {
    let Ok(bits) = <[u8; 16]>::try_from(master.expose()) else {
        return Ok(Tried::Obfuscated);
    };
    let key = GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0));
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| RelocationError::Random)?;
    let text = HEXLOWER.encode(&random);
    let value = match console.protect(&text).await {
        Ok(value) => value,
        Err(error) => match error.fault {
            ConsoleFault::Missing | ConsoleFault::Forbidden => return Ok(Tried::Nowhere),
            _ => return Err(error.into()),
        },
    };
    match value.open(&key) {
        Ok(opened) if *opened == text => Ok(Tried::Opens),
        _ => Err(RelocationError::NotInUse {
            url: console.url().to_string(),
            place,
        }),
    }
}

/// Sees that the instance is the one that runs on the folder, and says by what.
pub(super) async fn recognise(
    site: &Site,
    console: &Console,
    running: Running,
) -> Result<String, RelocationError> {
    let another = |difference| RelocationError::AnotherInstance {
        url: console.url().to_string(),
        difference,
    };
    let bundles = console.bundles().await?;
    for (name, place) in [(CRYPTO, &site.crypto), (CRYPTO_FILE, &site.crypto_file)] {
        let there = bundles.iter().filter(|bundle| bundle.symbolic_name == name);
        let numbers: Vec<_> = there.clone().map(|bundle| bundle.id.to_string()).collect();
        let Some(found) = there.clone().find(|bundle| bundle.id == place.id) else {
            return Err(another(match numbers.as_slice() {
                [] => format!("it has no bundle {name}"),
                numbers => format!(
                    "{name} is bundle {} there, and bundle {} in the folder",
                    numbers.join(" and "),
                    place.id
                ),
            }));
        };
        if let Some(version) = &place.version
            && normal(version) != normal(&found.version)
        {
            return Err(another(format!(
                "{name} has version {} there, and version {version} in the folder",
                printable(&found.version)
            )));
        }
    }
    let url = console.url();
    let home = console.home().await?;
    let Some(home) = home.and_then(|home| absolute(home, running)) else {
        return Ok(format!("{url}: the same bundles"));
    };
    let shown = home.display().to_string();
    let Ok(home) = home.canonicalize() else {
        return Err(another(format!(
            "its sling.home is {shown}, which is not on this machine"
        )));
    };
    match site.cache().starts_with(&home) || home.starts_with(&site.folder) {
        true => Ok(format!("{url}: the same bundles, and sling.home {shown}")),
        false => Err(another(format!("its sling.home is {shown}"))),
    }
}

/// The home of an instance may be named from the directory in which it was started.
fn absolute(home: PathBuf, running: Running) -> Option<PathBuf> {
    match (home.is_absolute(), running) {
        (true, _) => Some(home),
        (false, Running::Yes { process }) => {
            let directory = std::fs::read_link(format!("/proc/{process}/cwd")).ok()?;
            Some(directory.join(home))
        }
        (false, Running::No) => None,
    }
}

/// A version with all its three numbers (OSGi Core, section 3.2.5): a manifest may leave zeros out.
fn normal(version: &str) -> String {
    let mut parts: Vec<&str> = version.trim().split('.').collect();
    while parts.len() < 3 {
        parts.push("0");
    }
    parts.join(".")
}

fn printable(text: &str) -> String {
    const LONGEST: usize = 60;
    text.chars()
        .filter(char::is_ascii_graphic)
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_leave_zeros_out() {
        assert_eq!(normal("1.0"), normal("1.0.0"));
        assert_eq!(normal("3"), "3.0.0");
        assert_ne!(normal("1.0.0.x"), normal("1.0.0"));
        assert_eq!(printable("1.0\u{1b}[2J\n"), "1.0[2J");
    }
}

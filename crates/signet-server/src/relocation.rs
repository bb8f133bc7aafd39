//! Moving the keys of an installation: what depends on them is tried before and after, and all of it can be rehearsed.

mod rehearsal;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use signet_bundle::NodeIdentity;
use signet_keys::{BackupSealer, CheckFailure, LoadedKeys, Relocation};
use signet_repository::{IfMissing, RepositoryError};
use signet_secret::{MasterKeys, Place, SealedValue};
use tokio::runtime::Builder;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::data::DataDirectory;
use crate::secrets::{ClosedSecret, InventoryError, Opening, SecretCount, SecretInventory};

pub use rehearsal::{Rehearsal, RehearsalError};

impl DataDirectory {
    /// Its keys as they are moved, whatever `keys/storage` says.
    #[must_use]
    pub fn relocation(&self, config: &Config) -> Relocation {
        Relocation::new(&self.keys_directory(), self.key_options(config))
    }

    /// Where the backups are that are made before keys are moved.
    #[must_use]
    pub fn backups_directory(&self) -> PathBuf {
        self.path().join("backups")
    }

    /// Who seals those backups: this instance, whose identity is made when the first one is.
    #[must_use]
    pub fn backup_sealer(&self) -> impl BackupSealer + use<> {
        Sealer(self.node_directory())
    }
}

struct Sealer(PathBuf);

impl BackupSealer for Sealer {
    fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let identity = NodeIdentity::open_or_create(&self.0).map_err(io::Error::other)?;
        BackupSealer::seal(&identity, plain)
    }

    fn open(&self, sealed: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let identity = NodeIdentity::open(&self.0).map_err(io::Error::other)?;
        let identity = identity.ok_or_else(|| {
            let path = self.0.display();
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("the identity of this instance, {path}, is gone"),
            )
        })?;
        BackupSealer::open(&identity, sealed)
    }
}

/// Tries what is sealed with the keys of an installation: whatever opens before they are moved must open afterwards.
#[derive(Debug)]
pub struct SealedValues {
    data: DataDirectory,
    config: Config,
    /// Values that did not open before either, and so are no reason to stop.
    closed: BTreeSet<String>,
    /// A secret that was sealed for this alone.
    probe: Option<SealedValue>,
}

/// What the probe is sealed for, and what it says.
const PROBE_PLACE: &str = "relocation/probe";
const PROBE: &[u8] = b"sealed before the keys were moved";
/// More than these are counted, and not named.
const NAMED: usize = 10;

impl SealedValues {
    /// Those in the configuration and in the repository.
    #[must_use]
    pub fn of(data: &DataDirectory, config: &Config) -> Self {
        Self {
            data: data.clone(),
            config: config.clone(),
            closed: BTreeSet::new(),
            probe: None,
        }
    }

    /// Opens all of them, and seals another. Says how many opened.
    ///
    /// # Errors
    /// They could not be read.
    pub fn before(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure> {
        let master = MasterKeys::new(keys);
        if master.sealing().is_some() {
            self.probe = Some(master.seal(&probe_place()?, PROBE)?);
        }
        let (count, closed) = self.examine(&master)?;
        let said = told(&count, self.probe.is_some());
        self.closed = closed.into_iter().map(|closed| closed.place).collect();
        Ok(match self.closed.len() {
            0 => said,
            1 => format!("{said}; 1 did not open before either"),
            several => format!("{said}; {several} did not open before either"),
        })
    }

    /// Opens all of them again. Says how many opened.
    ///
    /// # Errors
    /// One of them opened before and does not now, or they could not be read.
    pub fn after(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure> {
        let master = MasterKeys::new(keys);
        if let Some(probe) = &self.probe {
            let opened = master.open(&probe_place()?, probe).map_err(|error| {
                format!("a secret that was sealed before does not open: {error}")
            })?;
            if *opened != PROBE {
                return Err("a secret that was sealed before opens as another".into());
            }
        }
        let (count, mut closed) = self.examine(&master)?;
        closed.retain(|closed| !self.closed.contains(&closed.place));
        if closed.is_empty() {
            return Ok(told(&count, self.probe.is_some()));
        }
        let names = closed.iter().take(NAMED);
        let names: Vec<_> = names
            .map(|closed| format!("{} ({})", closed.place, closed.error))
            .collect();
        let more = match closed.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Err(format!("these opened before: {}{more}", names.join(", ")).into())
    }

    /// On a thread of its own, because the caller's may belong to a runtime, and waits.
    fn examine(
        &self,
        master: &MasterKeys,
    ) -> Result<(SecretCount, Vec<ClosedSecret>), CheckFailure> {
        let work = || -> Result<_, CheckFailure> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.open_all(master))
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .name("sealed-values".into())
                .spawn_scoped(scope, work)?;
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    async fn open_all(
        &self,
        master: &MasterKeys,
    ) -> Result<(SecretCount, Vec<ClosedSecret>), CheckFailure> {
        let mut closed = Vec::new();
        let repository = match self.data.repository(&self.config, IfMissing::Refuse).await {
            Ok(repository) => repository,
            // Keys alone, of an instance that was never started.
            Err(RepositoryError::Missing) => return Ok((SecretCount::default(), closed)),
            Err(error) => return Err(error.into()),
        };
        let examined = async {
            SecretInventory::of(&self.data, &repository)
                .map_err(InventoryError::from)?
                .examine(
                    master,
                    Opening::Resealing,
                    &mut |secret| closed.push(secret),
                    &mut |_| {},
                )
                .await
        };
        let examined = examined.await;
        repository.close().await;
        Ok((examined?, closed))
    }
}

fn told(count: &SecretCount, with_probe: bool) -> String {
    let opened = count.total - count.closed;
    let mut told = match count.total {
        0 => "nothing is sealed yet".to_owned(),
        total => format!("{opened} of {total} sealed values open"),
    };
    if with_probe {
        told.push_str(match count.total {
            0 => "; a secret sealed for this opens",
            _ => ", and a secret sealed for this",
        });
    }
    told
}

fn probe_place() -> Result<Place, CheckFailure> {
    Ok(PROBE_PLACE.parse()?)
}

#[cfg(test)]
mod tests;

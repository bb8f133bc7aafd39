//! What was restored, looked at before it gets its place: every key parses, every page of the repository is good.

use std::fs;
use std::path::Path;

use signet_bundle::NodeIdentity;
use signet_keys::granite::GraniteKeys;
use signet_keys::parse_key_file;
use signet_repository::{IfMissing, Repository, RepositoryOptions, RepositoryUrl};
use signet_server::{Config, DataDirectory};
use zeroize::Zeroizing;

use super::Identity;
use super::work::written;
use crate::name::Kind;
use crate::{FileError, Manifest, RestoreError};

/// A prepared directory that passed the check.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) directory: DataDirectory,
    /// The keys of it may be written, even if they will lie under a mount later.
    pub(crate) config: Config,
    pub(crate) repository: Repository,
}

/// Checks the directory `data`, in which all of the backup is.
pub(crate) async fn check(
    data: &Path,
    manifest: &Manifest,
    identity: Identity,
) -> Result<Checked, RestoreError> {
    let directory = DataDirectory::open(data)?;
    let mut config = directory.config()?;
    config.keys.custody = signet_server::config::Custody::Private;
    for entry in &manifest.entries {
        if let Some(Kind::Key(ring)) = entry.name.kind() {
            let path = entry.name.under(data);
            let bytes = Zeroizing::new(written(fs::read(&path), &path)?);
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            parse_key_file(ring, stem.unwrap_or_default(), &bytes).map_err(|source| {
                RestoreError::Key {
                    name: entry.name.to_string(),
                    source,
                }
            })?;
        }
    }
    let granite = GraniteKeys::load(&data.join("keys"), signet_keys::Custody::Private)?;
    if let Some(problem) = granite.problems.first() {
        let name = problem.path.file_name().map(|name| name.to_string_lossy());
        return Err(FileError::Content(name.unwrap_or_default().into_owned()).into());
    }
    // Also reads `storage`.
    directory.key_store(&config)?.revoked()?;
    if identity == Identity::Restored
        && let Some(node) = NodeIdentity::open(&directory.node_directory())?
        && node.id() != manifest.node_id()
    {
        return Err(RestoreError::ForeignIdentity);
    }
    let repository = open_repository(&data.join(&config.repository.url.path)).await?;
    repository.check().await?;
    Ok(Checked {
        directory,
        config,
        repository,
    })
}

async fn open_repository(path: &Path) -> Result<Repository, RestoreError> {
    let url = RepositoryUrl::sqlite(path);
    Ok(Repository::open(RepositoryOptions::new(url, IfMissing::Refuse)).await?)
}

//! A master key of an installation, from a raw key file.

use std::path::Path;

use anyhow::Context as _;
use signet_core::UnixSeconds;
use signet_keys::granite::{GraniteKey, MAX_RAW_KEY_BYTES, RawKeyKind, parse_raw_master};

use crate::artefact;

/// Reads the 16 bytes of the file at `path`.
pub(super) fn read(path: &Path) -> anyhow::Result<GraniteKey> {
    let bytes = artefact::read(path, MAX_RAW_KEY_BYTES, "raw key")?;
    let bits = parse_raw_master(&bytes).with_context(|| {
        let kind = RawKeyKind::Master;
        format!("{} is not a raw {kind} of Granite", path.display())
    })?;
    // When it was made matters to nobody here.
    Ok(GraniteKey::new(bits, UnixSeconds(0)))
}

//! The sealed copy of all keys that is made before one of them is touched.

use core::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use signet_core::{Key, RingName, UnixSeconds};
use zeroize::Zeroizing;

use super::RelocationError;
use crate::custody::Guard;
use crate::disk::Disk;
use crate::{KeyError, ProviderName, Revocations, atomic, encode_key_file, parse_key_file};

/// Seals what only this instance opens again.
pub trait BackupSealer {
    /// Seals `plain`.
    ///
    /// # Errors
    ///
    /// It could not be sealed.
    fn seal(&self, plain: &[u8]) -> io::Result<Vec<u8>>;

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    ///
    /// Something else sealed it, or it was altered.
    fn open(&self, sealed: &[u8]) -> io::Result<Zeroizing<Vec<u8>>>;
}

/// The backups that moves of the keys left in a directory, the oldest first.
#[must_use]
pub fn relocation_backups(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name())
        .filter(|name| {
            let name = name.as_encoded_bytes();
            name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
        })
        .collect();
    // Their names are times, so that they sort by them.
    names.sort_unstable();
    names.iter().map(|name| directory.join(name)).collect()
}

const PREFIX: &str = "keys-";
const SUFFIX: &str = ".sealed";
const TITLE: &str = "signet-keys-backup/v1";
/// Room for ten thousand keys.
const LIMIT: usize = 4 * 1024 * 1024;

/// What a backup holds.
#[derive(Debug)]
pub(crate) struct Backup {
    /// Where the keys were, and go when this is undone.
    pub(crate) from: ProviderName,
    pub(crate) to: ProviderName,
    /// Whether the move went back to where the keys were before.
    pub(crate) is_undo: bool,
    pub(crate) made: UnixSeconds,
    pub(crate) keys: Vec<Key>,
    pub(crate) revoked: Revocations,
}

impl Backup {
    /// Seals it into a new file of `directory`.
    pub(crate) fn write(
        &self,
        disk: &dyn Disk,
        path: &Path,
        sealer: &dyn BackupSealer,
    ) -> Result<(), RelocationError> {
        let sealed =
            sealer
                .seal(self.encode().as_bytes())
                .map_err(|source| RelocationError::Sealing {
                    path: path.to_owned(),
                    source,
                })?;
        atomic::write_on(disk, path, &sealed).map_err(KeyError::from)?;
        Ok(())
    }

    pub(crate) fn read(
        path: &Path,
        guard: Guard,
        sealer: &dyn BackupSealer,
    ) -> Result<Self, RelocationError> {
        let sealed = guard
            .read_secret(path, LIMIT)
            .map_err(|fault| KeyError::unusable(path, fault))?;
        let plain = sealer
            .open(&sealed)
            .map_err(|source| RelocationError::Opening {
                path: path.to_owned(),
                source,
            })?;
        Self::parse(&plain).ok_or_else(|| RelocationError::BackupDamaged {
            path: path.to_owned(),
        })
    }

    /// Whether every one of `keys` could be taken from it.
    pub(crate) fn covers(&self, keys: &[Key]) -> bool {
        let has = |key: &Key| {
            let mut mine = self.keys.iter();
            mine.any(|mine| (mine.ring, mine.id) == (key.ring, key.id))
        };
        keys.iter().all(has)
    }

    /// Whether it holds exactly what `other` holds.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }

    fn encode(&self) -> Zeroizing<String> {
        let texts: Vec<_> = self.keys.iter().map(encode_key_file).collect();
        // Large enough never to grow: growing would leave a copy of the keys behind.
        let room = 256
            + texts.iter().map(|text| text.len() + 16).sum::<usize>()
            + self.revoked.ids().len() * 64;
        let mut text = Zeroizing::new(String::with_capacity(room));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{TITLE}");
        let _ = writeln!(text, "made {}", self.made);
        let _ = writeln!(text, "from {}", self.from);
        let _ = writeln!(text, "to {}", self.to);
        let _ = writeln!(text, "undo {}", self.is_undo);
        for (ring, id) in self.revoked.iter() {
            let _ = writeln!(text, "revoked {ring} {id}");
        }
        for (key, jwk) in self.keys.iter().zip(&texts) {
            // The text of a key file ends its line.
            let _ = write!(text, "key {} {} {}", key.ring, key.id, jwk.as_str());
        }
        text.push_str("end\n");
        text
    }

    fn parse(plain: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(plain).ok()?;
        let mut lines = text.strip_suffix("end\n")?.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let made = lines.next()?.strip_prefix("made ")?.parse().ok()?;
        let from = lines.next()?.strip_prefix("from ")?.parse().ok()?;
        let to = lines.next()?.strip_prefix("to ")?.parse().ok()?;
        let is_undo = lines.next()?.strip_prefix("undo ")?.parse().ok()?;
        let mut backup = Self {
            from,
            to,
            is_undo,
            made: UnixSeconds(made),
            keys: Vec::new(),
            revoked: Revocations::default(),
        };
        for line in lines {
            let (kind, rest) = line.split_once(' ')?;
            let (ring, rest) = rest.split_once(' ')?;
            let ring: RingName = ring.parse().ok()?;
            match kind {
                "revoked" => {
                    backup.revoked.insert(ring, rest.parse().ok()?);
                }
                "key" => {
                    let (id, jwk) = rest.split_once(' ')?;
                    let key = parse_key_file(ring, id, jwk.as_bytes()).ok()?;
                    backup.keys.push(key);
                }
                _ => return None,
            }
        }
        Some(backup)
    }
}

/// A name for a new backup in `directory` that no file has: that of the present, or else of the next free second.
pub(crate) fn free_name(directory: &Path, now: UnixSeconds) -> String {
    (now.0..)
        .map(|at| format!("{PREFIX}{}{SUFFIX}", compact(at)))
        .find(|name| fs::symlink_metadata(directory.join(name)).is_err())
        .unwrap_or_default()
}

/// Whether this can be the name of a backup, and of nothing else.
pub(crate) fn is_name(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX))
        .is_some_and(|time| time.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A time in UTC as `YYYYMMDDTHHMMSSZ`.
fn compact(at: u64) -> String {
    let (day, second) = (at / 86_400, at % 86_400);
    // Days to a date, by counting years from March on (H. Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year + era * 400 + carry;
    format!(
        "{year:04}{month:02}{date:02}T{:02}{:02}{:02}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use signet_core::KeyState;

    use super::*;
    use crate::testing::key;

    fn backup() -> Backup {
        let revoked = key(RingName::Hmac, 3, KeyState::Revoked, 3);
        Backup {
            from: ProviderName::Repository,
            to: ProviderName::File,
            is_undo: false,
            made: UnixSeconds(1_767_225_600),
            revoked: [(revoked.ring, revoked.id)].into_iter().collect(),
            keys: vec![
                key(RingName::Hmac, 1, KeyState::Active, 1),
                key(RingName::Master, 2, KeyState::VerifyOnly, 2),
                revoked,
            ],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let backup = backup();
        let text = backup.encode();
        let read = Backup::parse(text.as_bytes()).unwrap();
        assert!(read.equals(&backup) && read.covers(&backup.keys));
        assert_eq!((read.from, read.to), (backup.from, backup.to));
        assert!(read.revoked.contains(backup.keys[2].id));
    }

    #[test]
    fn no_part_of_one_passes_for_a_whole() {
        let text = backup().encode();
        for length in 0..text.len() {
            assert!(
                Backup::parse(&text.as_bytes()[..length]).is_none(),
                "{length}"
            );
        }
    }

    #[test]
    fn names_are_times_and_sort_by_them() {
        assert_eq!(compact(0), "19700101T000000Z");
        assert_eq!(compact(951_782_399), "20000228T235959Z");
        assert_eq!(compact(951_782_400), "20000229T000000Z");
        assert_eq!(compact(1_767_225_600), "20260101T000000Z");
        assert_eq!(compact(4_107_542_399), "21000228T235959Z");
        assert_eq!(compact(4_107_542_400), "21000301T000000Z");
        let directory = tempfile::TempDir::new().unwrap();
        let mut names = Vec::new();
        for _ in 0..3 {
            let name = free_name(directory.path(), UnixSeconds(59));
            assert!(is_name(&name));
            fs::write(directory.path().join(&name), "").unwrap();
            names.push(directory.path().join(name));
        }
        fs::write(directory.path().join("other.sealed"), "").unwrap();
        assert_eq!(relocation_backups(directory.path()), names);
        assert!(!is_name("keys-../x.sealed"));
    }
}

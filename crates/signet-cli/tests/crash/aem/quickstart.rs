//! A folder as an installation of AEM leaves it: two bundles in a Felix cache, and keys.

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Where `storage` lies in the folder.
const STORAGE: &str = "launchpad/felix/bundle20/data/storage";
/// Where the keys lie in the folder.
const KEYS: &str = "launchpad/felix/bundle25/data";

/// Both keys of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyPair {
    pub(super) hmac: [u8; 32],
    pub(super) master: [u8; 16],
}

impl KeyPair {
    /// Bytes that no other pair has that begins with another number.
    pub(super) fn beginning(first: u8) -> Self {
        let byte = |place: usize| first.wrapping_add(u8::try_from(place * 7 % 251).unwrap());
        Self {
            hmac: core::array::from_fn(byte),
            master: core::array::from_fn(|place| byte(place + 100)),
        }
    }

    pub(super) fn both(&self) -> [(&'static str, &[u8]); 2] {
        [("hmac", &self.hmac), ("master", &self.master)]
    }
}

/// Such a folder.
#[derive(Debug)]
pub(super) struct Quickstart(pub(super) PathBuf);

impl Quickstart {
    /// One that AEM starts with.
    pub(super) fn make(folder: PathBuf, storage: &str, keys: KeyPair) -> Self {
        let made = Self(folder);
        made.bundle(20, "com.adobe.granite.crypto");
        made.bundle(25, "com.adobe.granite.crypto.file");
        made.write("launchpad/felix/bundle0/bundle.id", b"0");
        made.put(storage, keys);
        made
    }

    /// Writes `storage` and the files of both keys.
    pub(super) fn put(&self, storage: &str, keys: KeyPair) {
        self.write(STORAGE, storage.as_bytes());
        for (name, bytes) in keys.both() {
            self.write(&format!("{KEYS}/{name}"), bytes);
        }
    }

    fn bundle(&self, id: u8, name: &str) {
        let info = format!(
            "{id}\nlaunchpad:resources/install/0/{name}-1.0.jar\n32\n20\n1767225600000\n0\n"
        );
        let mut jar = ZipWriter::new(Cursor::new(Vec::new()));
        jar.start_file("META-INF/MANIFEST.MF", SimpleFileOptions::default())
            .unwrap();
        write!(
            jar,
            "Manifest-Version: 1.0\r\nBundle-Version: 1.0\r\nBundle-SymbolicName: {name}\r\n\r\n"
        )
        .unwrap();
        let jar = jar.finish().unwrap().into_inner();
        let bundle = format!("launchpad/felix/bundle{id}");
        self.write(&format!("{bundle}/bundle.info"), info.as_bytes());
        self.write(&format!("{bundle}/version0.0/bundle.jar"), &jar);
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// What `storage` says.
    pub(super) fn storage(&self) -> String {
        let bytes = fs::read(self.0.join(STORAGE)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A key of this name in its place.
    pub(super) fn key(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(KEYS).join(name)).ok()
    }

    /// The folders in which a command writes.
    pub(super) fn places(&self) -> [PathBuf; 2] {
        [STORAGE, KEYS].map(|place| {
            let path = self.0.join(place);
            match path.ends_with("storage") {
                true => path.parent().unwrap().to_owned(),
                false => path,
            }
        })
    }

    /// Both keys are in place, and are these.
    ///
    /// # Errors
    /// One is not.
    pub(super) fn has(&self, keys: KeyPair) -> Result<(), String> {
        for (name, bytes) in keys.both() {
            match self.key(name) {
                Some(there) if there == bytes => {}
                other => return Err(format!("{name} of {} is {other:02x?}", self.0.display())),
            }
        }
        Ok(())
    }

    /// These keys are in place, or whole in the directory of a backup.
    ///
    /// # Errors
    /// One is lost.
    pub(super) fn has_or_keeps(&self, keys: KeyPair, backup: &Path) -> Result<(), String> {
        let kept = super::files(backup);
        for (name, bytes) in keys.both() {
            let is_kept = kept.iter().any(|(_, kept)| kept == bytes);
            if self.key(name).as_deref() != Some(bytes) && !is_kept {
                return Err(format!(
                    "the {name} of before is lost in {}",
                    self.0.display()
                ));
            }
        }
        Ok(())
    }

    /// Whether AEM finds both keys in their files, each as it was before a copy or as that of the source; and those of before are
    /// kept.
    ///
    /// # Errors
    /// What is not so.
    pub(super) fn has_either(&self, own: KeyPair, source: KeyPair) -> Result<(), String> {
        if self.storage() != "Bundle" {
            return Err(format!("storage says {:?}", self.storage()));
        }
        for ((name, own), (_, new)) in own.both().into_iter().zip(source.both()) {
            match self.key(name) {
                Some(there) if there == own || there == new => {}
                other => return Err(format!("{name} is {other:02x?}")),
            }
        }
        self.has_or_keeps(own, &self.0.join("signet-replication"))
    }
}

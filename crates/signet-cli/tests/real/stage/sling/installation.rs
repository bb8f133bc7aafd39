//! One installation is made, and every test gets a copy of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::process::{self, DEFAULT_PASSWORD};
use super::{USER, client::Client, quickstart};
use crate::stage::example::copy;
use crate::stage::http::Request;
use crate::stage::{PASSWORD, ports};

/// An installation that has been started, and stopped.
#[derive(Debug)]
pub(super) struct Installation {
    /// The jar, which is only read.
    pub(super) quickstart: PathBuf,
    folder: PathBuf,
}

/// What it is made by, so that another is made when that changes.
const MAKERS: &[&str] = &[
    include_str!("installation.rs"),
    include_str!("process.rs"),
    include_str!("quickstart.rs"),
];

/// For how long one of other sources stays.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

impl Installation {
    /// The one for this run of the tests. It is made by the first that asks, or was by an earlier run.
    pub(super) fn get() -> &'static Self {
        static INSTALLATION: OnceLock<Installation> = OnceLock::new();
        INSTALLATION.get_or_init(|| {
            let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sling");
            fs::create_dir_all(&place).unwrap();
            // Another process may be making it.
            let lock = File::create(place.join("lock")).unwrap();
            lock.lock().unwrap();
            let path = place.join(hash());
            if !path.is_dir() {
                make(&place, &path);
            }
            Self {
                quickstart: path.join("quickstart.jar"),
                folder: path.join("crx-quickstart"),
            }
        })
    }

    /// Copies it to a folder that is not there yet.
    pub(super) fn copy_to(&self, folder: &Path) {
        copy(&self.folder, folder);
    }
}

fn make(place: &Path, path: &Path) {
    remove_old(place);
    let scratch = tempfile::tempdir_in(place).unwrap();
    let made = scratch.path().join("made");
    fs::create_dir(&made).unwrap();
    let (jar, folder) = (made.join("quickstart.jar"), made.join("crx-quickstart"));
    let content = quickstart::assemble(&jar, scratch.path());

    let port = ports::free();
    let client = Client::new(port, USER, DEFAULT_PASSWORD);
    let start = || process::start(&jar, &folder, port, &[], &scratch.path().join("log"));
    // While it configures itself for the first time, its repository is taken up and dropped half way.
    let mut program = start();
    process::until(&mut program, "everything installed", || {
        let configurations = files(&folder.join("launchpad/config"));
        client.running_bundles() > content.bundles && configurations.len() >= content.configurations
    });
    process::stop(&mut program);
    fs::remove_dir_all(folder.join("repository")).unwrap();

    let mut program = start();
    process::until(&mut program, "the first start", || client.is_ready());
    client.expect(
        200,
        Request::new("POST", "/system/userManager/user/admin.changePassword.json").form(&[
            ("oldPwd", DEFAULT_PASSWORD),
            ("newPwd", PASSWORD),
            ("newPwdConfirm", PASSWORD),
        ]),
    );
    process::stop(&mut program);
    fs::remove_dir_all(folder.join("logs")).unwrap();
    // Last, so that what was broken off is done again.
    fs::rename(made, path).unwrap();
}

/// Those of former sources are of no use any more, unless tests of a moment ago still run on them.
fn remove_old(place: &Path) {
    for entry in fs::read_dir(place).unwrap() {
        let entry = entry.unwrap();
        let modified = entry.metadata().unwrap().modified().unwrap();
        let is_old = modified.elapsed().is_ok_and(|age| age > KEPT);
        if entry.path().is_dir() && is_old {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

/// Of everything that it is made of.
fn hash() -> String {
    let mut hash = Sha256::new();
    for maker in MAKERS {
        hash.update(maker);
    }
    for path in files(&super::source("")) {
        hash.update(path.to_string_lossy().as_bytes());
        hash.update(fs::read(path).unwrap());
    }
    HEXLOWER.encode(&hash.finalize()[..16])
}

/// All below a directory, or none where there is no directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

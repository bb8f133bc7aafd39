mod faults;
mod hostile;
mod online;
mod refusals;
mod rehearsal;
mod takeover;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::inspection::tests::{Installation, RAW_HMAC, RAW_MASTER};
use crate::{KeyBytes, Storage};

/// An aide that keeps what it hears, in a run of the machine that began at a known time.
#[derive(Debug, Default)]
struct Listener {
    heard: Vec<StepReport>,
    hundredths: u64,
    since_epoch: Duration,
}

impl Aide for Listener {
    fn took(&mut self, report: StepReport) {
        self.heard.push(report);
    }

    fn moment(&self) -> Moment {
        Moment {
            boot: "this one".to_owned(),
            hundredths: self.hundredths,
        }
    }

    fn since_epoch(&self) -> Duration {
        self.since_epoch
    }
}

fn key(name: KeyName, bytes: &[u8]) -> KeyBytes {
    KeyBytes::new(name, Zeroizing::new(bytes.to_vec())).unwrap()
}

fn fetched() -> Fetched {
    Fetched {
        hmac: key(KeyName::Hmac, &RAW_HMAC),
        master: key(KeyName::Master, &RAW_MASTER),
        shapes: [None, None],
        url: None,
        is_unseen: false,
    }
}

fn open(installation: &Installation) -> Relocation {
    Relocation::open(&installation.root(), None).unwrap()
}

/// The three files as they are, with their modes.
type Files = [Option<(Vec<u8>, u32)>; 3];

fn files(installation: &Installation) -> Files {
    [
        "bundle20/data/storage",
        "bundle25/data/hmac",
        "bundle25/data/master",
    ]
    .map(|name| {
        let path = installation.felix().join(name);
        let mode = fs::symlink_metadata(&path).ok()?.permissions().mode() & 0o7777;
        Some((fs::read(path).unwrap(), mode))
    })
}

fn moved() -> Files {
    [
        Some((b"Bundle".to_vec(), 0o600)),
        Some((RAW_HMAC.to_vec(), 0o600)),
        Some((RAW_MASTER.to_vec(), 0o600)),
    ]
}

/// What was written beside the files and never took a place.
fn leftovers_of(installation: &Installation) -> Vec<PathBuf> {
    let mut waiting = vec![installation.root()];
    let mut left = Vec::new();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(".signet-") || name.starts_with("signet-rehearsal") {
                left.push(entry.path());
            }
        }
    }
    left
}

/// Keeps, switches, and returns what was heard.
fn relocate(installation: &Installation) -> Vec<StepReport> {
    let mut listener = Listener::default();
    let mut relocation = open(installation);
    relocation.keep(&fetched(), &mut listener).unwrap();
    assert_eq!(relocation.standing(), Standing::Kept);
    relocation.switch(&mut listener).unwrap();
    assert_eq!(relocation.standing(), Standing::Switched);
    listener.heard
}

#[test]
fn the_keys_are_moved_and_everything_before_is_kept() {
    let installation = Installation::upgraded();
    let storage = installation.felix().join("bundle20/data/storage");
    fs::set_permissions(&storage, fs::Permissions::from_mode(0o644)).unwrap();
    let before = files(&installation);
    let heard = relocate(&installation);
    let steps: Vec<_> = heard.iter().map(|report| report.step.number()).collect();
    assert_eq!(steps, [7, 9, 10, 11, 12]);

    let mut expected = moved();
    expected[0].as_mut().unwrap().1 = 0o644;
    assert_eq!(files(&installation), expected);
    assert_eq!(leftovers_of(&installation), [] as [PathBuf; 0]);
    let backup = installation.root().join(BACKUP);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&backup), 0o700);
    for (name, content) in [
        ("hmac", &RAW_HMAC[..]),
        ("master", &RAW_MASTER),
        ("storage.before", b"JCR"),
    ] {
        assert_eq!(fs::read(backup.join(name)).unwrap(), content, "{name}");
        assert_eq!(mode(&backup.join(name)), 0o600, "{name}");
    }

    let mut relocation = open(&installation);
    assert_eq!(relocation.standing(), Standing::Switched);
    assert!(relocation.go_back(&mut Listener::default()).unwrap());
    assert_eq!(relocation.standing(), Standing::NotBegun);
    assert_eq!(files(&installation), before);
}

#[test]
fn directories_that_an_administrator_put_elsewhere_are_reached_by_their_links() {
    let linked: [fn(&Installation) -> PathBuf; 3] = [
        Installation::root,
        |installation| installation.root().join("launchpad"),
        Installation::felix,
    ];
    for place in linked {
        let installation = Installation::upgraded();
        let (place, disk) = (place(&installation), tempfile::tempdir().unwrap());
        fs::rename(&place, disk.path().join("moved")).unwrap();
        symlink(disk.path().join("moved"), &place).unwrap();
        let before = files(&installation);
        relocate(&installation);
        assert_eq!(files(&installation), moved(), "{}", place.display());
        assert!(place.is_symlink());
        open(&installation)
            .go_back(&mut Listener::default())
            .unwrap();
        assert_eq!(files(&installation), before);
    }
}

#[test]
fn every_step_has_its_number() {
    let numbers = Step::ALL.map(Step::number);
    assert_eq!(numbers.to_vec(), (1..=15).collect::<Vec<_>>());
    for step in Step::ALL {
        assert!(step.as_str().len() <= 27, "{}", step.as_str());
    }
}

#[test]
fn a_newline_in_storage_is_mended_and_comes_back_with_it() {
    for trap in [
        &b"JCR\n"[..],
        b"Bundle\n",
        b"Bundle\r\n",
        b"\xef\xbb\xbfBundle",
    ] {
        let installation = Installation::upgraded();
        installation.write("bundle20/data/storage", trap);
        let before = files(&installation);
        relocate(&installation);
        assert_eq!(files(&installation), moved());
        open(&installation)
            .go_back(&mut Listener::default())
            .unwrap();
        assert_eq!(files(&installation), before);
    }
}

#[test]
fn other_files_in_the_new_place_are_kept_and_come_back() {
    let installation = Installation::upgraded();
    installation.write("bundle25/data/hmac", &[0xa5; 32]);
    installation.write("bundle25/data/master", b"");
    let hmac = installation.felix().join("bundle25/data/hmac");
    fs::set_permissions(&hmac, fs::Permissions::from_mode(0o644)).unwrap();
    let before = files(&installation);
    relocate(&installation);
    // Nothing for others, whatever the old file had.
    let mut expected = moved();
    expected[1].as_mut().unwrap().1 = 0o640;
    assert_eq!(files(&installation), expected);
    open(&installation)
        .go_back(&mut Listener::default())
        .unwrap();
    assert_eq!(files(&installation), before);
}

#[test]
fn a_data_folder_that_was_never_made_is_made() {
    let installation = Installation::upgraded();
    let data = installation.felix().join("bundle25/data");
    fs::remove_dir(&data).unwrap();
    fs::set_permissions(
        installation.felix().join("bundle25"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    relocate(&installation);
    assert_eq!(files(&installation), moved());
    let mode = fs::metadata(&data).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o750);
}

/// Holds the lock of the framework as AEM does.
fn lock(installation: &Installation) -> fs::File {
    let file = fs::File::create(installation.felix().join("cache.lock")).unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    file
}

#[test]
fn one_that_is_over_makes_room_for_another() {
    let installation = Installation::upgraded();
    relocate(&installation);
    open(&installation)
        .go_back(&mut Listener::default())
        .unwrap();
    assert_eq!(
        installation.codes(),
        ["KEYS_IN_REPOSITORY", "BACKUP_WITH_KEYS"]
    );
    relocate(&installation);
    let aside = installation.root().join("signet-relocation-1");
    assert_eq!(fs::read(aside.join("hmac")).unwrap(), RAW_HMAC);
    assert_eq!(
        installation.codes(),
        ["RELOCATION_UNFINISHED", "BACKUP_WITH_KEYS"]
    );
}

#[test]
fn an_unfinished_one_is_found_from_any_folder_on_the_way() {
    let installation = Installation::upgraded();
    open(&installation)
        .keep(&fetched(), &mut Listener::default())
        .unwrap();
    let inspection = installation.inspect();
    let finding = &inspection.findings[1];
    assert_eq!(finding.code, "RELOCATION_UNFINISHED");
    assert!(
        finding.remedy.contains("signet aem relocate"),
        "{finding:?}"
    );
    for folder in [
        installation.root().join("launchpad"),
        installation.felix(),
        installation.root().parent().unwrap().to_owned(),
    ] {
        let found = Relocation::open(&folder, None).unwrap();
        assert_eq!(found.standing(), Standing::Kept, "{}", folder.display());
    }
}

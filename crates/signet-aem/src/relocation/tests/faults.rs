//! Every change of a file fails once, in each way: what is left starts with all keys, and the same commands finish the work.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::dress::Dress;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accident {
    /// The disk is full for one step; what follows works.
    Full,
    /// The program is killed before the step: nothing works from then on.
    Before,
    /// After half of what the step writes.
    Torn,
    /// After the step.
    After,
}

/// A disk on which the step with the given number goes wrong.
#[derive(Debug)]
struct Faulty {
    accident: Accident,
    at: usize,
    steps: AtomicUsize,
}

impl Faulty {
    fn new(accident: Accident, at: usize) -> Arc<Self> {
        Arc::new(Self {
            accident,
            at,
            steps: AtomicUsize::new(0),
        })
    }

    fn happened(&self) -> bool {
        self.steps.load(Ordering::SeqCst) > self.at
    }

    fn step(
        &self,
        whole: impl FnOnce() -> io::Result<()>,
        half: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        if number < self.at || (number > self.at && self.accident == Accident::Full) {
            return whole();
        }
        if number > self.at {
            return Err(io::Error::other("killed"));
        }
        match self.accident {
            Accident::Full => return Err(io::Error::from_raw_os_error(28)),
            Accident::Before => {}
            Accident::Torn => half()?,
            Accident::After => whole()?,
        }
        Err(io::Error::other("killed"))
    }
}

impl Disk for Faulty {
    fn make_directory(&self, path: &Path, dress: Dress) -> io::Result<()> {
        self.step(
            || Os.make_directory(path, dress),
            || fs::DirBuilder::new().mode(0o700).create(path),
        )
    }

    fn write_new(&self, path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
        self.step(
            || write(path, bytes, dress),
            || fs::write(path, &bytes[..bytes.len() / 2]),
        )
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Os.rename(from, to), || Ok(()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.remove(path), || Ok(()))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.remove_directory(path), || Ok(()))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| fs::read_dir(path).map(|_| ()), || Ok(()))
    }
}

/// Without flushing, which takes most of the time and changes nothing that this could see.
fn write(path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
    let mut file = fs::OpenOptions::new();
    let mut file = file.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    dress.put_on(&file)
}

/// All that a run of the command does to files, as far as it comes.
fn run(installation: &Installation, disk: Arc<dyn Disk>) -> Result<(), RelocationError> {
    let mut listener = Listener::default();
    let mut relocation = Relocation::on(&installation.root(), None, disk)?;
    if relocation.standing() == Standing::NotBegun {
        relocation.keep(&fetched(), &mut listener)?;
    }
    relocation.switch(&mut listener)
}

fn back(installation: &Installation, disk: Arc<dyn Disk>) -> Result<(), RelocationError> {
    let mut relocation = Relocation::on(&installation.root(), None, disk)?;
    relocation.go_back(&mut Listener::default())?;
    Ok(())
}

/// AEM would find its keys: in the repository, where they stay all along, or both in files.
fn assert_it_starts(installation: &Installation, what: &str) {
    let [storage, hmac, master] = files(installation);
    let storage = storage.unwrap().0;
    if storage == b"JCR" {
        return;
    }
    assert_eq!(storage, b"Bundle", "{what}");
    assert_eq!(hmac.unwrap().0, RAW_HMAC, "{what}");
    assert_eq!(master.unwrap().0, RAW_MASTER, "{what}");
}

/// Lets each step of `command` go wrong in each way, on a fresh installation each time.
fn everywhere(
    prepare: impl Fn() -> Installation,
    command: fn(&Installation, Arc<dyn Disk>) -> Result<(), RelocationError>,
    check: impl Fn(&Installation, &str),
) -> usize {
    let mut accidents = 0;
    for accident in [
        Accident::Full,
        Accident::Before,
        Accident::Torn,
        Accident::After,
    ] {
        for at in 0.. {
            let installation = prepare();
            let disk = Faulty::new(accident, at);
            let result = command(&installation, disk.clone());
            if !disk.happened() {
                result.unwrap();
                break;
            }
            accidents += 1;
            let what = format!("{accident:?} at {at}: {result:?}");
            assert_it_starts(&installation, &what);
            check(&installation, &what);
        }
    }
    accidents
}

#[test]
fn moving_survives_every_accident_and_is_completed() {
    let accidents = everywhere(Installation::upgraded, run, |installation, what| {
        run(installation, Arc::new(Os)).unwrap();
        assert_eq!(files(installation), moved(), "{what}");
        assert_eq!(leftovers_of(installation), [] as [PathBuf; 0], "{what}");
        assert_eq!(open(installation).standing(), Standing::Switched, "{what}");
    });
    assert!(accidents > 100, "{accidents}");
}

#[test]
fn moving_survives_every_accident_and_is_taken_back() {
    everywhere(Installation::upgraded, run, |installation, what| {
        match back(installation, Arc::new(Os)) {
            // Before the journal was there, nothing was begun.
            Ok(()) | Err(RelocationError::NotBegun(_)) => {}
            Err(error) => panic!("{what}: {error}"),
        }
        let expected = [Some((b"JCR".to_vec(), 0o600)), None, None];
        assert_eq!(files(installation), expected, "{what}");
    });
}

#[test]
fn the_way_back_survives_every_accident() {
    let prepare = || {
        let installation = Installation::upgraded();
        relocate(&installation);
        installation
    };
    let accidents = everywhere(prepare, back, |installation, what| {
        back(installation, Arc::new(Os)).unwrap();
        let expected = [Some((b"JCR".to_vec(), 0o600)), None, None];
        assert_eq!(files(installation), expected, "{what}");
        assert_eq!(leftovers_of(installation), [] as [PathBuf; 0], "{what}");
    });
    assert!(accidents > 40, "{accidents}");
}

#[test]
fn a_data_folder_that_is_missing_survives_every_accident() {
    let prepare = || {
        let installation = Installation::upgraded();
        fs::remove_dir(installation.felix().join("bundle25/data")).unwrap();
        installation
    };
    everywhere(prepare, run, |installation, what| {
        run(installation, Arc::new(Os)).unwrap();
        assert_eq!(files(installation), moved(), "{what}");
        assert_eq!(leftovers_of(installation), [] as [PathBuf; 0], "{what}");
    });
    everywhere(prepare, run, |installation, what| {
        let back = back(installation, Arc::new(Os));
        assert!(
            matches!(back, Ok(()) | Err(RelocationError::NotBegun(_))),
            "{what}: {back:?}"
        );
        let expected = [Some((b"JCR".to_vec(), 0o600)), None, None];
        assert_eq!(files(installation), expected, "{what}");
    });
}

#[test]
fn a_second_one_survives_every_accident() {
    let prepare = || {
        let installation = Installation::upgraded();
        relocate(&installation);
        back(&installation, Arc::new(Os)).unwrap();
        installation
    };
    everywhere(prepare, run, |installation, what| {
        run(installation, Arc::new(Os)).unwrap();
        assert_eq!(files(installation), moved(), "{what}");
    });
}

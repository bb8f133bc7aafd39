//! A disk that is full from one step on.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::disk::Disk;
use crate::dress::Dress;

/// A disk that is full from one step on.
#[derive(Debug)]
struct Full {
    steps: AtomicUsize,
    good: usize,
}

impl Full {
    fn after(good: usize) -> &'static Self {
        Box::leak(Box::new(Self {
            steps: AtomicUsize::new(0),
            good,
        }))
    }

    fn step(&self, step: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.steps.fetch_add(1, Ordering::Relaxed) < self.good {
            true => step(),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Whether it was asked for more than it could do.
    fn has_failed(&self) -> bool {
        self.steps.load(Ordering::Relaxed) > self.good
    }
}

impl Disk for Full {
    fn make_directory(&self, path: &Path, dress: Dress) -> io::Result<()> {
        self.step(|| Os.make_directory(path, dress))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], dress: Dress) -> io::Result<()> {
        self.step(|| Os.write_new(path, bytes, dress))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Os.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.remove(path))
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.remove_directory(path))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Os.sync_directory(path))
    }
}

/// Each key is the old or the new one, whole, and the old ones are somewhere.
fn assert_nothing_lost(target: &Installation, step: usize) {
    for (name, old, new) in [
        ("hmac", bits::<32>(1).to_vec(), RAW_HMAC.to_vec()),
        ("master", bits::<16>(1).to_vec(), RAW_MASTER.to_vec()),
    ] {
        let now = key(target, name);
        assert!(now == old || now == new, "{name} at step {step}");
        let kept = fs::read(backup(target).join(name));
        assert!(now == old || kept.unwrap() == old, "{name} at step {step}");
    }
}

#[test]
fn a_disk_that_is_full_at_any_step_loses_nothing() {
    let author = Installation::fresh();
    let source = source(&author);
    let mut steps = 0;
    loop {
        let target = publish(1);
        let disk = Full::after(steps);
        let mut plan = plan(&source, &[&target]).unwrap();
        plan.targets[0].disk = disk;
        let done = plan.targets[0].apply(&source, Ground::Stopped);
        assert_nothing_lost(&target, steps);
        if !disk.has_failed() {
            done.unwrap();
            break;
        }
        let error = done.unwrap_err();
        assert!(error.hint().contains("full"), "step {steps}: {error:?}");
        // The same command completes it, and nothing is left beside the keys.
        apply(&source, &target).unwrap();
        assert!(has_source_keys(&target), "step {steps}");
        assert_eq!(names(&target), ["hmac", "master"], "step {steps}");
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
}

#[test]
fn a_way_back_on_a_full_disk_loses_nothing() {
    let author = Installation::fresh();
    let source = source(&author);
    let mut steps = 0;
    loop {
        let target = publish(1);
        apply(&source, &target).unwrap();
        let disk = Full::after(steps);
        let mut undo = Undo::find(&target.root()).unwrap();
        undo.disk = disk;
        let done = undo.apply(Ground::Stopped);
        assert_nothing_lost(&target, steps);
        if !disk.has_failed() {
            done.unwrap();
            break;
        }
        done.unwrap_err();
        let again = Undo::find(&target.root()).unwrap();
        again.apply(Ground::Stopped).unwrap();
        assert_eq!(key(&target, "hmac"), bits::<32>(1), "step {steps}");
        assert_eq!(key(&target, "master"), bits::<16>(1), "step {steps}");
        assert_eq!(names(&target), ["hmac", "master"], "step {steps}");
        steps += 1;
    }
    assert!(steps > 8, "{steps}");
}

use std::error::Error;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::testing::{Accident, Faulty};

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

// K2
#[test]
fn a_file_is_flushed_before_it_takes_its_place() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("signet.toml");
    let disk = Faulty::new(Accident::Full, usize::MAX);
    write_on(&*disk, &path, b"new").unwrap();
    assert_eq!(
        *disk.log.lock().unwrap(),
        ["create", "write", "sync", "rename", "sync directory"]
    );
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn what_is_written_piece_by_piece_is_there_whole_or_not_at_all() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("journal");
    let pieces = |count: usize| {
        write_with(&path, |file| {
            (0..count).try_for_each(|piece| write!(file, "{piece:1000}"))
        })
    };
    pieces(200).unwrap();
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written.len(), 200 * 1000);
    assert!(written.ends_with(" 199"));
    assert_eq!(mode(&path), 0o600);

    let error = write_with(&path, |file| {
        file.write_all(&[b'x'; 2 * BUFFER])?;
        Err(ErrorKind::StorageFull.into())
    });
    assert_eq!(error.unwrap_err().step, Step::Write);
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    assert_eq!(names(directory.path()), ["journal"]);
}

// K2
#[test]
fn whatever_step_fails_the_file_is_the_old_one_or_the_new_one() {
    for accident in [Accident::Full, Accident::CrashBefore, Accident::CrashAfter] {
        for at in 0..5 {
            let directory = TempDir::new().unwrap();
            let path = directory.path().join("file");
            write(&path, b"the old content").unwrap();
            let error = write_on(&*Faulty::new(accident, at), &path, b"the new").unwrap_err();
            let content = fs::read(&path).unwrap();
            let renamed = at == 4 || (at == 3 && accident == Accident::CrashAfter);
            let expected: &[u8] = if renamed {
                b"the new"
            } else {
                b"the old content"
            };
            assert_eq!(content, expected, "{accident:?} at {at}: {error}");
            if accident == Accident::Full {
                assert_eq!(names(directory.path()), ["file"], "nothing is left behind");
            }
            // What a crash left behind has a safe mode, and the next write removes it.
            for name in names(directory.path()) {
                assert_eq!(mode(&directory.path().join(name)), 0o600);
            }
            write(&path, b"the newest").unwrap();
            assert_eq!(names(directory.path()), ["file"]);
        }
    }
}

#[test]
fn a_full_disk_is_named_as_such() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    let error = write_on(&*Faulty::new(Accident::Full, 1), &path, b"x").unwrap_err();
    let shown = path.display();
    assert_eq!(
        error.to_string(),
        format!("cannot write {shown}: writing a temporary file beside it failed")
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "No space left on device (os error 28)"
    );
    assert_eq!(
        error.hint(),
        format!("the disk that holds {shown} is full: make room and repeat; nothing was lost")
    );
}

#[test]
fn a_read_only_file_system_is_named_as_such() {
    let source = io::Error::from_raw_os_error(30);
    let error = failure(Path::new("/mnt/file"), Step::Create, source);
    assert_eq!(
        error.hint(),
        "/mnt/file is on a read-only file system: change it where it is mounted from"
    );
}

#[test]
fn a_missing_directory_is_an_error() {
    let directory = TempDir::new().unwrap();
    let error = write(&directory.path().join("no/file"), b"x").unwrap_err();
    assert_eq!(
        (error.step, error.source.kind()),
        (Step::Create, ErrorKind::NotFound)
    );
}

#[test]
fn only_leftovers_are_swept_away() {
    let directory = TempDir::new().unwrap();
    let kept = [
        ".tmp-",
        ".tmp-0123456789abcdeX",
        ".tmp-0123456789abcdef0",
        "x.swp",
    ];
    for name in kept.iter().chain(&[".tmp-0123456789abcdef"]) {
        fs::write(directory.path().join(name), "").unwrap();
    }
    let written_just_now = Os.create(&directory.path().join(".tmp-00000000000000aa"));
    sweep(&Os, directory.path());
    let mut expected: Vec<_> = kept.to_vec();
    expected.push(".tmp-00000000000000aa");
    expected.sort_unstable();
    assert_eq!(names(directory.path()), expected);
    drop(written_just_now);
}

#[test]
fn writers_at_the_same_time_leave_one_whole_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    std::thread::scope(|scope| {
        for letter in [b'a', b'b', b'c'] {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    write(path, &[letter; 10_000]).unwrap();
                    let content = fs::read(path).unwrap();
                    assert_eq!(content.len(), 10_000);
                    assert!(content.iter().all(|byte| Some(byte) == content.first()));
                }
            });
        }
    });
    assert_eq!(names(directory.path()), ["file"]);
}

#[test]
fn a_file_that_is_being_written_is_no_leftover() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    let finished = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !finished.load(std::sync::atomic::Ordering::SeqCst) {
                sweep(&Os, directory.path());
            }
        });
        let results: Vec<_> = (0..300)
            .map(|_| write(&path, b"x").map_err(|error| error.to_string()))
            .collect();
        finished.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    });
}

#[test]
fn a_symbolic_link_is_replaced_and_what_it_points_to_is_not_touched() {
    let directory = TempDir::new().unwrap();
    let (link, target) = (
        directory.path().join("link"),
        directory.path().join("target"),
    );
    fs::write(&target, "precious").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    write(&link, b"new").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
}

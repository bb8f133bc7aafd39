//! A copy on which all of it is tried.

use super::*;

#[test]
fn a_rehearsal_leaves_nothing_behind() {
    let installation = Installation::upgraded();
    let held = lock(&installation);
    let before = files(&installation);
    let relocation = open(&installation);
    let expected = Rehearsal::survey(&relocation).unwrap();
    let mut copied = 0;
    let rehearsal = Rehearsal::copy(&relocation, |_| {}, &mut |bytes| {
        copied += bytes;
        true
    })
    .unwrap();
    assert_eq!(copied, expected);
    let mut copy = Relocation::open(&rehearsal.folder(), None).unwrap();
    assert_eq!(copy.running(), Running::No);
    copy.keep(&fetched(), &mut Listener::default()).unwrap();
    copy.switch(&mut Listener::default()).unwrap();
    let found = inspection_of(&rehearsal.folder());
    assert_eq!(found.storage, Storage::Bundle);
    assert_eq!(files(&installation), before);
    // As one that was killed is found.
    assert_eq!(
        installation.codes(),
        ["KEYS_IN_REPOSITORY", "BACKUP_WITH_KEYS"]
    );
    drop((copy, rehearsal));
    assert_eq!(installation.codes(), ["KEYS_IN_REPOSITORY"]);
    assert_eq!(leftovers_of(&installation), [] as [PathBuf; 0]);

    let cancelled = Rehearsal::copy(&relocation, |_| {}, &mut |_| false);
    assert!(matches!(cancelled, Err(RelocationError::Cancelled)));
    assert_eq!(leftovers_of(&installation), [] as [PathBuf; 0]);

    // Taken away by somebody else in the middle.
    let mut place = PathBuf::new();
    let begun = |root: &Path| place = root.to_owned();
    let copied = Rehearsal::copy(&relocation, begun, &mut |_| true).unwrap();
    Rehearsal::abandon(&place).unwrap();
    let again = Relocation::open(&copied.folder(), None);
    assert!(again.is_err(), "{again:?}");
    Rehearsal::abandon(&place).unwrap();
    drop(copied);
    assert_eq!(leftovers_of(&installation), [] as [PathBuf; 0]);
    drop(held);
}

fn inspection_of(folder: &Path) -> Inspection {
    crate::inspect(folder).unwrap()
}

//! A move that fails, or dies, anywhere.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{Accident, Faulty};

/// What a move that met an accident came to.
struct Wreck {
    place: Place,
    disk: Arc<Faulty>,
    result: Result<Relocated, RelocationFailure>,
}

/// Moves keys from `provider`, and lets step number `at` of what is written go wrong.
fn wreck(provider: ProviderName, accident: Accident, at: usize) -> Wreck {
    let place = Place::with(provider);
    let disk = Faulty::new(accident, at);
    let relocation = Relocation::on(
        &place.farm.keys(),
        Guard::new(Custody::Private),
        disk.clone(),
        Some(place.rows.on(&disk)),
    );
    let order = place.order(Destination::Place(provider.other()));
    let result = relocation.run(&order, &Sealer, &mut Aide::default());
    Wreck {
        place,
        disk,
        result,
    }
}

/// The steps that write, so each of them can fail.
const WRITING: [RelocationStep; 6] = [
    RelocationStep::Journal,
    RelocationStep::Backup,
    RelocationStep::Write,
    RelocationStep::Switch,
    RelocationStep::Remove,
    RelocationStep::Trace,
];

/// Lets every single write, flush, rename and removal go wrong, in each way and both directions.
/// Returns how many accidents there were.
fn everywhere(mut check: impl FnMut(Accident, Wreck)) -> usize {
    let mut accidents = 0;
    for provider in ProviderName::ALL {
        for accident in [Accident::Full, Accident::CrashBefore, Accident::CrashAfter] {
            let mut steps = BTreeSet::new();
            for at in 0.. {
                let wreck = wreck(provider, accident, at);
                if !wreck.disk.happened() {
                    wreck.result.unwrap();
                    break;
                }
                accidents += 1;
                if let Err(failure) = &wreck.result {
                    steps.insert(failure.step);
                }
                check(accident, wreck);
            }
            let covered: Vec<_> = steps.into_iter().collect();
            assert_eq!(covered, WRITING, "{provider} {accident:?}");
        }
    }
    accidents
}

// Invariant 6
#[test]
fn a_move_that_fails_or_dies_anywhere_loses_no_key_and_can_be_finished() {
    let mut problems = BTreeSet::new();
    let accidents = everywhere(|accident, wreck| {
        let Wreck {
            place,
            disk,
            result,
        } = wreck;
        let (at, to) = (disk.log.lock().unwrap().len(), &result);
        // A start finds all keys.
        let loaded = place.store().load(None).unwrap();
        assert_eq!(loaded.keys.len(), 3, "{accident:?} at {at}: {to:?}");
        assert_eq!(place.states(), all_states());
        assert!(loaded.ring().active().is_some());
        problems.extend(loaded.problems.iter().map(|problem| problem.reason()));
        // Once more finishes, in either direction.
        for to in [FILE, REPOSITORY] {
            place.run(to).unwrap();
            let Destination::Place(provider) = to else {
                continue;
            };
            place.is_settled(provider);
            assert_eq!(place.states(), all_states());
            assert_eq!(place.run(to).unwrap().deed, Deed::Nothing);
        }
    });
    // Two directions, some thirty writes, flushes, renames and removals, and each goes wrong in three ways.
    assert!(accidents > 180, "{accidents}");
    let expected = [
        "moving the keys to files was begun and not finished",
        "moving the keys to the repository was begun and not finished",
    ];
    assert_eq!(problems.into_iter().collect::<Vec<_>>(), expected);
}

// Invariant 6
#[test]
fn a_move_that_dies_anywhere_can_be_taken_back() {
    everywhere(|accident, wreck| {
        let Wreck { place, result, .. } = wreck;
        // Without a note and without a backup, there is nothing to take back.
        let is_noted = place.farm.keys().join(JOURNAL).exists();
        if accident == Accident::Full || !is_noted {
            return;
        }
        let origin = match result {
            Err(_) => place.run(Destination::Back).unwrap().to,
            Ok(_) => return,
        };
        place.is_settled(origin);
        assert_eq!(place.states(), all_states());
    });
}

#[test]
fn a_move_that_fails_before_anything_is_removed_leaves_everything_as_it_was() {
    let mut put_back = 0;
    everywhere(|accident, wreck| {
        let Wreck { place, result, .. } = wreck;
        // A flush of a directory that fails is no reason to stop where the file is there.
        let Err(failure) = result else { return };
        if accident != Accident::Full || failure.step >= RelocationStep::Remove {
            return;
        }
        let from = match &failure.aftermath {
            Aftermath::PutBack => place.store().provider().unwrap().name(),
            other => panic!("{other:?} {failure}"),
        };
        put_back += 1;
        let fresh = Place::with(from);
        let names = |place: &Place| -> Vec<_> {
            let root = place.farm.root.path().to_owned();
            let snapshot = place.snapshot().into_iter();
            let name = |(path, bytes): (PathBuf, Vec<u8>)| {
                (path.strip_prefix(&root).unwrap().to_owned(), bytes)
            };
            snapshot.map(name).collect()
        };
        assert_eq!(names(&place), names(&fresh), "{failure}");
    });
    assert!(put_back > 50, "{put_back}");
}

/// Dies somewhere, and the move that is to finish it dies somewhere, too.
// Invariant 6
#[test]
fn two_accidents_in_a_row_lose_no_key_either() {
    for first in (0..).step_by(5) {
        let start = wreck(ProviderName::Repository, Accident::CrashAfter, first);
        if !start.disk.happened() {
            break;
        }
        for second in (0..).step_by(7) {
            let Wreck { place, .. } = wreck(ProviderName::Repository, Accident::CrashAfter, first);
            let disk = Faulty::new(Accident::CrashBefore, second);
            let relocation = Relocation::on(
                &place.farm.keys(),
                Guard::new(Custody::Private),
                disk.clone(),
                Some(place.rows.on(&disk)),
            );
            let result = relocation.run(&place.order(FILE), &Sealer, &mut Aide::default());
            assert_eq!(place.states(), all_states(), "{first} {second} {result:?}");
            place.run(FILE).unwrap();
            place.is_settled(ProviderName::File);
            if !disk.happened() {
                break;
            }
        }
    }
}

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::Mutex;

use signet_core::KeyState;

use super::*;
use crate::testing::{key, master, place};

/// More than four batches.
const MANY: usize = 2_000;

/// Nothing here ever waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accident {
    /// It fails and does nothing, and so does every later one: the process is gone.
    Before,
    /// It does its work, and then the process is gone.
    After,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Lost;

/// A store in memory in which the call with the given number goes wrong.
#[derive(Default)]
struct Store {
    state: Mutex<State>,
    accident: Option<(Accident, usize)>,
    calls: Mutex<usize>,
    /// What somebody else does just before the staged values are put in force, once each.
    meanwhile: Mutex<Vec<fn(&mut State)>>,
}

#[derive(Default, Clone)]
struct State {
    values: BTreeMap<String, String>,
    staged: BTreeMap<String, Resealed>,
    /// How many values were ever staged.
    work: usize,
    largest_page: usize,
}

impl Store {
    fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = values.into_iter().collect();
        let state = State {
            values,
            ..State::default()
        };
        state.into()
    }

    fn call<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, Lost> {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        match self.accident {
            Some((Accident::Before, at)) if *calls >= at => return Err(Lost),
            Some((Accident::After, at)) if *calls > at => return Err(Lost),
            _ => {}
        }
        let done = work(&mut self.state.lock().unwrap());
        match self.accident {
            Some((Accident::After, at)) if *calls == at => Err(Lost),
            _ => Ok(done),
        }
    }

    fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }
}

impl From<State> for Store {
    fn from(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            ..Self::default()
        }
    }
}

impl SealedStore for Store {
    type Error = Lost;

    async fn values_after(&self, after: &str, limit: u32) -> Result<Vec<(String, String)>, Lost> {
        self.call(|state| {
            let behind = state
                .values
                .iter()
                .filter(|(place, _)| place.as_str() > after);
            let page: Vec<_> = behind
                .take(limit as usize)
                .map(|(place, value)| (place.clone(), value.clone()))
                .collect();
            state.largest_page = state.largest_page.max(page.len());
            page
        })
    }

    async fn staged_after(&self, after: &str, limit: u32) -> Result<Vec<Resealed>, Lost> {
        self.call(|state| {
            let behind = state
                .staged
                .values()
                .filter(|row| row.place.as_str() > after);
            behind.take(limit as usize).cloned().collect()
        })
    }

    async fn stage(&self, batch: &[Resealed]) -> Result<(), Lost> {
        self.call(|state| {
            state.work += batch.len();
            let rows = batch.iter().map(|row| (row.place.clone(), row.clone()));
            state.staged.extend(rows);
        })
    }

    async fn apply(&self) -> Result<Applied, Lost> {
        let meanwhile = self.meanwhile.lock().unwrap().pop();
        self.call(|state| {
            if let Some(meanwhile) = meanwhile {
                meanwhile(state);
            }
            let is_present = |row: &Resealed| state.values.get(&row.place) == Some(&row.was);
            if !state.staged.values().all(is_present) {
                return Applied::Conflict;
            }
            let staged = core::mem::take(&mut state.staged);
            let count = staged.len() as u64;
            let rows = staged.into_values().map(|row| (row.place, row.value));
            state.values.extend(rows);
            Applied::All(count)
        })
    }

    async fn discard(&self) -> Result<(), Lost> {
        self.call(|state| state.staged.clear())
    }
}

fn name(number: usize) -> String {
    format!("client/c{number:05}/secret")
}

fn secret(number: usize) -> String {
    format!("the secret of {number}")
}

/// So many values, sealed with the key 1; the master has the key 2 beside it.
fn sealed(count: usize) -> (MasterKeys, Vec<(String, String)>) {
    let old = master([key(1, KeyState::Active)]);
    let values = (0..count).map(|number| {
        let value = old.seal(&place(&name(number)), secret(number).as_bytes());
        (name(number), value.unwrap().to_string())
    });
    (rotated(), values.collect())
}

fn rotated() -> MasterKeys {
    master([key(1, KeyState::VerifyOnly), key(2, KeyState::Active)])
}

fn run(master: &MasterKeys, store: &Store) -> Result<u64, ResealError<Lost>> {
    now(reseal(master, store, &mut |_| {}))
}

/// Every value opens, and is what it was.
fn all_open(master: &MasterKeys, state: &State, count: usize) {
    assert_eq!(state.values.len(), count);
    for number in 0..count {
        let value = &state.values[&name(number)];
        let opened = master.open_text(&place(&name(number)), value).unwrap();
        assert_eq!(opened.as_slice(), secret(number).as_bytes());
    }
}

fn keys_of(state: &State) -> Vec<KeyId> {
    let mut keys: Vec<_> = state
        .values
        .values()
        .map(|value| value.parse::<SealedValue>().unwrap().key())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[test]
fn everything_is_sealed_with_the_active_key() {
    let (master, values) = sealed(MANY);
    let store = Store::of(values);
    let mut steps = Vec::new();
    let count = now(reseal(&master, &store, &mut |done| steps.push(done))).unwrap();
    assert_eq!(count, MANY as u64);
    assert_eq!(steps, [500, 1_000, 1_500, 2_000]);
    let state = store.state();
    all_open(&master, &state, MANY);
    assert_eq!(keys_of(&state), [master.sealing().unwrap()]);
    assert!(state.staged.is_empty());
    assert_eq!(state.largest_page, BATCH as usize);

    assert_eq!(run(&master, &store).unwrap(), 0);
    assert_eq!(store.state().values, state.values);
}

// Invariant 6
#[test]
fn whatever_call_fails_every_value_opens_and_the_next_run_finishes() {
    let (master, values) = sealed(MANY);
    let mut at = 0;
    loop {
        at += 1;
        let mut is_over = false;
        for accident in [Accident::Before, Accident::After] {
            let mut store = Store::of(values.clone());
            store.accident = Some((accident, at));
            match run(&master, &store) {
                Err(ResealError::Store(Lost)) => {}
                Ok(count) => {
                    assert_eq!(count, MANY as u64);
                    is_over = true;
                }
                Err(other) => panic!("{other:?}"),
            }
            let state = store.state();
            all_open(&master, &state, MANY);
            // All or nothing.
            assert_eq!(keys_of(&state).len(), 1, "{accident:?} {at}");

            let done_before = state.work;
            let store = Store::from(state);
            run(&master, &store).unwrap();
            let state = store.state();
            all_open(&master, &state, MANY);
            assert_eq!(keys_of(&state), [master.sealing().unwrap()]);
            // What was staged before the crash was not done again.
            assert_eq!(state.work, MANY, "{accident:?} {at}: {done_before}");
        }
        if is_over {
            break;
        }
    }
    // Four pages, each read, looked up and staged, the end, and putting in force.
    assert!(at > 10, "{at}");
}

// K10
#[test]
fn one_value_that_does_not_open_stops_all() {
    let (master, mut values) = sealed(MANY);
    // The value of another place, which is what cut and paste makes of it.
    values[1_700].1 = values[3].1.clone();
    let before: BTreeMap<_, _> = values.iter().cloned().collect();
    let store = Store::of(values);
    let Err(ResealError::Closed { place, error }) = run(&master, &store) else {
        panic!("it was taken for its own");
    };
    assert_eq!(place, name(1_700));
    assert_eq!(error.code(), "SECRET_NOT_FOR_THIS_PLACE");
    assert_eq!(store.state().values, before);

    let only_new = crate::testing::master([key(2, KeyState::Active)]);
    let error = run(&only_new, &store).unwrap_err();
    assert!(matches!(
        error,
        ResealError::Closed {
            error: OpenError::KeyMissing { .. },
            ..
        }
    ));
    assert_eq!(store.state().values, before);
}

#[test]
fn what_is_no_sealed_value_is_named() {
    for (place, value, code) in [
        ("client/ims/secret", "p8e-s3cret", "SECRET_FORMAT"),
        ("Client IMS", "sealed:v1:", "SECRET_PLACE"),
    ] {
        let store = Store::of([(place.to_owned(), value.to_owned())]);
        let Err(ResealError::Closed {
            place: named,
            error,
        }) = run(&rotated(), &store)
        else {
            panic!("{place} was sealed");
        };
        assert_eq!((named.as_str(), error.code()), (place, code));
    }
}

// K8
#[test]
fn a_revoked_key_is_left_behind() {
    let (_, values) = sealed(10);
    let master = master([key(1, KeyState::Revoked), key(2, KeyState::Active)]);
    let store = Store::of(values);
    assert_eq!(run(&master, &store).unwrap(), 10);
    all_open(&master, &store.state(), 10);
}

#[test]
fn without_an_active_key_nothing_is_done() {
    let (_, values) = sealed(3);
    let store = Store::of(values);
    let master = master([key(1, KeyState::VerifyOnly)]);
    assert!(matches!(
        run(&master, &store),
        Err(ResealError::Seal(SealError::NoActiveKey))
    ));
    assert!(store.state().staged.is_empty());
}

#[test]
fn a_value_changed_meanwhile_is_not_lost() {
    let (master, values) = sealed(1_200);
    let store = Store::of(values);
    *store.meanwhile.lock().unwrap() = vec![
        // One is changed by somebody who does not know the new key yet, one by somebody who does.
        |state| {
            let old = crate::testing::master([key(1, KeyState::Active)]);
            let value = old.seal(&place(&name(7)), b"changed").unwrap();
            state.values.insert(name(7), value.to_string());
        },
        |state| {
            let value = rotated().seal(&place(&name(600)), b"new").unwrap();
            state.values.insert(name(600), value.to_string());
        },
        // One goes, another comes.
        |state| {
            state.values.remove(&name(1_199));
            let value = rotated().seal(&place("another"), b"one").unwrap();
            state.values.insert("another".to_owned(), value.to_string());
        },
    ];
    run(&master, &store).unwrap();
    let state = store.state();
    assert_eq!(keys_of(&state), [master.sealing().unwrap()]);
    assert!(!state.values.contains_key(&name(1_199)));
    for (belongs, secret) in [
        (name(7), "changed"),
        (name(600), "new"),
        ("another".to_owned(), "one"),
        (name(8), "the secret of 8"),
    ] {
        let opened = master.open_text(&place(&belongs), &state.values[&belongs]);
        assert_eq!(opened.unwrap().as_slice(), secret.as_bytes(), "{belongs}");
    }
}

#[test]
fn what_changes_for_ever_is_given_up() {
    fn change(state: &mut State) {
        let value = master([key(1, KeyState::Active)]).seal(&place(&name(0)), b"again");
        state.values.insert(name(0), value.unwrap().to_string());
    }
    let (master, values) = sealed(3);
    let store = Store::of(values);
    *store.meanwhile.lock().unwrap() = vec![change; PATIENCE];
    assert!(matches!(run(&master, &store), Err(ResealError::Restless)));
    assert_eq!(run(&master, &store).unwrap(), 3);
}

#[test]
fn what_was_staged_under_an_older_key_or_damaged_is_redone() {
    let (second, values) = sealed(3);
    let mut store = Store::of(values);
    // Staged with the key 2, but then there was a key 3.
    store.accident = Some((Accident::After, 3));
    assert!(run(&second, &store).is_err());
    let mut state = store.state();
    assert_eq!(state.staged.len(), 3);
    let damaged = state.staged.get_mut(&name(1)).unwrap();
    damaged.value.replace_range(50..54, "AAAA");
    let third = master([
        key(1, KeyState::VerifyOnly),
        key(2, KeyState::VerifyOnly),
        key(3, KeyState::Active),
    ]);
    for (master, redone) in [(&second, 1), (&third, 3)] {
        let store = Store::from(state.clone());
        run(master, &store).unwrap();
        let after = store.state();
        all_open(master, &after, 3);
        assert_eq!(keys_of(&after), [master.sealing().unwrap()]);
        assert_eq!(after.work - state.work, redone);
    }
}

#[test]
fn debug_output_holds_no_value() {
    let row = Resealed {
        place: "a/b".to_owned(),
        was: "old".to_owned(),
        value: "new".to_owned(),
    };
    assert_eq!(format!("{row:?}"), "Resealed(a/b)");
}

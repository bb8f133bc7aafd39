use std::fs;

use proptest::prelude::*;

use super::*;
use crate::log::tests::Scratch;

#[test]
fn an_altered_line_is_named() {
    let scratch = Scratch::with(4);
    let mut lines = scratch.lines();
    lines[1] = lines[1].replace("\"object\":\"2\"", "\"object\":\"9\"");
    scratch.replace(&lines);
    assert_eq!(scratch.problems(), [(2, Reason::Altered { seq: 2 })]);
}

#[test]
fn a_line_that_was_altered_with_its_hash_is_named() {
    let scratch = Scratch::with(4);
    let other = Scratch::with(1);
    other.add("9");
    let mut lines = scratch.lines();
    lines[1].clone_from(&other.lines()[1]);
    scratch.replace(&lines);
    assert_eq!(scratch.problems(), [(3, Reason::Replaced { seq: 3 })]);
    // The last one is followed by nothing; the head knows.
    lines = other.lines();
    let scratch = Scratch::with(2);
    scratch.replace(&lines);
    assert_eq!(scratch.problems(), [(2, Reason::Other { seq: 2 })]);
}

#[test]
fn removed_lines_are_named() {
    let scratch = Scratch::with(6);
    let mut lines = scratch.lines();
    lines.drain(1..3);
    scratch.replace(&lines);
    let missing = Reason::Missing { first: 2, last: 3 };
    assert_eq!(scratch.problems(), [(2, missing)]);
    lines.remove(0);
    scratch.replace(&lines);
    let missing = Reason::Missing { first: 1, last: 3 };
    assert_eq!(scratch.problems(), [(1, missing)]);
}

#[test]
fn an_inserted_line_is_named() {
    let scratch = Scratch::with(4);
    let mut lines = scratch.lines();
    lines.insert(3, lines[1].clone());
    scratch.replace(&lines);
    let misplaced = Reason::Misplaced {
        seq: 2,
        expected: 4,
    };
    assert_eq!(scratch.problems(), [(4, misplaced)]);
    lines[3] = "{\"forged\":true}".to_owned();
    scratch.replace(&lines);
    assert_eq!(scratch.problems(), [(4, Reason::Foreign)]);
}

#[test]
fn reordered_lines_are_named() {
    let scratch = Scratch::with(4);
    let mut lines = scratch.lines();
    lines.swap(1, 2);
    scratch.replace(&lines);
    let missing = Reason::Missing { first: 2, last: 2 };
    let misplaced = Reason::Misplaced {
        seq: 2,
        expected: 4,
    };
    assert_eq!(scratch.problems(), [(2, missing), (3, misplaced)]);
}

#[test]
fn a_cut_end_is_named_and_stays_so() {
    let scratch = Scratch::with(5);
    let kept = scratch.log.head().unwrap().unwrap();
    let lines = scratch.lines();
    scratch.replace(&lines[..3]);
    let cut = Reason::CutOff { first: 4, last: 5 };
    assert_eq!(scratch.problems(), [(4, cut)]);
    // The log goes on, and the gap does not heal.
    scratch.add("6");
    let missing = Reason::Missing { first: 4, last: 5 };
    assert_eq!(scratch.problems(), [(4, missing)]);
    assert_eq!(scratch.objects(), ["1", "2", "3", "6"]);

    // Who cuts the head with the end leaves a chain that holds, unless the head was kept elsewhere.
    scratch.replace(&lines[..3]);
    fs::write(
        scratch.path().join("audit.head"),
        format!("{}\n", scratch.log.head().unwrap().unwrap()),
    )
    .unwrap();
    assert_eq!(scratch.problems(), []);
    let found = scratch.log.verify(&[], &[kept]).unwrap();
    assert_eq!(
        found.problems[0].reason,
        Reason::CutOff { first: 4, last: 5 }
    );
}

#[test]
fn a_log_that_was_written_anew_is_not_the_one_that_was_kept_in_mind() {
    let scratch = Scratch::with(3);
    let kept = scratch.log.head().unwrap().unwrap();
    let forged = Scratch::new();
    for object in ["1", "2", "another", "4"] {
        forged.add(object);
    }
    assert!(forged.verify().holds());
    let found = forged.log.verify(&[], &[kept]).unwrap();
    assert_eq!(found.problems[0].reason, Reason::Other { seq: 3 });
}

#[test]
fn a_missing_head_is_named() {
    let scratch = Scratch::with(3);
    let head = scratch.path().join("audit.head");
    for head_says in [None, Some("nonsense")] {
        let _ = fs::remove_file(&head);
        if let Some(text) = head_says {
            fs::write(&head, text).unwrap();
        }
        assert_eq!(scratch.problems(), [(4, Reason::NoHead)]);
    }
    // The next line tells that it was gone.
    scratch.add("4");
    assert_eq!(scratch.problems(), []);
    assert!(scratch.lines()[3].contains("\"head\":\"missing\""));
}

#[test]
fn a_log_that_is_gone_altogether_is_missed() {
    let scratch = Scratch::with(2);
    fs::remove_file(scratch.log.path()).unwrap();
    assert_eq!(
        scratch.problems(),
        [(1, Reason::CutOff { first: 1, last: 2 })]
    );
    fs::write(scratch.path().join("audit.head"), "").unwrap();
    assert_eq!(scratch.problems(), [(1, Reason::NoHead)]);
}

#[test]
fn an_older_head_is_worth_a_note() {
    let scratch = Scratch::with(2);
    let head = scratch.path().join("audit.head");
    let older = fs::read(&head).unwrap();
    scratch.add("3");
    fs::write(&head, older).unwrap();
    let found = scratch.verify();
    assert!(found.holds());
    assert_eq!(found.notes, [Note::HeadBehind { seq: 2 }]);
}

#[test]
fn what_is_wrong_is_counted_beyond_what_is_named() {
    let scratch = Scratch::with(1);
    let mut lines = vec!["foreign".to_owned(); 300];
    let line = scratch.lines().remove(0);
    for place in (0..300).step_by(2) {
        lines[place].clone_from(&line);
    }
    scratch.replace(&lines);
    let found = scratch.verify();
    assert_eq!(found.problems.len(), 100);
    assert!(found.problem_count > 200, "{}", found.problem_count);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // However lines are altered, left out, repeated or moved: unless they are what was written, it shows.
    #[test]
    fn any_other_lines_are_found_out(picks in prop::collection::vec((0usize..5, any::<bool>()), 0..7)) {
        let scratch = Scratch::with(5);
        let lines = scratch.lines();
        let other: Vec<_> = picks
            .iter()
            .map(|(pick, altered)| match altered {
                true => lines[*pick].replace("standalone", "Standalone"),
                false => lines[*pick].clone(),
            })
            .collect();
        scratch.replace(&other);
        prop_assert_eq!(scratch.verify().holds(), other == lines);
    }
}

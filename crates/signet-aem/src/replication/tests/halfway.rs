//! Runs that were cut short, and who completes them.

use super::*;

#[test]
fn what_was_cut_short_is_completed_by_the_same_command() {
    for replaced in 0..=2 {
        let author = Installation::fresh();
        let source = source(&author);
        let target = publish(1);
        cut_short(&source, &target, replaced);
        let before = plan(&source, &[&target]).unwrap();
        assert!(before.targets[0].unfinished && !before.is_done());
        // Somebody tidied up the successors.
        for name in names(&target)
            .iter()
            .filter(|name| name.starts_with('.'))
            .take(1)
        {
            fs::remove_file(target.felix().join("bundle37/data").join(name)).unwrap();
        }
        apply(&source, &target).unwrap();
        assert!(has_source_keys(&target));
        assert_eq!(names(&target), ["hmac", "master"]);
        assert!(plan(&source, &[&target]).unwrap().is_done());
        // The backup is that of the first run.
        assert_eq!(
            fs::read(backup(&target).join("hmac")).unwrap(),
            bits::<32>(1)
        );
        assert!(!target.root().join("signet-replication-1").exists());
    }
}

#[test]
fn what_was_cut_short_is_found_by_another_name_of_the_folder() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    cut_short(&source, &target, 1);
    let above = target.root().parent().unwrap().to_owned();
    for folder in [above, target.felix()] {
        let plan = Plan::make(&source, &[folder], &[], &mut |_| {}).unwrap();
        assert!(plan.targets[0].unfinished);
        assert_eq!(
            plan.targets[0].backup,
            backup(&target).canonicalize().unwrap()
        );
    }
}

#[test]
fn what_was_left_is_found_by_an_inspection() {
    let author = Installation::fresh();
    let target = publish(1);
    assert_eq!(target.codes(), [""; 0]);
    cut_short(&source(&author), &target, 1);
    assert_eq!(target.codes(), ["REPLICATION_UNFINISHED"]);
    let remedy = target.inspect().findings.remove(0).remedy;
    assert!(remedy.contains("--undo"), "{remedy}");
    apply(&source(&author), &target).unwrap();
    assert_eq!(target.codes(), ["BACKUP_WITH_KEYS"]);
    fs::write(backup(&target).join("journal.json"), "{}").unwrap();
    assert_eq!(target.codes(), ["BACKUP_UNKNOWN"]);
    // An empty one is nothing, as after a disk that was full.
    super::backup::make(&Os, &backup(&author)).unwrap();
    assert_eq!(author.codes(), [""; 0]);
}

#[test]
fn other_keys_do_not_complete_it() {
    let author = Installation::fresh();
    let target = publish(1);
    cut_short(&source(&author), &target, 1);
    let other = publish(5);
    let refused = plan(&source(&other), &[&target]).unwrap_err();
    assert!(
        matches!(refused, ReplicationError::Halfway { .. }),
        "{refused:?}"
    );
    assert!(refused.hint().contains("--undo"));
    // One of the two keys alone would leave the other behind.
    let only = Source::installation(&author.root(), Choice::Only(KeyName::Hmac)).unwrap();
    assert!(matches!(
        plan(&only, &[&target]),
        Err(ReplicationError::Halfway { .. })
    ));
}

#[test]
fn more_keys_complete_it_and_go_on() {
    let author = Installation::fresh();
    let target = publish(1);
    let only = Source::installation(&author.root(), Choice::Only(KeyName::Hmac)).unwrap();
    cut_short(&only, &target, 0);
    apply(&source(&author), &target).unwrap();
    assert!(has_source_keys(&target));
    // Both old keys are kept: that of the run that was cut short, and that of this one.
    let first = target.root().join("signet-replication-1");
    assert_eq!(fs::read(first.join("hmac")).unwrap(), bits::<32>(1));
    assert_eq!(
        fs::read(backup(&target).join("master")).unwrap(),
        bits::<16>(1)
    );
}

#[test]
fn what_was_only_prepared_is_cleared_away() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    cut_short(&source, &target, 0);
    let mut journal = Journal::read(&backup(&target)).unwrap().unwrap();
    journal
        .advance(&Os, Stage::Preparing, &backup(&target))
        .unwrap();
    assert_eq!(names(&target).len(), 4);
    apply(&source, &target).unwrap();
    assert!(has_source_keys(&target));
    assert_eq!(names(&target), ["hmac", "master"]);
}

//! Keys put back as they were.

use super::*;

#[test]
fn the_way_back_leads_to_the_same_keys() {
    for replaced in 0..=2 {
        let author = Installation::fresh();
        let target = publish(1);
        cut_short(&source(&author), &target, replaced);
        let undone = Undo::find(&target.root()).unwrap();
        let done = undone.apply(Ground::Stopped).unwrap();
        assert_eq!(done.keys, [KeyName::Hmac, KeyName::Master]);
        assert!(has_own_keys(&target, 1), "{replaced}");
        assert_eq!(names(&target), ["hmac", "master"]);
        // Once more does no harm, by the name of the backup itself either.
        Undo::find(&backup(&target))
            .unwrap()
            .apply(Ground::Stopped)
            .unwrap();
        assert!(has_own_keys(&target, 1));
        // And then it can be done again; the first backup keeps a number.
        apply(&source(&author), &target).unwrap();
        assert!(has_source_keys(&target));
        assert!(
            target
                .root()
                .join("signet-replication-1/journal.json")
                .exists()
        );
    }
}

#[test]
fn a_way_back_that_was_cut_short_is_completed_by_itself_only() {
    let author = Installation::fresh();
    let target = publish(1);
    cut_short(&source(&author), &target, 2);
    let mut journal = Journal::read(&backup(&target)).unwrap().unwrap();
    journal
        .advance(&Os, Stage::PuttingBack, &backup(&target))
        .unwrap();
    target.write("bundle37/data/hmac", &bits::<32>(1));
    let refused = plan(&source(&author), &[&target]).unwrap_err();
    assert!(matches!(refused, ReplicationError::HalfwayBack { .. }));
    Undo::find(&target.root())
        .unwrap()
        .apply(Ground::Stopped)
        .unwrap();
    assert!(has_own_keys(&target, 1));
}

#[test]
fn keys_that_changed_since_are_not_put_back() {
    let author = Installation::fresh();
    let target = publish(1);
    apply(&source(&author), &target).unwrap();
    target.write("bundle37/data/master", &bits::<16>(9));
    let done = Undo::find(&target.root())
        .unwrap()
        .apply(Ground::Stopped)
        .unwrap();
    assert_eq!(done.keys, [KeyName::Hmac]);
    assert!(done.left_alone[0].ends_with("master"));
    assert_eq!(key(&target, "master"), bits::<16>(9));

    // A damaged copy stops all of it.
    let target = publish(1);
    apply(&source(&author), &target).unwrap();
    let kept = backup(&target).join("master");
    fs::write(&kept, bits::<16>(9)).unwrap();
    let refused = Undo::find(&target.root())
        .unwrap()
        .apply(Ground::Stopped)
        .unwrap_err();
    assert!(matches!(refused, ReplicationError::DamagedBackup(_)));
    assert!(has_source_keys(&target));
    let nothing = Undo::find(&author.root()).unwrap_err();
    assert!(matches!(nothing, ReplicationError::NoBackup(_)));
}

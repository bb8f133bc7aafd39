//! What is refused before anything is changed.

use super::*;

#[test]
fn all_are_checked_before_the_first_is_changed() {
    let author = Installation::fresh();
    let source = source(&author);
    let (good, jcr) = (publish(1), Installation::upgraded());
    let refused = plan(&source, &[&good, &jcr]).unwrap_err();
    assert!(matches!(&refused, ReplicationError::InRepository { folder } if *folder == jcr.root()));
    assert!(refused.hint().contains("signet aem relocate"));
    assert!(has_own_keys(&good, 1) && !backup(&good).exists());

    for targets in [[&good, &good], [&good, &author]] {
        let refused = plan(&source, &targets).unwrap_err();
        assert!(
            matches!(refused, ReplicationError::Same { .. }),
            "{refused:?}"
        );
    }
    // The same one by another name.
    let above = good.root().parent().unwrap().to_owned();
    let refused = Plan::make(&source, &[good.root(), above], &[], &mut |_| {}).unwrap_err();
    assert!(matches!(refused, ReplicationError::Same { .. }));
}

#[test]
fn a_source_without_keys_gives_none() {
    let from = |installation: &Installation| {
        Source::installation(&installation.root(), Choice::Both).unwrap_err()
    };
    assert!(matches!(
        from(&Installation::upgraded()),
        ReplicationError::InRepository { .. }
    ));
    let installation = Installation::fresh();
    for (content, words) in [
        (&b"<html>"[..], "text of 6 bytes"),
        (b"", "is empty"),
        (&[0xa5; 17], "17 bytes"),
    ] {
        installation.write("bundle25/data/master", content);
        let ReplicationError::Key { source, path } = from(&installation) else {
            panic!("{words}");
        };
        assert!(path.ends_with("bundle25/data/master"));
        assert!(source.to_string().contains(words), "{source}");
    }
    fs::remove_file(installation.felix().join("bundle25/data/master")).unwrap();
    symlink("hmac", installation.felix().join("bundle25/data/master")).unwrap();
    assert!(matches!(
        from(&installation),
        ReplicationError::Key {
            source: KeyReadError::Unreadable(_),
            ..
        }
    ));
    fs::remove_file(installation.felix().join("bundle25/data/master")).unwrap();
    assert!(matches!(
        from(&installation),
        ReplicationError::Key {
            source: KeyReadError::Absent,
            ..
        }
    ));
    installation.write("bundle20/data/storage", b"Bundel");
    assert!(matches!(
        from(&installation),
        ReplicationError::Place { .. }
    ));
}

#[test]
fn a_place_that_is_not_in_order_is_refused() {
    let author = Installation::fresh();
    let source = source(&author);
    let refused = |target: &Installation| plan(&source, &[target]).unwrap_err();

    let target = publish(1);
    for storage in [&b"Bundle\n"[..], b"bundle", b""] {
        target.write("bundle31/data/storage", storage);
        let error = refused(&target);
        let ReplicationError::Place { fault, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(matches!(fault, PlaceFault::Storage(_)), "{fault:?}");
        assert!(error.hint().contains("signet aem inspect"));
    }

    let target = publish(1);
    fs::remove_dir_all(target.felix().join("bundle37")).unwrap();
    assert!(
        refused(&target)
            .to_string()
            .contains("com.adobe.granite.crypto.file")
    );

    let target = publish(1);
    let data = target.felix().join("bundle37/data");
    fs::remove_dir_all(&data).unwrap();
    symlink(target.root(), &data).unwrap();
    assert!(refused(&target).to_string().contains("is a symbolic link"));

    let target = publish(1);
    let hmac = target.felix().join("bundle37/data/hmac");
    fs::remove_file(&hmac).unwrap();
    symlink("/etc/hostname", &hmac).unwrap();
    assert!(matches!(refused(&target), ReplicationError::Read { .. }));
    assert!(hmac.is_symlink());
}

#[test]
fn aem_must_not_run_unless_that_is_meant() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    target.write("cache.lock", b"");
    let file = fs::File::options()
        .write(true)
        .open(target.felix().join("cache.lock"))
        .unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let plan = plan(&source, &[&target]).unwrap();
    let refused = plan.targets[0].apply(&source, Ground::Stopped).unwrap_err();
    let process = std::process::id();
    assert!(
        matches!(refused, ReplicationError::Running { process: found, .. } if found == process)
    );
    assert!(has_own_keys(&target, 1) && !backup(&target).exists());
    plan.targets[0].apply(&source, Ground::Running).unwrap();
    assert!(has_source_keys(&target));
    let undo = Undo::find(&target.root()).unwrap();
    assert!(matches!(
        undo.apply(Ground::Stopped),
        Err(ReplicationError::Running { .. })
    ));
}

#[test]
fn one_command_at_a_time() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let held = backup::hold(&target.felix().join("bundle37/data")).unwrap();
    assert!(matches!(
        apply(&source, &target),
        Err(ReplicationError::Busy(_))
    ));
    drop(held);
    apply(&source, &target).unwrap();
}

#[test]
fn a_key_that_changes_meanwhile_is_not_overwritten() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    let plan = plan(&source, &[&target]).unwrap();
    target.write("bundle37/data/master", &bits::<16>(9));
    let refused = plan.targets[0].apply(&source, Ground::Stopped).unwrap_err();
    assert!(
        matches!(&refused, ReplicationError::Changed(path) if path.ends_with("master")),
        "{refused:?}"
    );
    assert_eq!(key(&target, "hmac"), bits::<32>(1));
    assert_eq!(key(&target, "master"), bits::<16>(9));
    assert_eq!(names(&target), ["hmac", "master"]);
}

#[test]
fn a_journal_that_others_could_have_written_is_not_believed() {
    let author = Installation::fresh();
    let source = source(&author);
    let target = publish(1);
    cut_short(&source, &target, 1);
    let backup = backup(&target);
    let path = backup.join("journal.json");
    let good = fs::read_to_string(&path).unwrap();
    let victim = target.root().join("victim");
    fs::write(&victim, "mine").unwrap();

    for (from, to) in [
        (".signet-replication-", "../../../../victim"),
        ("\"version\": 1", "\"version\": 2"),
        ("\"hmac\"", "\"../hmac\""),
        ("\"hmac\"", "\"master\""),
        ("\"old\": \"", "\"old\": \"x"),
        ("\"stage\"", "\"other\""),
        (
            &*target.felix().canonicalize().unwrap().display().to_string(),
            "/tmp/elsewhere",
        ),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        fs::write(&path, bad).unwrap();
        for error in [
            plan(&source, &[&target]).unwrap_err(),
            Undo::find(&target.root()).unwrap_err(),
        ] {
            assert!(
                matches!(error, ReplicationError::Journal(_)),
                "{from}: {error:?}"
            );
        }
    }
    fs::write(&path, &good).unwrap();
    for (path, mode) in [(&backup, 0o755), (&path, 0o644)] {
        let before = super::tests::mode(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let error = plan(&source, &[&target]).unwrap_err();
        assert!(
            matches!(error, ReplicationError::Custody { .. }),
            "{error:?}"
        );
        fs::set_permissions(path, fs::Permissions::from_mode(before)).unwrap();
    }
    // One of another installation, copied along with its folder.
    let moved = publish(1);
    fs::create_dir(super::tests::backup(&moved)).unwrap();
    fs::set_permissions(
        super::tests::backup(&moved),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
    let copied = super::tests::backup(&moved).join("journal.json");
    fs::copy(&path, &copied).unwrap();
    let error = plan(&source, &[&moved]).unwrap_err();
    assert!(matches!(error, ReplicationError::Journal(_)), "{error:?}");
    assert!(has_own_keys(&moved, 1));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");

    fs::remove_file(&copied).unwrap();
    fs::write(super::tests::backup(&moved).join("letter.txt"), "dear").unwrap();
    let error = plan(&source, &[&moved]).unwrap_err();
    assert!(matches!(error, ReplicationError::Foreign(_)), "{error:?}");
}

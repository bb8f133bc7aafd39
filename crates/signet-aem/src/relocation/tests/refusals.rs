//! What is refused, so that nothing is overwritten or lost.

use super::*;

#[test]
fn keys_in_use_are_not_replaced() {
    let installation = Installation::fresh();
    assert_eq!(open(&installation).standing(), Standing::InFiles);
    installation.write("bundle25/data/hmac", &[0xa5; 32]);
    for storage in [&b"Bundle"[..], b"Bundle\n"] {
        installation.write("bundle20/data/storage", storage);
        let refused = open(&installation).keep(&fetched(), &mut Listener::default());
        assert!(
            matches!(refused, Err(RelocationError::OtherKey { .. })),
            "{refused:?}"
        );
        assert!(!installation.root().join(BACKUP).exists());
    }
}

#[test]
fn what_is_not_clear_is_refused_before_anything_is_written() {
    let refused = |installation: &Installation| {
        let error = Relocation::open(&installation.root(), None).unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string()
    };
    let two = Installation::upgraded();
    two.bundle(30, "com.adobe.granite.crypto.file", "1.0");
    assert!(refused(&two).contains("more than once: 25, 30"));

    let none = Installation::upgraded();
    fs::remove_dir_all(none.felix().join("bundle25")).unwrap();
    assert!(refused(&none).contains("no bundle com.adobe.granite.crypto.file"));

    let torn = Installation::upgraded();
    torn.write("bundle25/version0.0/bundle.jar", b"PK");
    assert!(refused(&torn).contains("bundle 25 was installed as"));

    let linked = Installation::upgraded();
    let data = linked.felix().join("bundle20/data");
    fs::rename(&data, linked.root().join("outside")).unwrap();
    symlink(linked.root().join("outside"), &data).unwrap();
    assert!(refused(&linked).contains("symbolic link"));

    let storage = Installation::upgraded();
    let path = storage.felix().join("bundle20/data/storage");
    fs::remove_file(&path).unwrap();
    assert!(refused(&storage).contains("there is no"));
    symlink("/etc/hostname", &path).unwrap();
    assert!(refused(&storage).contains("cannot be read"));

    let named = Installation::upgraded();
    fs::create_dir_all(named.root().join("conf")).unwrap();
    fs::write(
        named.root().join("conf/sling.properties"),
        "com.adobe.granite.crypto.keys.path=/keys\n",
    )
    .unwrap();
    assert!(refused(&named).contains("keys.path"));

    let key = Installation::upgraded();
    symlink("/etc/hostname", key.felix().join("bundle25/data/hmac")).unwrap();
    assert!(refused(&key).contains("hmac cannot be read"));
}

#[test]
fn nothing_is_switched_while_aem_runs() {
    let installation = Installation::upgraded();
    let before = files(&installation);
    let held = lock(&installation);
    let mut listener = Listener::default();
    let mut relocation = open(&installation);
    relocation.keep(&fetched(), &mut listener).unwrap();
    let refused = relocation.switch(&mut listener);
    assert!(
        matches!(refused, Err(RelocationError::Runs { .. })),
        "{refused:?}"
    );
    assert_eq!(files(&installation), before);
    drop(held);
    relocation.switch(&mut listener).unwrap();
    let held = lock(&installation);
    let refused = relocation.go_back(&mut listener);
    assert!(matches!(refused, Err(RelocationError::Runs { .. })));
    drop(held);
    relocation.go_back(&mut listener).unwrap();
    assert_eq!(files(&installation), before);
}

#[test]
fn what_changed_since_the_backup_is_not_overwritten() {
    for name in ["bundle20/data/storage", "bundle25/data/master"] {
        let installation = Installation::upgraded();
        let mut listener = Listener::default();
        open(&installation).keep(&fetched(), &mut listener).unwrap();
        installation.write(name, b"somebody else's");
        let refused = open(&installation).switch(&mut listener);
        assert!(
            matches!(&refused, Err(RelocationError::Changed(path)) if path.ends_with(name)),
            "{refused:?}"
        );
        // Nothing was changed, so there is nothing to put back.
        assert!(!open(&installation).go_back(&mut listener).unwrap());
        assert_eq!(
            fs::read(installation.felix().join(name)).unwrap(),
            b"somebody else's"
        );
    }
    let installation = Installation::upgraded();
    relocate(&installation);
    installation.write("bundle25/data/hmac", &[0xa5; 32]);
    let refused = open(&installation).go_back(&mut Listener::default());
    assert!(matches!(refused, Err(RelocationError::Changed(_))));
    assert_eq!(
        fs::read(installation.felix().join("bundle20/data/storage")).unwrap(),
        b"Bundle"
    );
    // It is not half way back, so both ways are open as soon as the key is mended.
    assert_eq!(open(&installation).standing(), Standing::Switched);
    installation.write("bundle25/data/hmac", &RAW_HMAC);
    open(&installation)
        .go_back(&mut Listener::default())
        .unwrap();
}

#[test]
fn what_was_moved_and_is_not_there_any_more_is_not_called_done() {
    for (name, content) in [
        ("bundle20/data/storage", &b"JCR"[..]),
        ("bundle25/data/master", &[0xa5; 16]),
    ] {
        let installation = Installation::upgraded();
        relocate(&installation);
        open(&installation)
            .switch(&mut Listener::default())
            .unwrap();
        installation.write(name, content);
        let refused = open(&installation).switch(&mut Listener::default());
        assert!(
            matches!(&refused, Err(RelocationError::Changed(path)) if path.ends_with(name)),
            "{refused:?}"
        );
    }
}

#[test]
fn two_commands_do_not_get_into_each_others_way() {
    let installation = Installation::upgraded();
    let mut listener = Listener::default();
    let mut first = open(&installation);
    let mut late = open(&installation);
    first.keep(&fetched(), &mut listener).unwrap();
    let mut second = open(&installation);
    let refused = second.switch(&mut listener);
    assert!(
        matches!(refused, Err(RelocationError::Busy(_))),
        "{refused:?}"
    );
    // One that looked before the other began.
    let refused = late.keep(&fetched(), &mut listener);
    assert!(refused.is_err(), "{refused:?}");
    first.switch(&mut listener).unwrap();
    drop(first);
    let refused = second.switch(&mut listener);
    assert!(
        matches!(refused, Err(RelocationError::Busy(_))),
        "{refused:?}"
    );
    open(&installation).switch(&mut listener).unwrap();
}

#[tokio::test]
async fn one_file_is_not_taken_for_both_keys() {
    let installation = Installation::upgraded();
    let file = installation.root().join("downloaded");
    fs::write(&file, [0xa5; 32]).unwrap();
    let source = Source::Files {
        hmac: &file,
        master: &file,
    };
    let fetched = open(&installation)
        .fetch(source, &mut Listener::default())
        .await;
    assert!(matches!(
        fetched,
        Err(RelocationError::SameKey { bytes: 32 })
    ));
}

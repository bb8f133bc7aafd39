//! A move that somebody made by hand.

use super::online::{Aem, Stage};
use super::*;

/// The present, so late that every file was changed before anything was started.
fn late() -> Listener {
    Listener {
        since_epoch: Duration::from_secs(1 << 40),
        ..Listener::default()
    }
}

/// With the keys in files as well, and AEM started on them.
fn by_hand(change: impl FnOnce(&mut Aem)) -> Stage {
    let mut stage = Stage::new(Aem::new());
    stage.change(change);
    let installation = &stage.installation;
    installation.write("bundle25/data/hmac", &RAW_HMAC);
    installation.write("bundle25/data/master", &RAW_MASTER);
    installation.write("bundle20/data/storage", b"Bundle");
    stage.lock = Some(lock(&stage.installation));
    stage
}

async fn take_over(stage: &Stage, mut listener: Listener) -> Result<bool, RelocationError> {
    let mut relocation = open(&stage.installation);
    relocation
        .take_over(&stage.console(), Duration::ZERO, &mut listener)
        .await
}

#[tokio::test]
async fn it_is_finished_like_one_of_this_operation_and_can_be_undone() {
    let stage = by_hand(|_| {});
    let before = files(&stage.installation);
    assert!(take_over(&stage, late()).await.unwrap());
    assert_eq!(open(&stage.installation).standing(), Standing::Switched);
    assert_eq!(stage.finish().await.unwrap(), Standing::Finished);
    assert_eq!(stage.keys(), [None, None]);
    let backup = stage.installation.root().join(BACKUP);
    assert_eq!(fs::read(backup.join("hmac")).unwrap(), RAW_HMAC);
    open(&stage.installation)
        .return_to_repository(&stage.console(), &mut Listener::default())
        .await
        .unwrap();
    assert_eq!(
        stage.keys(),
        [Some(RAW_HMAC.to_vec()), Some(RAW_MASTER.to_vec())]
    );
    assert_eq!(files(&stage.installation), before);
}

#[tokio::test]
async fn half_of_what_is_left_is_removed_and_nothing_where_nothing_is() {
    let stage = by_hand(|aem| aem.hmac = None);
    assert!(take_over(&stage, late()).await.unwrap());
    assert_eq!(stage.finish().await.unwrap(), Standing::Finished);
    assert_eq!(stage.keys(), [None, None]);

    let stage = by_hand(|aem| (aem.hmac, aem.master) = (None, None));
    assert!(!take_over(&stage, late()).await.unwrap());
    stage.change(|aem| aem.shows_node = false);
    let refused = take_over(&stage, late()).await;
    assert!(matches!(refused, Err(RelocationError::NotSeen(_))));
    assert!(!stage.installation.root().join(BACKUP).exists());
}

#[tokio::test]
async fn what_is_not_proven_changes_nothing() {
    let refused = async |stage: &Stage, listener| {
        let error = take_over(stage, listener).await.unwrap_err();
        assert!(!stage.installation.root().join(BACKUP).exists());
        assert!(stage.keys().iter().all(Option::is_some));
        assert!(!error.hint().is_empty());
        error
    };
    // The clock says that the files were changed just now, and AEM runs for longer.
    let stage = by_hand(|_| {});
    let now = Listener {
        hundredths: u64::MAX,
        ..late()
    };
    let error = refused(&stage, now).await;
    assert!(
        matches!(error, RelocationError::ChangedSince { .. }),
        "{error:?}"
    );
    // The clock was set back since.
    let error = refused(&stage, Listener::default()).await;
    assert!(matches!(error, RelocationError::ChangedSince { .. }));

    stage.change(|aem| aem.hmac = Some(vec![0xa5; 32]));
    let error = refused(&stage, late()).await;
    assert!(
        matches!(error, RelocationError::PropertyDiffers { name, .. } if name == KeyName::Hmac),
        "{error:?}"
    );
    let stage = by_hand(|aem| aem.protects = Some([9; 16]));
    let error = refused(&stage, late()).await;
    assert!(
        matches!(error, RelocationError::NotInUse { .. }),
        "{error:?}"
    );
    let mut stage = by_hand(|_| {});
    stage.lock = None;
    let error = refused(&stage, late()).await;
    assert!(matches!(error, RelocationError::RunsNot), "{error:?}");

    // The keys are not in files.
    let stage = Stage::new(Aem::new());
    let error = refused(&stage, late()).await;
    assert!(matches!(error, RelocationError::NotSwitched), "{error:?}");
}

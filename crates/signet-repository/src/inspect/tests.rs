use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::scratch::{NOW, Scratch};

const PATIENCE: Duration = Duration::from_secs(5);
const SCHEMA_1: &str = include_str!("../../tests/fixtures/schema-1.sql");

#[tokio::test]
async fn a_whole_repository_has_no_faults_and_stays_as_it_is() {
    let scratch = Scratch::new();
    scratch.open().await.close().await;
    let before = fs::read(scratch.path()).unwrap();
    let mut inspection = Inspection::open(&scratch.path(), PATIENCE).await.unwrap();
    assert_eq!(inspection.schema().await.unwrap(), (2, 2));
    assert_eq!(inspection.check(10).await.unwrap(), Vec::<String>::new());
    inspection.close().await;
    assert_eq!(fs::read(scratch.path()).unwrap(), before);
}

#[tokio::test]
async fn an_older_schema_is_told_and_not_changed() {
    let scratch = Scratch::new();
    let mut raw = scratch.raw().await;
    sqlx::raw_sql(SCHEMA_1).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o600)).unwrap();
    for _ in 0..2 {
        let mut inspection = Inspection::open(&scratch.path(), PATIENCE).await.unwrap();
        assert_eq!(inspection.schema().await.unwrap(), (1, 2));
        inspection.close().await;
    }
}

#[tokio::test]
async fn what_is_missing_or_foreign_is_refused() {
    let scratch = Scratch::new();
    let open = async || Inspection::open(&scratch.path(), PATIENCE).await;
    assert!(matches!(open().await, Err(RepositoryError::Missing)));
    let mut raw = scratch.raw().await;
    sqlx::raw_sql("CREATE TABLE letters (dear TEXT)")
        .execute(&mut raw)
        .await
        .unwrap();
    raw.close().await.unwrap();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(open().await, Err(RepositoryError::NotARepository)));
}

#[tokio::test]
async fn damage_is_found() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for number in 0..100 {
        let place = format!("client/{number}/secret");
        let value = "v".repeat(300);
        repository.set_secret(&place, &value, NOW).await.unwrap();
    }
    repository.close().await;
    let mut bytes = fs::read(scratch.path()).unwrap();
    // The last page holds rows, so that the list of tables can be read.
    let last = bytes.len() - 4_096;
    bytes[last..].iter_mut().for_each(|byte| *byte = 0x5a);
    fs::write(scratch.path(), bytes).unwrap();
    let mut inspection = Inspection::open(&scratch.path(), PATIENCE).await.unwrap();
    let faults = inspection.check(3).await.unwrap();
    assert!(!faults.is_empty() && faults.len() <= 3, "{faults:?}");
}

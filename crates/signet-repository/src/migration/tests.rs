use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use signet_core::{Generation, SessionId};

use super::*;
use crate::scratch::{NOW, Scratch, groups, id, mark};
use crate::{ClientRow, IfMissing, Repository, Seq, SettingName};

const SCHEMA_1: &str = include_str!("../../tests/fixtures/schema-1.sql");

const SCHEMA_2: &str = include_str!("../../tests/fixtures/schema-2.sql");

async fn written_by_schema_1() -> Scratch {
    written_by(SCHEMA_1).await
}

async fn written_by(schema: &'static str) -> Scratch {
    let scratch = Scratch::new();
    let mut raw = scratch.raw().await;
    sqlx::raw_sql(schema).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o600)).unwrap();
    scratch
}

#[tokio::test]
async fn a_repository_of_schema_1_is_brought_up_to_date_without_loss() {
    let scratch = written_by_schema_1().await;
    let repository = scratch.try_open(IfMissing::Refuse).await.unwrap();
    assert_eq!(repository.head().await.unwrap(), Seq(12));
    holds_what_schema_1_knew(&repository).await;
    // The new tables are there and empty.
    assert_eq!(repository.count_secrets().await.unwrap(), 0);
    assert_eq!(repository.clients().await.unwrap(), []);
    assert_eq!(repository.staged_resealed_after("", 1).await.unwrap(), []);
    repository.close().await;
    let keys = scratch.key_rows();
    assert_eq!(
        (keys.changes().unwrap(), keys.rows("hmac").unwrap()),
        (0, vec![])
    );
}

#[tokio::test]
async fn a_repository_of_schema_2_is_read_in_full() {
    let scratch = written_by(SCHEMA_2).await;
    let repository = scratch.try_open(IfMissing::Refuse).await.unwrap();
    assert_eq!(repository.head().await.unwrap(), Seq(17));
    holds_what_schema_1_knew(&repository).await;

    let clients = repository.clients().await.unwrap();
    assert_eq!(
        clients,
        [ClientRow {
            name: "ims".into(),
            definition: json!({"endpoint": "https://ims.example.com/token"}),
            changed: NOW,
        }]
    );
    let place = "client/ims/secret";
    let old = "sealed:v1:0123456789abcdef0123456789abcdef:b2xk";
    assert_eq!(
        repository.secrets_after("", 9).await.unwrap(),
        [(place.to_owned(), old.to_owned())]
    );
    let token = repository.client_token("ims").await.unwrap().unwrap();
    assert_eq!(token.expires.0, NOW.0 + 3_600);
    let waiting = repository.staged_resealed_after("", 9).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].was.as_str()), (1, old));
    assert_eq!(repository.apply_resealed(&[], NOW).await.unwrap(), 1);
    assert_eq!(
        repository.secret(place).await.unwrap().as_deref(),
        Some("sealed:v1:fedcba9876543210fedcba9876543210:bmV3")
    );
    repository.close().await;

    let keys = scratch.key_rows();
    assert_eq!(keys.changes().unwrap(), 5);
    let rows = keys.rows("hmac").unwrap();
    assert_eq!(rows[0].id, "00112233445566778899aabbccddeeff");
    assert_eq!(rows[0].value.as_slice(), b"not a real key");
}

async fn holds_what_schema_1_knew(repository: &Repository) {
    let alice = repository
        .find_for_login(&id("alice"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(alice.record.groups, groups(&["administrators", "editors"]));
    assert_eq!(alice.profile.name.as_deref(), Some("Alice \u{9673}"));
    assert_eq!(alice.profile.mail.as_deref(), Some("alice@example.com"));
    assert!(alice.must_change() && alice.record.enabled);
    assert!(alice.password.unwrap().hash.as_str().starts_with("$2y$05$"));
    assert_eq!((alice.seq, alice.created), (Seq(3), NOW));
    let gone = repository.user(&id("gone")).await.unwrap().unwrap();
    assert_eq!(
        (gone.record.deleted, gone.record.generation),
        (true, Generation(2))
    );
    assert!(
        !repository
            .user(&id("google:42"))
            .await
            .unwrap()
            .unwrap()
            .record
            .enabled
    );

    let changes = repository.changes_since(Seq(0)).await.unwrap();
    assert_eq!((changes.users.len(), changes.groups.len()), (4, 2));
    assert_eq!(changes.marks, [mark(0x0707, NOW.0 + 100_000)]);
    assert_eq!(changes.floor.0, NOW.0 + 1);
    assert_eq!(
        repository.setting(&SettingName::FARM_ID).await.unwrap(),
        Some(json!("farm-0123456789abcdef"))
    );
    let note = "node.note".parse().unwrap();
    assert_eq!(
        repository.local_value(&note).await.unwrap().as_deref(),
        Some("kept here")
    );

    let token = "0f8fad5b-d9cb-469f-a165-70867728950e_00112233445566778899aabbccddeeff";
    let row = repository.find_token(token, NOW).await.unwrap().unwrap();
    assert_eq!(
        (row.subject, row.session),
        (id("zo\u{eb}"), SessionId([1; 16]))
    );
    assert_eq!(row.methods, ["pwd"]);
}

/// Everything the database knows of the schema.
async fn schema(scratch: &Scratch) -> Vec<(String, Option<String>)> {
    let mut raw = scratch.raw().await;
    sqlx::query_as("SELECT name, sql FROM sqlite_master ORDER BY name")
        .fetch_all(&mut raw)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_old_repository_and_a_new_one_end_with_the_same_schema() {
    let new = Scratch::new();
    new.open().await.close().await;
    for old in [SCHEMA_1, SCHEMA_2] {
        let old = written_by(old).await;
        old.open().await.close().await;
        assert_eq!(schema(&old).await, schema(&new).await);
    }
}

const NEXT: Step = Step {
    name: "next",
    sql: "CREATE TABLE next (x INTEGER); INSERT INTO next VALUES (1);",
};
const BROKEN: Step = Step {
    name: "broken",
    sql: "CREATE TABLE half (x INTEGER); INSERT INTO nowhere VALUES (1);",
};
const FIRST: Step = Step {
    name: sqlite::MIGRATIONS[0].name,
    sql: sqlite::MIGRATIONS[0].sql,
};

#[tokio::test]
async fn missing_steps_are_run_once() {
    let scratch = written_by_schema_1().await;
    let mut raw = scratch.raw().await;
    for _ in 0..2 {
        run(&mut raw, &[FIRST, NEXT]).await.unwrap();
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM next")
        .fetch_one(&mut raw)
        .await
        .unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn steps_are_run_all_or_none() {
    let scratch = written_by_schema_1().await;
    let mut raw = scratch.raw().await;
    run(&mut raw, &[FIRST, NEXT, BROKEN]).await.unwrap_err();
    for table in ["next", "half"] {
        assert!(
            !sqlite::has_table(&mut raw, table).await.unwrap(),
            "{table}"
        );
    }
    raw.close().await.unwrap();
    let repository: Repository = scratch.open().await;
    assert_eq!(repository.count_users().await.unwrap(), 3);
}

#[tokio::test]
async fn the_file_says_whose_it_is() {
    let scratch = Scratch::new();
    scratch.open().await.close().await;
    let header = fs::read(scratch.path()).unwrap();
    assert_eq!(&header[68..72], b"Sgnt");
}

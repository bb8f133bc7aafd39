use tempfile::TempDir;

use super::*;
use crate::instance::Role;
use crate::ports::loopback;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn member(root: &TempDir, name: &str, role: Role) -> Member {
    Member {
        name: name.to_owned(),
        role,
        address: loopback(4502),
        admin: loopback(9502),
        data: root.path().join(name),
        host: "127.0.0.1:8080".to_owned(),
    }
}

async fn prepare(root: &TempDir) -> Result<[Member; 3], LabError> {
    let author = member(root, "author", Role::Author);
    let publish = ["publish-1", "publish-2"].map(|name| member(root, name, Role::Publish));
    let people = [Person {
        id: "ada".to_owned(),
        name: "Ada Lovelace".to_owned(),
    }];
    let population = Population {
        people: &people,
        password: &Password::random().unwrap(),
        token: TokenMode::Encapsulated,
        life: Life::default(),
        now: NOW,
    };
    farm(&author, &publish, &population).await?;
    let [first, second] = publish;
    Ok([author, first, second])
}

#[tokio::test]
async fn every_instance_has_the_same_keys_and_users() {
    let root = tempfile::tempdir().unwrap();
    let members = prepare(&root).await.unwrap();
    let author = &members[0];
    for member in &members {
        for ring in keyfiles::RINGS {
            let kids = keyfiles::kids(&member.data, ring).unwrap();
            assert_eq!(kids.len(), 1);
            assert_eq!(kids, keyfiles::kids(&author.data, ring).unwrap());
        }
        let repository = open(member).await.unwrap();
        let ada = repository
            .find_for_login(&"ada".parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        assert!(ada.password.is_some() && ada.record.enabled);

        // What was copied is accepted as it is: nothing is made anew, nothing is wrong.
        let store = KeyStore::open(&member.data.join("keys"), KeyStoreOptions::default()).unwrap();
        assert_eq!(store.create_if_missing(NOW).unwrap(), []);
        assert!(store.load(None).unwrap().problems.is_empty());
    }
}

#[tokio::test]
async fn a_second_start_keeps_the_keys() {
    let root = tempfile::tempdir().unwrap();
    let kids = |members: &[Member]| keyfiles::kids(&members[1].data, "hmac").unwrap();
    let before = kids(&prepare(&root).await.unwrap());
    let after = kids(&prepare(&root).await.unwrap());
    assert_eq!(before, after);
}

#[tokio::test]
async fn somebody_elses_instance_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let theirs = root.path().join("publish-2");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::write(theirs.join("signet.toml"), "role = \"publish\"\n").unwrap();
    let error = prepare(&root).await.unwrap_err();
    assert!(matches!(&error, LabError::NotALab { path } if *path == theirs));
    assert!(!root.path().join("author").exists());
}

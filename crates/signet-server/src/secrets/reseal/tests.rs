use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;

use signet_repository::{ClientBasis, ClientToken};

use super::*;
use crate::secrets::tests::{Installation, NOW};

const MANY: usize = 2_000;

async fn run(here: &Installation) -> Result<Resealing, ResealFailure> {
    reseal(
        &here.data,
        &here.repository,
        &here.keys,
        NOW,
        &mut |_, _| {},
    )
    .await
}

fn name(number: usize) -> String {
    format!("client/c{number:05}/secret")
}

async fn fill(here: &Installation, count: usize) -> Vec<String> {
    let mut values = Vec::new();
    for number in 0..count {
        let value = here.seal(&name(number), &format!("the secret of {number}"));
        values.push((name(number), value));
    }
    here.repository.set_secrets(&values, NOW).await.unwrap();
    values.into_iter().map(|(_, value)| value).collect()
}

#[tokio::test]
async fn everything_is_sealed_with_the_active_key_and_opens() {
    let here = Installation::new().await;
    let old = here.master().sealing().unwrap();
    let values = fill(&here, 3).await;
    here.set(
        "mail.password",
        &here.seal("setting/mail.password", "hello"),
    )
    .await;
    let text = format!(
        "# Ours.\nname = \"{}\" # sealed\n\n[log]\nlevel = \"info\"\n",
        here.seal("name", "publish-1")
    );
    here.configure(&text);
    let new = here.rotate();
    let done = run(&here).await.unwrap();
    assert_eq!(
        (done.total, done.in_repository, done.in_configuration),
        (5, 4, 1)
    );
    assert_eq!(done.key, Some(new));
    assert_eq!(done.unused, [old]);
    assert_eq!(done.leftover, None);
    let (closed, count) = here.examine().await;
    assert_eq!(closed.len(), 0, "{closed:?}");
    assert_eq!((count.sealed_with(new), count.sealed_with(old)), (5, 0));
    for (number, old) in values.iter().enumerate() {
        let value = here
            .repository
            .secret(&name(number))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(&value, old);
        let place = name(number).parse().unwrap();
        let secret = here.master().open_text(&place, &value).unwrap();
        assert_eq!(*secret, format!("the secret of {number}").into_bytes());
    }
    // Only the value changed in the file.
    let after = fs::read_to_string(here.data.config_path()).unwrap();
    let (value, _) = after
        .strip_prefix("# Ours.\nname = \"")
        .and_then(|rest| rest.split_once('"'))
        .unwrap();
    let place = "name".parse().unwrap();
    let secret = here.master().open_text(&place, value).unwrap();
    assert_eq!(secret.as_slice(), b"publish-1");
    assert!(after.ends_with("\" # sealed\n\n[log]\nlevel = \"info\"\n"));
    let mode = fs::metadata(here.data.config_path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = run(&here).await.unwrap();
    assert_eq!((again.in_repository, again.in_configuration), (0, 0));
    assert_eq!(fs::read_to_string(here.data.config_path()).unwrap(), after);
}

// K10
#[tokio::test]
async fn with_one_value_that_does_not_open_nothing_changes() {
    let here = Installation::new().await;
    let values = fill(&here, 3).await;
    let text = format!("name = \"{}\"\n", here.seal("elsewhere", "moved here"));
    here.configure(&text);
    here.rotate();
    let failure = run(&here).await.unwrap_err();
    let ResealFailure::Closed { first, total: 1 } = &failure else {
        panic!("{failure:?}");
    };
    assert_eq!(first[0].place, "name");
    assert_eq!(
        failure.hint().unwrap(),
        "signet secret check says for each what to do"
    );
    for (number, old) in values.into_iter().enumerate() {
        let now = here.repository.secret(&name(number)).await.unwrap();
        assert_eq!(now, Some(old));
    }
    assert_eq!(fs::read_to_string(here.data.config_path()).unwrap(), text);
}

// K8
#[tokio::test]
async fn what_a_revoked_key_sealed_is_rescued() {
    let here = Installation::new().await;
    let old = here.master().sealing().unwrap();
    fill(&here, 2).await;
    here.rotate();
    here.keys.revoke(old).unwrap();
    let (closed, _) = here.examine().await;
    assert_eq!(closed.len(), 2);
    assert_eq!(closed[0].error.code(), "SECRET_KEY_REVOKED");
    let done = run(&here).await.unwrap();
    assert_eq!((done.in_repository, done.unused), (2, vec![old]));
    assert_eq!(here.examine().await.0.len(), 0);
}

// O6
#[tokio::test]
async fn no_byte_of_the_former_values_is_left() {
    let here = Installation::new().await;
    let values = fill(&here, MANY).await;
    here.rotate();
    let done = run(&here).await.unwrap();
    assert_eq!((done.in_repository, done.leftover), (MANY as u64, None));

    let mut seen = HashSet::new();
    for entry in fs::read_dir(here.data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            seen.extend(bytes.windows(PIECE).map(<[u8]>::to_vec));
        }
    }
    let now = here.repository.secret(&name(7)).await.unwrap().unwrap();
    let is_left = |value: &str| {
        // Behind the key's id.
        let sealed = value.rsplit(':').next().unwrap().as_bytes();
        sealed.windows(PIECE).any(|piece| seen.contains(piece))
    };
    assert!(is_left(&now), "the present values are looked for in vain");
    let left = values.iter().filter(|value| is_left(value)).count();
    assert_eq!(left, 0, "of {MANY}");
}

/// So many bytes in a row are no coincidence.
const PIECE: usize = 12;

#[tokio::test]
async fn tokens_of_a_former_key_are_forgotten() {
    let here = Installation::new().await;
    for client in ["ims", "mail"] {
        let definition = serde_json::json!({});
        let put = here.repository.put_client(client, &definition, None, NOW);
        put.await.unwrap();
    }
    here.configure("[client.file]\npreset = \"adobe-ims\"\nclient_id = \"abc\"\n");
    let token = |value| ClientToken {
        value,
        expires: NOW,
    };
    let old = token(here.seal("client/ims/token", "abc"));
    let elsewhere = ClientBasis::default();
    let here_defined = ClientBasis {
        definition: Some(serde_json::json!({})),
        secret: None,
    };
    let put = here.repository.put_client_token("ims", &old, &here_defined);
    assert!(put.await.unwrap());
    let other = token(here.seal("client/file/token", "abc"));
    let put = here.repository.put_client_token("file", &other, &elsewhere);
    assert!(put.await.unwrap());
    here.rotate();
    let new = token(here.seal("client/mail/token", "def"));
    let put = here
        .repository
        .put_client_token("mail", &new, &here_defined);
    assert!(put.await.unwrap());
    run(&here).await.unwrap();
    assert_eq!(here.repository.client_token("ims").await.unwrap(), None);
    assert_eq!(here.repository.client_token("file").await.unwrap(), None);
    assert_eq!(
        here.repository.client_token("mail").await.unwrap(),
        Some(new)
    );
}

#[tokio::test]
async fn two_at_once_do_it_once() {
    let here = Installation::new().await;
    fill(&here, 40).await;
    here.rotate();
    let (one, other) = tokio::join!(run(&here), run(&here));
    let mut counts = [one.unwrap().in_repository, other.unwrap().in_repository];
    counts.sort_unstable();
    assert_eq!(counts, [0, 40]);
}

#[tokio::test]
async fn a_link_to_the_configuration_is_followed() {
    let here = Installation::new().await;
    fill(&here, 2).await;
    here.configure(&format!("name = \"{}\"\n", here.seal("name", "one")));
    let key = here.rotate();
    let target = here.data.path().join("elsewhere");
    fs::create_dir(&target).unwrap();
    fs::rename(here.data.config_path(), target.join("signet.toml")).unwrap();
    std::os::unix::fs::symlink(target.join("signet.toml"), here.data.config_path()).unwrap();
    let done = run(&here).await.unwrap();
    assert_eq!((done.in_repository, done.in_configuration), (2, 1));
    // The link is still one, and leads to the new text.
    assert!(here.data.config_path().is_symlink());
    let text = fs::read_to_string(target.join("signet.toml")).unwrap();
    assert!(text.contains(&format!("sealed:v1:{key}:")), "{text}");
}

#[tokio::test]
async fn settings_are_sealed_anew_though_no_secret_is() {
    let here = Installation::new().await;
    let old = here.master().sealing().unwrap();
    let place = "setting/mail.password";
    here.set("mail.password", &here.seal(place, "hello")).await;
    let new = here.rotate();
    let done = run(&here).await.unwrap();
    assert_eq!((done.in_repository, done.in_configuration), (1, 0));
    assert_eq!(done.unused, [old]);
    let (closed, count) = here.examine().await;
    assert_eq!((closed.len(), count.sealed_with(new)), (0, 1));
    assert_eq!(run(&here).await.unwrap().in_repository, 0);
}

use std::net::Ipv4Addr;

use secrecy::ExposeSecret as _;
use signet_core::Seconds;
use tokio::net::TcpListener;

use super::*;
use crate::testing::{
    Certificate, Desk, NOW, SECRET, Server, TOKEN, answer, definition, granted, keys,
};
use crate::{Clients, CredentialKind, CredentialSource, Diagnosis};

/// What is found wrong with a client of `endpoint`; nothing of the secret is in it.
async fn diagnosed(desk: &Desk, client: &Client) -> Diagnosis {
    let checked = desk.tokens.check(client, &desk.keys).await;
    let error = checked.result.unwrap_err();
    let diagnosis = error.diagnosis(&client.name);
    for text in [
        format!("{error:?} {diagnosis:?} {:?}", checked.warnings),
        serde_json::to_string(&diagnosis).unwrap(),
    ] {
        assert!(!text.contains("horse") && !text.contains(TOKEN), "{text}");
    }
    let whole = [&diagnosis.cause, &diagnosis.effect, &diagnosis.remedy];
    assert!(whole.iter().all(|text| !text.is_empty()), "{diagnosis:?}");
    diagnosis
}

async fn code(desk: &Desk, endpoint: &str) -> Diagnosis {
    let client = desk.client(definition(endpoint, AuthMethod::ClientSecretPost));
    diagnosed(desk, &client).await
}

fn plain(server: &Server) -> String {
    format!("http://127.0.0.1:{}/token", server.port)
}

#[tokio::test]
async fn every_way_to_authenticate_gets_a_token() {
    let desk = Desk::new().await;
    let server = Server::plain(granted()).await;
    for (auth, sent) in [
        (AuthMethod::ClientSecretBasic, "authorization: Basic "),
        (AuthMethod::ClientSecretPost, "client_secret=correct-horse"),
        (AuthMethod::PrivateKeyJwt, "client_assertion=eyJ"),
    ] {
        let client = desk.client(definition(&plain(&server), auth));
        let checked = desk.tokens.check(&client, &desk.keys).await;
        let token = checked.result.unwrap();
        assert_eq!(token.value().expose_secret(), TOKEN);
        assert_eq!(token.expires(), Some(NOW.plus(Seconds(3_600))));
        assert!(checked.warnings.is_empty());
        assert!(server.heard().starts_with("POST /token HTTP/1.1\r\n"));
        assert!(server.heard().contains(sent), "{}", server.heard());
        assert!(
            server
                .heard()
                .contains(&format!("host: 127.0.0.1:{}\r\n", server.port))
        );
    }
}

#[tokio::test]
async fn a_server_with_a_private_authority_is_trusted_when_it_is_named() {
    let desk = Desk::new().await;
    for name in ["localhost", "127.0.0.1"] {
        let certificate = Certificate::of(name);
        let server = Server::tls(granted(), &certificate).await;
        let endpoint = format!("https://{name}:{}/token", server.port);
        let mut definition = definition(&endpoint, AuthMethod::ClientSecretBasic);
        definition.ca_file = Some(desk.trust(&certificate));
        let checked = desk
            .tokens
            .check(&desk.client(definition), &desk.keys)
            .await;
        assert_eq!(checked.result.unwrap().value().expose_secret(), TOKEN);
    }
}

#[tokio::test]
async fn every_refusal_of_a_certificate_is_told_apart() {
    let desk = Desk::new().await;
    let certificate = Certificate::of("localhost");
    let server = Server::tls(granted(), &certificate).await;
    let ca_file = desk.trust(&certificate);
    let year = Seconds(366 * 86_400);
    for (host, ca_file, now, expected, words) in [
        (
            "localhost",
            None,
            NOW,
            "CLIENT_TLS_UNKNOWN_ISSUER",
            "localhost",
        ),
        (
            "127.0.0.1",
            Some(&ca_file),
            NOW,
            "CLIENT_TLS_WRONG_NAME",
            "but for localhost",
        ),
        (
            "localhost",
            Some(&ca_file),
            NOW.plus(year),
            "CLIENT_TLS_EXPIRED",
            "days ago",
        ),
        (
            "localhost",
            Some(&ca_file),
            NOW.minus(year),
            "CLIENT_TLS_NOT_YET_VALID",
            "days by",
        ),
    ] {
        desk.at(now);
        let endpoint = format!("https://{host}:{}/token", server.port);
        let mut definition = definition(&endpoint, AuthMethod::ClientSecretPost);
        definition.ca_file = ca_file.cloned();
        let diagnosis = diagnosed(&desk, &desk.client(definition)).await;
        assert_eq!(diagnosis.code, expected);
        assert!(diagnosis.cause.contains(words), "{diagnosis:?}");
        assert!(diagnosis.effect.contains("The secret was not sent"));
        assert_eq!(server.heard(), "");
    }
}

#[tokio::test]
async fn what_is_not_tls_is_told() {
    let desk = Desk::new().await;
    let http = Server::plain(answer("400 Bad Request", "", "")).await;
    let tls = code(&desk, &format!("https://127.0.0.1:{}/", http.port)).await;
    assert_eq!(tls.code, "CLIENT_TLS_REFUSED");
    assert!(tls.cause.contains("plain http"), "{tls:?}");
    let silent = Server::plain("").await;
    let ended = code(&desk, &format!("https://127.0.0.1:{}/", silent.port)).await;
    assert_eq!(ended.code, "CLIENT_CONNECTION_LOST");
    let https = Server::tls(granted(), &Certificate::of("localhost")).await;
    let plain = code(&desk, &plain(&https)).await;
    assert!(
        ["CLIENT_NOT_HTTP", "CLIENT_CONNECTION_LOST"].contains(&plain.code),
        "{plain:?}"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_not_reached_is_told() {
    let desk = Desk::new().await;
    let unresolved = code(&desk, "https://nowhere.invalid/token").await;
    assert_eq!(unresolved.code, "CLIENT_NAME_UNRESOLVED");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = code(&desk, &format!("http://127.0.0.1:{port}/token")).await;
    assert_eq!(refused.code, "CLIENT_CONNECTION_REFUSED");
    assert!(refused.cause.contains(&port.to_string()), "{refused:?}");
    let ended = Server::plain("").await;
    let lost = code(&desk, &plain(&ended)).await;
    assert_eq!(lost.code, "CLIENT_CONNECTION_LOST");
    let cut = Server::plain("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{").await;
    assert_eq!(
        code(&desk, &plain(&cut)).await.code,
        "CLIENT_CONNECTION_LOST"
    );
    let other = Server::plain("SSH-2.0-OpenSSH_9.2\r\n").await;
    assert_eq!(code(&desk, &plain(&other)).await.code, "CLIENT_NOT_HTTP");
}

// The clock of the runtime moves by itself when nothing else does.
#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_not_waited_for() {
    let desk = Desk::new().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::time::pause();
    for (scheme, words) in [
        ("http", "waiting for its answer"),
        ("https", "agreeing on TLS"),
    ] {
        let late = code(&desk, &format!("{scheme}://127.0.0.1:{port}/token")).await;
        assert_eq!(late.code, "CLIENT_TIMED_OUT");
        assert!(
            late.cause.contains("30 seconds") && late.cause.contains(words),
            "{late:?}"
        );
    }
}

#[tokio::test]
async fn every_answer_without_a_token_is_told_apart() {
    let desk = Desk::new().await;
    let refused =
        format!(r#"{{"error":"invalid_client","error_description":"{SECRET} is wrong"}}"#);
    let json = |body: &str| answer("400 Bad Request", "", body);
    for (answer, expected, words) in [
        (json(&refused), "CLIENT_INVALID_CLIENT", "not repeated"),
        (
            json(r#"{"error":"invalid_scope","error_description":"no such scope"}"#),
            "CLIENT_INVALID_SCOPE",
            "no such scope",
        ),
        (
            json(r#"{"error":"unauthorized_client"}"#),
            "CLIENT_UNAUTHORIZED",
            "",
        ),
        (
            json(r#"{"error":"unsupported_grant_type"}"#),
            "CLIENT_UNSUPPORTED_GRANT_TYPE",
            "",
        ),
        (
            json(r#"{"error":"out_of_tokens"}"#),
            "CLIENT_REFUSED",
            "out_of_tokens",
        ),
        (
            answer(
                "200 OK",
                "Content-Type: text/html\r\n",
                "<title>Sign in</title>",
            ),
            "CLIENT_ANSWER_NOT_JSON",
            "an HTML page (\"Sign in\")",
        ),
        (
            answer(
                "302 Found",
                "Location: https://example.com/login?a=b\r\n",
                "",
            ),
            "CLIENT_REDIRECTED",
            "to https://example.com/login",
        ),
        (
            answer("429 Too Many Requests", "Retry-After: 30\r\n", ""),
            "CLIENT_RATE_LIMITED",
            "try again in 30s",
        ),
        (
            answer("503 Service Unavailable", "Retry-After: 120\r\n", "<html>"),
            "CLIENT_ENDPOINT_UNAVAILABLE",
            "try again in 2m",
        ),
        (
            answer("200 OK", "", &"x".repeat(65_537)),
            "CLIENT_ANSWER_TOO_LARGE",
            "64 KiB",
        ),
        (
            // Without an announced length.
            format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000)),
            "CLIENT_ANSWER_TOO_LARGE",
            "64 KiB",
        ),
        (
            answer("200 OK", "", "{}"),
            "CLIENT_ANSWER_WITHOUT_TOKEN",
            "",
        ),
        (
            answer(
                "200 OK",
                "",
                &format!(r#"{{"access_token":"{TOKEN}","token_type":"mac"}}"#),
            ),
            "CLIENT_TOKEN_TYPE",
            "mac instead of Bearer",
        ),
    ] {
        let server = Server::plain(answer.as_str()).await;
        let diagnosis = code(&desk, &plain(&server)).await;
        assert_eq!(diagnosis.code, expected);
        assert!(diagnosis.cause.contains(words), "{diagnosis:?}");
        assert_eq!(
            server.asked(),
            1,
            "a redirection is not followed, a failure not repeated"
        );
    }
}

#[tokio::test]
async fn clocks_that_differ_are_noticed() {
    let desk = Desk::new().await;
    let date = "Date: Sun, 17 Mar 2030 17:46:40 GMT\r\n";
    let good = Server::plain(granted().replacen("\r\n", &format!("\r\n{date}"), 1)).await;
    let client = desk.client(definition(&plain(&good), AuthMethod::ClientSecretPost));
    let same = desk.tokens.check(&client, &desk.keys).await;
    assert!(same.result.is_ok() && same.warnings.is_empty(), "{same:?}");
    desk.at(NOW.minus(Seconds(300)));
    let behind = desk.tokens.check(&client, &desk.keys).await;
    assert!(behind.result.is_ok());
    assert_eq!(behind.warnings[0].code(), "CLIENT_CLOCK_OFF");
    assert!(behind.warnings[0].to_string().contains("5 minutes behind"));

    // A signed statement from another time is not the fault of the key.
    let refuses = answer("401 Unauthorized", date, r#"{"error":"invalid_client"}"#);
    let server = Server::plain(refuses).await;
    let signs = desk.client(definition(&plain(&server), AuthMethod::PrivateKeyJwt));
    assert_eq!(diagnosed(&desk, &signs).await.code, "CLIENT_CLOCK_OFF");
    desk.at(NOW);
    assert_eq!(diagnosed(&desk, &signs).await.code, "CLIENT_INVALID_CLIENT");
}

// K10
#[tokio::test]
async fn a_secret_that_does_not_open_is_told_before_anybody_is_asked() {
    let mut desk = Desk::new().await;
    let server = Server::plain(granted()).await;
    let client = desk.client(definition(&plain(&server), AuthMethod::ClientSecretPost));
    let sealing = desk.keys.sealing().unwrap();
    desk.keys = keys(2);
    let diagnosis = diagnosed(&desk, &client).await;
    assert_eq!(diagnosis.code, "SECRET_KEY_MISSING");
    assert!(
        diagnosis.cause.contains(&sealing.to_string()),
        "{diagnosis:?}"
    );
    let error = desk
        .tokens
        .check(&client, &desk.keys)
        .await
        .result
        .unwrap_err();
    assert_eq!(error.missing_key(), Some(sealing));
    let seen = error
        .diagnosis(&client.name)
        .last_seen(&["the backup of 2030-03-01".to_owned()], Some("restore it"));
    assert!(
        seen.remedy
            .starts_with("restore it; or else bring the file")
    );
    assert!(
        seen.cause
            .ends_with("last seen in the backup of 2030-03-01")
    );

    let definition = definition(&plain(&server), AuthMethod::ClientSecretPost);
    let name = client.name.clone();
    let none = Client::new(name, client.origin, definition, CredentialSource::Missing);
    assert_eq!(diagnosed(&desk, &none).await.code, "CLIENT_SECRET_MISSING");
    assert_eq!(server.asked(), 0);
}

/// Asks past what is kept.
async fn fresh(desk: &Desk, client: &Client) -> Result<Provenance, Arc<TokenError>> {
    let token = desk
        .tokens
        .token(client, &desk.keys, &desk.repository, Freshness::Fresh)
        .await;
    token.map(|(_, provenance)| provenance)
}

async fn served(desk: &Desk, client: &Client) -> Provenance {
    let token = desk
        .tokens
        .token(client, &desk.keys, &desk.repository, Freshness::Kept)
        .await;
    token.unwrap().1
}

#[tokio::test]
async fn a_token_is_kept_sealed_until_shortly_before_its_end() {
    let mut desk = Desk::new().await;
    let server = Server::plain(granted()).await;
    let client = desk.client(definition(&plain(&server), AuthMethod::ClientSecretPost));
    assert_eq!(served(&desk, &client).await, Provenance::Endpoint);
    assert_eq!(served(&desk, &client).await, Provenance::Kept);
    let kept = desk.repository.client_token("ims").await.unwrap().unwrap();
    assert!(kept.value.starts_with("sealed:v1:") && !kept.value.contains(TOKEN));
    assert_eq!(kept.expires, NOW.plus(Seconds(3_540)));

    desk.at(NOW.plus(Seconds(3_539)));
    assert_eq!(served(&desk, &client).await, Provenance::Kept);
    desk.at(NOW.plus(Seconds(3_540)));
    assert_eq!(served(&desk, &client).await, Provenance::Endpoint);
    assert_eq!(server.asked(), 2);

    assert_eq!(fresh(&desk, &client).await.unwrap(), Provenance::Endpoint);
    assert_eq!(server.asked(), 3);
    // Asked for with another scope, it is another token.
    let mut other = client.definition().unwrap().clone();
    other.scope = Some("more".parse().unwrap());
    assert_eq!(
        served(&desk, &desk.client(other)).await,
        Provenance::Endpoint
    );
    // One that does not open any more is no reason to fail.
    desk.keys = keys(3);
    let again = desk.client(client.definition().unwrap().clone());
    assert_eq!(served(&desk, &again).await, Provenance::Endpoint);
    assert_eq!(served(&desk, &again).await, Provenance::Kept);
}

// Invariant 4
#[tokio::test]
async fn a_secret_that_comes_back_in_disguise_is_not_repeated() {
    let desk = Desk::new().await;
    let strewn: String = SECRET.chars().map(|c| format!("{c}\u{200b}")).collect();
    let spaced: String = SECRET.chars().map(|c| format!("{c} ")).collect();
    let shouted = SECRET.to_uppercase();
    let escaped: String = SECRET.bytes().map(|b| format!("\\\\u{b:04x}")).collect();
    let entities: String = SECRET.bytes().map(|b| format!("&#{b};")).collect();
    let percent: String = SECRET.bytes().map(|b| format!("%{b:02x}")).collect();
    let basic = data_encoding::BASE64.encode(format!("the-client:{SECRET}").as_bytes());
    for secret in [strewn, spaced, shouted, escaped, entities, percent, basic] {
        for answer in [
            answer(
                "401 Unauthorized",
                "",
                &format!(r#"{{"error":"invalid_client","error_description":"{secret}"}}"#),
            ),
            answer(
                "401 Unauthorized",
                "",
                &format!(r#"{{"error":"x {secret}"}}"#),
            ),
            answer(
                "200 OK",
                "Content-Type: text/html\r\n",
                &format!("<title>{secret}</title>"),
            ),
        ] {
            let server = Server::plain(answer.as_str()).await;
            for auth in [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost] {
                let client = desk.client(definition(&plain(&server), auth));
                let diagnosis = diagnosed(&desk, &client).await;
                assert!(diagnosis.cause.contains("not repeated"), "{diagnosis:?}");
            }
        }
    }
}

/// The client `ims` of the repository, as it stands there now.
async fn loaded(desk: &Desk) -> Client {
    let clients = Clients::load(&desk.repository, []).await.unwrap();
    clients.find(&"ims".parse().unwrap()).unwrap().clone()
}

#[tokio::test]
async fn a_token_of_a_client_that_changed_meanwhile_is_not_kept() {
    let desk = Desk::new().await;
    let server = Server::plain(granted()).await;
    let place = "client/ims/secret";
    let put = async || {
        let definition = definition(&plain(&server), AuthMethod::ClientSecretPost);
        let definition = serde_json::to_value(definition).unwrap();
        let CredentialSource::Sealed(sealed) = desk.seal(CredentialKind::Secret, SECRET) else {
            panic!("not sealed");
        };
        let secret = Some((place, &*sealed.to_string()));
        let put = desk.repository.put_client("ims", &definition, secret, NOW);
        put.await.unwrap();
    };
    let is_kept = async || {
        let kept = desk.repository.client_token("ims").await.unwrap();
        kept.is_some()
    };
    put().await;
    let before = loaded(&desk).await;
    assert_eq!(served(&desk, &before).await, Provenance::Endpoint);
    assert!(is_kept().await);

    // Whoever has read the client before it is replaced, and asks afterwards, is a slow request.
    put().await;
    assert!(!is_kept().await);
    assert_eq!(served(&desk, &before).await, Provenance::Endpoint);
    assert!(!is_kept().await);
    let after = loaded(&desk).await;
    assert_eq!(served(&desk, &after).await, Provenance::Endpoint);
    assert_eq!(served(&desk, &after).await, Provenance::Kept);

    let removed = desk.repository.remove_client("ims", place, NOW).await;
    assert!(removed.unwrap());
    assert_eq!(served(&desk, &after).await, Provenance::Endpoint);
    assert!(!is_kept().await);
}

#[tokio::test]
async fn those_who_ask_at_the_same_time_share_one_request() {
    let desk = Arc::new(Desk::new().await);
    let server = Server::plain(granted()).await;
    let client = desk.client(definition(&plain(&server), AuthMethod::ClientSecretPost));
    let client = Arc::new(client);
    for round in 1..3 {
        let mut together = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (desk, client) = (Arc::clone(&desk), Arc::clone(&client));
            together.spawn(async move { fresh(&desk, &client).await.unwrap() });
        }
        while let Some(provenance) = together.join_next().await {
            assert_eq!(provenance.unwrap(), Provenance::Endpoint);
        }
        assert_eq!(server.asked(), round);
    }
}

#[tokio::test]
async fn those_who_share_a_request_share_its_failure() {
    let desk = Desk::new().await;
    let refusal = answer("400 Bad Request", "", r#"{"error":"invalid_scope"}"#);
    let server = Server::plain(refusal).await;
    let client = desk.client(definition(&plain(&server), AuthMethod::ClientSecretPost));
    let (one, two) = tokio::join!(fresh(&desk, &client), fresh(&desk, &client));
    assert_eq!(one.unwrap_err().code(), "CLIENT_INVALID_SCOPE");
    assert_eq!(two.unwrap_err().code(), "CLIENT_INVALID_SCOPE");
    assert_eq!(server.asked(), 1);
}

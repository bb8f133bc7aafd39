//! The request for a token (RFC 6749, section 4.4.2), and how the client says in it who it is.

use bytes::Bytes;
use data_encoding::BASE64;
use form_urlencoded::{Serializer, byte_serialize};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use secrecy::{ExposeSecret as _, SecretString};
use signet_core::UnixSeconds;
use zeroize::Zeroizing;

use crate::credential::private_key;
use crate::private_key::Statement;
use crate::quote::Confidential;
use crate::{AuthMethod, CredentialError, Definition, TokenEndpoint};

/// What kind of statement `client_assertion` is (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A request for a token of `definition`, and what of it must not come back in a message.
pub(crate) fn build(
    definition: &Definition,
    endpoint: &TokenEndpoint,
    credential: &SecretString,
    now: UnixSeconds,
) -> Result<(Request<Full<Bytes>>, Confidential), CredentialError> {
    let mut confidential = Confidential::default();
    let mut authorization = None;
    let client_id = definition.client_id.as_str();
    let mut fields = vec![("grant_type", "client_credentials")];
    if let Some(scope) = &definition.scope {
        fields.push(("scope", scope.as_str()));
    }
    let statement;
    match definition.auth() {
        AuthMethod::ClientSecretBasic => {
            let secret = credential.expose_secret();
            let basic = basic(client_id, secret);
            confidential.add_secret(secret);
            confidential.add(&encoded(secret));
            confidential.add(&basic);
            authorization = HeaderValue::from_str(&format!("Basic {}", *basic)).ok();
        }
        AuthMethod::ClientSecretPost => {
            let secret = credential.expose_secret();
            confidential.add_secret(secret);
            confidential.add(&encoded(secret));
            confidential.add(&basic(client_id, secret));
            fields.extend([("client_id", client_id), ("client_secret", secret)]);
        }
        AuthMethod::PrivateKeyJwt => {
            let endpoint = endpoint.as_str();
            statement = private_key(credential)?.state(
                &Statement {
                    client_id,
                    audience: definition.audience.as_deref().unwrap_or(endpoint),
                    key_id: definition.key_id.as_deref(),
                },
                now,
            )?;
            confidential.add(&statement);
            fields.extend([
                ("client_id", client_id),
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", statement.as_str()),
            ]);
        }
    }
    let mut request = Request::new(Full::new(form(&fields)));
    *request.method_mut() = Method::POST;
    if let Ok(target) = target(endpoint).parse() {
        *request.uri_mut() = target;
    }
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    let agent = HeaderValue::from_static(concat!("signet/", env!("CARGO_PKG_VERSION")));
    headers.insert(USER_AGENT, agent);
    if let Some(mut value) = authorization {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok((request, confidential))
}

/// Path and query, as they stand in the first line of a request.
fn target(endpoint: &TokenEndpoint) -> String {
    let url = endpoint.url();
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Id and secret are encoded as in a form before they are joined (RFC 6749, section 2.3.1), so a colon does no harm.
fn basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let joined = Zeroizing::new(format!("{}:{}", *encoded(client_id), *encoded(secret)));
    Zeroizing::new(BASE64.encode(joined.as_bytes()))
}

fn encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(byte_serialize(text.as_bytes()).collect())
}

fn form(fields: &[(&str, &str)]) -> Bytes {
    // Room for all of it at once, so that no copy of a secret is left behind by growing.
    let room = fields
        .iter()
        .map(|(name, value)| name.len() + value.len() * 3 + 2)
        .sum();
    let mut serializer = Serializer::new(String::with_capacity(room));
    serializer.extend_pairs(fields);
    Bytes::from_owner(Zeroizing::new(serializer.finish().into_bytes()))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::Preset;

    fn definition(auth: AuthMethod, client_id: &str) -> Definition {
        Definition {
            token_endpoint: Some("https://example.com/token?a=b".parse().unwrap()),
            auth: Some(auth),
            scope: Some("read write".parse().unwrap()),
            ..Definition::new(Preset::Generic, client_id.parse().unwrap())
        }
    }

    async fn built(auth: AuthMethod, id: &str, secret: &str) -> (Request<Full<Bytes>>, String) {
        let definition = definition(auth, id);
        let endpoint = definition.endpoint().unwrap();
        let now = UnixSeconds(1_800_000_000);
        let (request, confidential) = build(&definition, &endpoint, &secret.into(), now).unwrap();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), "/token?a=b");
        assert!(confidential.quote(secret).as_str().starts_with("(not"));
        let body = request.body().clone().collect().await.unwrap().to_bytes();
        (request, String::from_utf8(body.to_vec()).unwrap())
    }

    // RFC 6749, section 2.3.1 and appendix B
    #[tokio::test]
    async fn id_and_secret_are_encoded_before_they_are_joined() {
        let (request, body) = built(AuthMethod::ClientSecretBasic, "a:b c", "p%:é&+").await;
        let header = request.headers()[AUTHORIZATION].to_str().unwrap();
        let decoded = BASE64.decode(header.strip_prefix("Basic ").unwrap().as_bytes());
        assert_eq!(decoded.unwrap(), b"a%3Ab+c:p%25%3A%C3%A9%26%2B");
        assert_eq!(body, "grant_type=client_credentials&scope=read+write");
        assert!(!format!("{:?}", request.headers()).contains(header));
    }

    #[tokio::test]
    async fn id_and_secret_stand_in_the_body() {
        let (request, body) = built(AuthMethod::ClientSecretPost, "abc", "p&=1").await;
        assert!(!request.headers().contains_key(AUTHORIZATION));
        assert_eq!(
            body,
            "grant_type=client_credentials&scope=read+write&client_id=abc&client_secret=p%26%3D1"
        );
    }
}

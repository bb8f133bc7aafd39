//! What everybody else would use: `jsonwebtoken`, set up as its documentation says, into a struct as services have it.

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use crate::farm::{AUDIENCE, ISSUER, JSON_WEB_TOKEN_KEY};

pub(crate) struct Decoder {
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
#[allow(
    dead_code,
    reason = "a service reads what the decoder fills in, and the decoder pays for it"
)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    r#gen: u32,
    iat: u64,
    exp: u64,
    auth_time: u64,
    amr: Vec<String>,
    max: u64,
    name: Option<String>,
    email: Option<String>,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        Self {
            key: DecodingKey::from_secret(&JSON_WEB_TOKEN_KEY),
            validation,
        }
    }

    pub(crate) fn decode(&self, token: &str) -> Result<Claims, Error> {
        decode::<Claims>(token, &self.key, &self.validation).map(|decoded| decoded.claims)
    }
}

//! A client's private key, and the short-lived statements that it signs (RFC 7523, section 2.2).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use signet_core::{Seconds, UnixSeconds, base64url};
use zeroize::Zeroizing;

use crate::CredentialError;

/// A statement is good for so long; RFC 7523 leaves it open, and servers refuse more than a few minutes.
const LIFE: Seconds = Seconds(180);

/// The shortest RSA key that signs, in bytes of its modulus.
const LEAST_RSA_BYTES: usize = 2_048 / 8;

const BAD_RSA: &str = "its RSA key is shorter than 2048 bits, or damaged";

/// `rsaEncryption` (RFC 8017, appendix A.1) as it stands in a PKCS#8 key.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A private key that signs for a client: RSA of 2048 bits or more, or EC on the curve P-256.
pub(crate) enum PrivateKey {
    /// Signs with RS256.
    Rsa(Box<RsaKeyPair>),
    /// Signs with ES256.
    P256(Box<EcdsaKeyPair>),
}

/// What a statement says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) key_id: Option<&'a str>,
}

impl PrivateKey {
    /// Reads a key in PEM form: PKCS#8 (`PRIVATE KEY`), or the older forms of RSA and EC keys.
    pub(crate) fn from_pem(text: &str) -> Result<Self, CredentialError> {
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
        let unusable = CredentialError::PrivateKey;
        let refused = |reason: &'static str| unusable(reason);
        match key.map_err(|_| not_a_key(text))? {
            PrivateKeyDer::Pkcs1(key) => {
                let pair = RsaKeyPair::from_der(key.secret_pkcs1_der());
                Self::rsa(pair.map_err(|_| refused(BAD_RSA))?)
            }
            PrivateKeyDer::Sec1(key) => {
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                EcdsaKeyPair::from_private_key_der(algorithm, key.secret_sec1_der())
                    .map(|pair| Self::P256(Box::new(pair)))
                    .map_err(|_| refused("its EC key is damaged, or not on the curve P-256"))
            }
            PrivateKeyDer::Pkcs8(key) => {
                let der = key.secret_pkcs8_der();
                if der
                    .windows(RSA_ENCRYPTION.len())
                    .any(|oid| oid == RSA_ENCRYPTION)
                {
                    let pair = RsaKeyPair::from_pkcs8(der);
                    return Self::rsa(pair.map_err(|_| refused(BAD_RSA))?);
                }
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map(|pair| Self::P256(Box::new(pair)))
                    .map_err(|_| refused("its key is neither RSA nor EC on the curve P-256"))
            }
            _ => Err(refused("its key is of a kind that is not known here")),
        }
    }

    fn rsa(pair: RsaKeyPair) -> Result<Self, CredentialError> {
        if pair.public_modulus_len() < LEAST_RSA_BYTES {
            return Err(CredentialError::PrivateKey(BAD_RSA));
        }
        Ok(Self::Rsa(Box::new(pair)))
    }

    /// The algorithm that the key signs with, by its name in RFC 7518.
    pub(crate) const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
        }
    }

    /// A signed statement that the client is who it says, good for a few minutes and for one use.
    pub(crate) fn state(
        &self,
        statement: &Statement<'_>,
        now: UnixSeconds,
    ) -> Result<Zeroizing<String>, CredentialError> {
        let mut once = [0; 16];
        getrandom::fill(&mut once).map_err(|_| CredentialError::Signing)?;
        let mut header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        if let (Some(key_id), Some(header)) = (statement.key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), key_id.into());
        }
        let claims = json!({
            "iss": statement.client_id,
            "sub": statement.client_id,
            "aud": statement.audience,
            "jti": base64url::encode(&once),
            "iat": now.0,
            "exp": now.plus(LIFE).0,
        });
        let encode = |part: &serde_json::Value| base64url::encode(part.to_string().as_bytes());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.sign(message.as_bytes())?;
        Ok(Zeroizing::new(format!(
            "{message}.{}",
            base64url::encode(&signature)
        )))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| CredentialError::Signing)?;
                Ok(signature)
            }
            Self::P256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| CredentialError::Signing),
        }
    }
}

fn not_a_key(text: &str) -> CredentialError {
    CredentialError::PrivateKey(match text {
        text if text.contains("ENCRYPTED") => {
            "it is protected by a passphrase; take that off with openssl pkey"
        }
        text if text.contains("BEGIN CERTIFICATE") || text.contains("BEGIN PUBLIC KEY") => {
            "it is a certificate or a public key instead of a private key"
        }
        _ => "it holds no private key in PEM form",
    })
}

#[cfg(test)]
mod tests;

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaSigningAlgorithm, KeyPair as _};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// Too short to sign; made for this test alone.
const RSA_1024: &str = "\
MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBALJ3JVRaF16ESwBu\
wbJmNRzR/GGYF7alUnP8mjYdwcIxRArsiJRyy34AN1/WGkWx6RgUlUMx3qH+FE/q\
pMzYKRCBt/TR1ubQ/NPicl2XmOpQf0vCu0niJJbkfoic60OKz/9FSdTEYa9/XKQy\
FQrXj1RwDnkZQwCLBMJkeOTEh/pXAgMBAAECgYAzZL5aSUt7i4txx3N+ZZKcBxiw\
HjWOApP5FOBv/yfCPZ/DqZQ3c8uIMJXBwo10TqS6q4rEfAMKEXpV/VOSLhm8zQKO\
M7u1cPKToa9qEP7Nf9AdG4ecExPiZz7RB4JqFsMPBrcZ/sZ6ssXVbOdAx2HdYHTX\
h+oL8tygqCdRuC/UCQJBANyuP6O4AbzrnPQBCaYJCcPSE2vDuHhpy4JRjC+854ep\
fAuk6/CEvGCewJKbjiBg7iIClk0FXEDA7LTM9QS/lDUCQQDPBz/tDb9EAOAPz3RN\
dlei3A8Rd5f+9xhVEdAbehuzigz5ZtRR6QCBMrrTL6ydwL+pltpWQ4fR3CfEXwPK\
V43bAkEAhEC5Svi/seTSTzk/+w13mK+RjAfjyeY9XIBar1FawGbGPIQ+Egq6in0Z\
k8M9zhHJJQC/6rDHtNbqBQC/5nSZ8QJBAIe5dAJgMdVOUZZr5g5mmDuP010bL42a\
xtv2ip2I5yJETg8vh+CPRaJt9KdBKQRe+ggfetJ1AVTm5TdLJzv/PGMCQQC36Knj\
gNVzM5bhlBGN3MnkxTjWMMp5QkuDnwh4mQkJrkT8LuIbnEmjDPtFTRgUW4n8ZVUK\
l4qbSNda2aAq6O0H";

fn pem(label: &str, base64: &str) -> String {
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

fn der(label: &str, der: &[u8]) -> String {
    pem(label, &data_encoding::BASE64.encode(der))
}

/// A new RSA key in both of its forms.
fn rsa() -> [String; 2] {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let pkcs8 = pkcs8.as_ref();
    // The older form is what the newer one wraps, after 26 bytes that name it as RSA.
    let pkcs1 = &pkcs8[26..];
    [der("PRIVATE KEY", pkcs8), der("RSA PRIVATE KEY", pkcs1)]
}

/// A new EC key in both of its forms.
fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> [String; 2] {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let private = pair.private_key();
    let sec1 = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&private).unwrap();
    [
        der("PRIVATE KEY", pkcs8.as_ref()),
        der("EC PRIVATE KEY", sec1.as_ref()),
    ]
}

fn public(key: &PrivateKey) -> (Algorithm, DecodingKey) {
    match key {
        PrivateKey::Rsa(pair) => (
            Algorithm::RS256,
            DecodingKey::from_rsa_der(pair.public_key().as_ref()),
        ),
        PrivateKey::P256(pair) => (
            Algorithm::ES256,
            DecodingKey::from_ec_der(pair.public_key().as_ref()),
        ),
    }
}

// RFC 7523, section 3
#[test]
fn another_library_reads_what_is_stated() {
    for pem in rsa()
        .into_iter()
        .chain(ec(&ECDSA_P256_SHA256_FIXED_SIGNING))
    {
        let key = PrivateKey::from_pem(&pem).unwrap();
        let statement = Statement {
            client_id: "the client",
            audience: "https://example.com/token",
            key_id: Some("key 1"),
        };
        let token = key.state(&statement, NOW).unwrap();
        let again = key.state(&statement, NOW).unwrap();
        let (algorithm, public) = public(&key);
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&["https://example.com/token"]);
        validation.validate_exp = false;
        let read = jsonwebtoken::decode::<Value>(token.as_str(), &public, &validation).unwrap();
        assert_eq!(read.header.kid.as_deref(), Some("key 1"));
        assert_eq!(read.claims["iss"], "the client");
        assert_eq!(read.claims["sub"], "the client");
        assert_eq!(read.claims["iat"], NOW.0);
        let life = read.claims["exp"].as_u64().unwrap() - NOW.0;
        assert!((60..=300).contains(&life));
        let again = jsonwebtoken::decode::<Value>(again.as_str(), &public, &validation).unwrap();
        assert_ne!(again.claims["jti"], read.claims["jti"]);
    }
}

#[test]
fn what_cannot_sign_is_told_apart() {
    let encrypted = pem("ENCRYPTED PRIVATE KEY", "AAAA");
    let certificate = pem("CERTIFICATE", "AAAA");
    let damaged = rsa()[0].replacen("MII", "MIJ", 1);
    let [p384, p384_older] = ec(&ECDSA_P384_SHA384_FIXED_SIGNING);
    for (text, words) in [
        ("", "no private key"),
        ("<html>Sign in</html>", "no private key"),
        (&encrypted, "passphrase"),
        (&certificate, "a certificate"),
        (&pem("PRIVATE KEY", RSA_1024), "shorter than 2048 bits"),
        (&p384, "neither RSA nor EC"),
        (&p384_older, "not on the curve P-256"),
        (&damaged, "or damaged"),
    ] {
        let error = PrivateKey::from_pem(text).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.code(), "CLIENT_PRIVATE_KEY");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_key_or_none(text in "(-----BEGIN (RSA |EC |)PRIVATE KEY-----\n)?[A-Za-z0-9+/=\n]{0,200}(-----END (RSA |EC |)PRIVATE KEY-----)?") {
        let _ = PrivateKey::from_pem(&text);
    }
}

//! What a certificate says.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use data_encoding::HEXLOWER;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use sha2::{Digest as _, Sha256};
use signet_core::{Seconds, UnixSeconds};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate, X509Version};

/// So many names are told; a certificate may have thousands.
const MOST_NAMES: usize = 100;
/// So long before its end a certificate wants to be renewed,
const SOON: Seconds = Seconds(14 * 86_400);
/// or in this part of its life, where that is short.
const PART: u64 = 3;

/// What a server's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// It is not valid before.
    pub not_before: UnixSeconds,
    /// It is not valid after.
    pub not_after: UnixSeconds,
    /// What it is told from others by.
    pub fingerprint: Fingerprint,
    der: CertificateDer<'static>,
}

/// The SHA-256 of a whole certificate, as `openssl x509 -fingerprint -sha256` shows it, but without colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Fingerprint {
    /// Reads what `Display` has written.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

/// What the time says about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// It is good.
    Good,
    /// It begins to be valid in so long.
    NotYet(Seconds),
    /// It ends in so long, which is soon.
    Ending(Seconds),
    /// It has ended so long ago.
    Over(Seconds),
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(super) fn parse(der: &CertificateDer<'_>) -> Result<Self, String> {
        let (rest, read) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        if read.version() != X509Version::V3 {
            return Err(
                "it is of an old version, which says neither for whom it is nor what it may do; \
                 only version 3 with subjectAltName is understood today"
                    .to_owned(),
            );
        }
        // What answers with it must be able to read it; that is pickier than the other parser.
        ParsedCertificate::try_from(der).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err("something follows it".to_owned());
        }
        let alternatives = read
            .subject_alternative_name()
            .map_err(|error| error.to_string())?;
        let names = alternatives
            .iter()
            .flat_map(|names| &names.value.general_names);
        let time = |time: x509_parser::time::ASN1Time| {
            UnixSeconds(u64::try_from(time.timestamp()).unwrap_or_default())
        };
        Ok(Self {
            names: names.filter_map(name).take(MOST_NAMES).collect(),
            not_before: time(read.validity().not_before),
            not_after: time(read.validity().not_after),
            fingerprint: Fingerprint(Sha256::digest(der).into()),
            der: der.clone().into_owned(),
        })
    }

    /// Whether it is for `host`, a name or an address as it stands in a URL.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']);
        let (Ok(name), Ok(parsed)) = (
            ServerName::try_from(host),
            ParsedCertificate::try_from(&self.der),
        ) else {
            return false;
        };
        verify_server_name(&parsed, &name).is_ok()
    }

    /// What the time says about it.
    pub(crate) fn age(&self, now: UnixSeconds) -> Age {
        let life = self.not_after.since(self.not_before);
        let left = self.not_after.since(now);
        if now > self.not_after {
            Age::Over(now.since(self.not_after))
        } else if now < self.not_before {
            Age::NotYet(self.not_before.since(now))
        } else if left < SOON.min(Seconds(life.0 / PART)) {
            Age::Ending(left)
        } else {
            Age::Good
        }
    }

    /// For whom it is, to be read.
    #[must_use]
    pub fn holders(&self) -> String {
        match self.names.as_slice() {
            [] => "nobody".to_owned(),
            names if names.len() > 4 => format!(
                "{} and {} more",
                names.iter().take(3).cloned().collect::<Vec<_>>().join(", "),
                names.len() - 3
            ),
            names => names.join(", "),
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self, now: UnixSeconds) -> bool {
        matches!(self.age(now), Age::Over(_))
    }

    /// When it ends, to be read.
    #[must_use]
    pub fn end(&self) -> String {
        moment(self.not_after)
    }
}

/// A time to be read: `2027-02-20 11:12:13 UTC`.
pub(crate) fn moment(time: UnixSeconds) -> String {
    // Beyond the year 9999, as certificates without an end have it.
    crate::moment::utc(time).unwrap_or_else(|| "the end of time".to_owned())
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        // Whatever somebody put into a certificate is shown in logs and on terminals.
        GeneralName::DNSName(name) => name
            .bytes()
            .all(|b| b.is_ascii_graphic())
            .then(|| (*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|bytes| Ipv4Addr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

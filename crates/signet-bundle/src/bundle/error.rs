//! Why a bundle was not made or not accepted.

use signet_core::KeyId;
use signet_keys::KeyFileError;

use super::addressee;
use crate::sealing::{SealError, UnsealError};
use crate::{CardError, NodeId, NodeName};

/// Why a bundle was not made or not accepted. Nothing secret is ever part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// There is no key to send.
    #[error("there is no key to put into a bundle")]
    NoKeys,
    /// It could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No bytes at all.
    #[error("the bundle is empty")]
    Empty,
    /// More than [`MAX_BUNDLE_BYTES`](super::MAX_BUNDLE_BYTES).
    #[error("the bundle is larger than {} bytes", super::MAX_BUNDLE_BYTES)]
    TooLarge,
    /// More stanzas than [`MAX_RECIPIENTS`](crate::MAX_RECIPIENTS) instances need.
    #[error(
        "the bundle is for more than {} instances, and was not looked into",
        crate::MAX_RECIPIENTS
    )]
    TooManyRecipients,
    /// A web page.
    #[error("the file is a web page, not a bundle (a saved login page?)")]
    Html,
    /// The armoured text form of age, which bundles do not have.
    #[error("the file is an age file in text form; a bundle is binary")]
    Armored,
    /// Not sealed by age, or sealed for this instance and yet no bundle.
    #[error("the file is not a bundle of keys")]
    Foreign,
    /// It ends in the middle.
    #[error("the bundle is cut off: it ends in the middle")]
    Truncated,
    /// Not as its sender made it.
    #[error("the bundle was altered or damaged on its way")]
    Altered,
    /// For others.
    #[error("the bundle is for another instance: {}", names(named))]
    ForAnother {
        /// For whom it says it is, which nobody has vouched for.
        named: Vec<(NodeId, NodeName)>,
        /// The id of this instance.
        us: NodeId,
    },
    /// Its outside names this instance, but its key does not open it.
    #[error("the bundle is for this instance, but sealed for another age key than it has now")]
    OldCard,
    /// The sender sealed it for others, and one of those sealed it anew for this instance.
    #[error(
        "the bundle was not made for this instance: {sender} made it for others, and somebody passed it on"
    )]
    Forwarded {
        /// What the sender calls itself.
        sender: NodeName,
    },
    /// A version that this program does not know.
    #[error("the bundle has the version {found:?}, this program knows \"1\"")]
    Version {
        /// What it says.
        found: String,
    },
    /// Signed well, but not a bundle of keys.
    #[error("the bundle does not hold keys but {found:?}")]
    Kind {
        /// What it says.
        found: String,
    },
    /// It holds keys of AEM installations, where Signet's own are expected.
    #[error("the bundle holds keys of AEM, not of Signet")]
    AemKeys,
    /// It holds Signet's own keys, where those of AEM installations are expected.
    #[error("the bundle holds keys of Signet, not of AEM")]
    SignetKeys,
    /// It is not put together as bundles are.
    #[error("the bundle is damaged: its {0} cannot be read")]
    Malformed(&'static str),
    /// The card of its sender is none.
    #[error("the bundle is damaged: the card of its sender cannot be read")]
    Sender(#[source] CardError),
    /// A key in it is none.
    #[error("the bundle is damaged: the key {id} in it cannot be used")]
    Key {
        /// The key.
        id: KeyId,
        /// What is wrong with it.
        #[source]
        source: KeyFileError,
    },
}

impl BundleError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoKeys => "signet keys list shows the keys; revoked ones are never sent".into(),
            Self::Seal(SealError::TooMany(_)) => {
                format!("make several bundles, each with up to {} cards: --for FILE", crate::MAX_RECIPIENTS)
            }
            Self::Seal(_) => "name at least one card: --for FILE".into(),
            Self::TooManyRecipients => {
                "ask for one that is made for this instance alone: signet keys export --for CARD".into()
            }
            Self::ForAnother { us, .. } => format!(
                "this instance is {us}; its card (signet node show) belongs to the --for of signet keys export"
            ),
            Self::OldCard | Self::Forwarded { .. } => {
                "make a new one for the card that signet node show prints here: signet keys export --for CARD".into()
            }
            Self::Version { .. } | Self::Kind { .. } => {
                "use the version of signet that made it, or a newer one".into()
            }
            Self::AemKeys => "it belongs to signet aem import FILE --to DIR".into(),
            Self::SignetKeys => "it belongs to signet keys import FILE".into(),
            Self::Armored => "turn it into binary first: age's --armor was added by somebody".into(),
            Self::TooLarge => "send fewer keys at once: signet keys export --key KID".into(),
            Self::Empty | Self::Html | Self::Foreign | Self::Truncated => {
                "bring the file here again, in binary, from where signet keys export wrote it".into()
            }
            Self::Altered | Self::Malformed(_) | Self::Sender(_) | Self::Key { .. } => {
                "nothing of it was used; make it again: signet keys export".into()
            }
        }
    }
}

/// What it means that `sealed` does not open for the instance `us`.
pub(crate) fn explain(error: UnsealError, sealed: &[u8], us: NodeId) -> BundleError {
    match error {
        UnsealError::Foreign => foreign(sealed),
        UnsealError::Version => BundleError::Foreign,
        UnsealError::Truncated => BundleError::Truncated,
        UnsealError::TooMany => BundleError::TooManyRecipients,
        UnsealError::Altered => BundleError::Altered,
        UnsealError::NotForUs => {
            let named = addressee::named(sealed);
            match named.iter().any(|(id, _)| *id == us) {
                true => BundleError::OldCard,
                false => BundleError::ForAnother { named, us },
            }
        }
    }
}

fn foreign(sealed: &[u8]) -> BundleError {
    let text = sealed.trim_ascii_start();
    if text.starts_with(b"<") {
        return BundleError::Html;
    }
    if text.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") {
        return BundleError::Armored;
    }
    BundleError::Foreign
}

fn names(named: &[(NodeId, NodeName)]) -> String {
    match named {
        [] => "it does not say for which".to_owned(),
        named => {
            let each = named.iter().map(|(id, name)| format!("{name} ({id})"));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

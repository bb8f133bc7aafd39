//! JWS compact serialisation with `HS256` (RFC 7515, section 7.1; RFC 7518, section 3.2).

use hmac::Mac;

use crate::purpose::{KeyedHmac, keyed};
use crate::{Denied, KeyId, KeyMaterial, Purpose, base64url};

use super::encode_header;

/// `.` and 43 characters for 256 bits.
const SIGNATURE_CHARS: usize = 44;

/// A key as signed tokens need it.
#[derive(Clone)]
pub(crate) struct SignedKey {
    /// The header segment with the dot behind it.
    header: Vec<u8>,
    /// The MAC with the header segment and the dot already taken in.
    mac: KeyedHmac,
}

impl core::fmt::Debug for SignedKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SignedKey(..)")
    }
}

/// The header segment of signed tokens of key `id`, with the dot behind it.
pub(super) fn header(id: KeyId) -> Vec<u8> {
    let mut header = encode_header(&format!(
        r#"{{"typ":"login+jwt","alg":"HS256","kid":"{id}"}}"#
    ));
    header.push('.');
    header.into_bytes()
}

impl SignedKey {
    pub(crate) fn new(id: KeyId, material: &KeyMaterial) -> Self {
        let header = header(id);
        let mac = keyed(&*material.derive(Purpose::SignedSession)).chain_update(&header);
        Self { header, mac }
    }

    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    pub(crate) fn sign(&self, payload: &[u8]) -> String {
        let mut token = String::from_utf8_lossy(&self.header).into_owned();
        base64url::encode_onto(payload, &mut token);
        let signed = token
            .as_bytes()
            .get(self.header.len()..)
            .unwrap_or_default();
        let tag = self
            .mac
            .clone()
            .chain_update(signed)
            .finalize()
            .into_bytes();
        token.push('.');
        base64url::encode_onto(&tag, &mut token);
        token
    }

    /// Verifies what stands behind the header and decodes the payload into `buffer`.
    #[inline]
    pub(crate) fn open<'b>(&self, rest: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Denied> {
        let cut = rest
            .len()
            .checked_sub(SIGNATURE_CHARS)
            .ok_or(Denied::TokenMalformed)?;
        let (payload, signature) = rest.split_at_checked(cut).ok_or(Denied::TokenMalformed)?;
        let Some((b'.', signature)) = signature.split_first() else {
            return Err(Denied::TokenMalformed);
        };
        let mut tag = [0; 32];
        base64url::decode_into(signature, &mut tag).ok_or(Denied::TokenMalformed)?;
        self.mac
            .clone()
            .chain_update(payload)
            .verify(&tag.into())
            .map_err(|_| Denied::MacInvalid)?;
        base64url::decode_into(payload, buffer)
            .map(|payload| &*payload)
            .ok_or(Denied::TokenMalformed)
    }
}

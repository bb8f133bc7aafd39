//! JWE compact serialisation, `dir` with `A128CBC-HS256` (RFC 7516, section 7.1; RFC 7518, sections 4.5 and 5.2).

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::purpose::{KeyedHmac, keyed};
use crate::{Denied, KeyId, KeyMaterial, Purpose, base64url};

use super::encode_header;

/// 22 characters for 128 bits.
const BLOCK_CHARS: usize = 22;
const BLOCK: usize = 16;

/// A key as sealed tokens need it.
#[derive(Clone)]
pub(crate) struct SealedKey {
    /// The header segment with the two dots around the empty encrypted key.
    header: Vec<u8>,
    /// The MAC with the header segment, which is the additional data, already taken in.
    mac: KeyedHmac,
    /// The length of the additional data in bits (RFC 7518, section 5.2.2.1, `AL`).
    additional_bits: [u8; 8],
    cipher: Aes128,
}

impl core::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SealedKey(..)")
    }
}

/// The header segment of sealed tokens of key `id`, with the two dots behind it.
pub(super) fn header(id: KeyId) -> Vec<u8> {
    let mut header = encode_header(&format!(
        r#"{{"typ":"login+jwt","alg":"dir","enc":"A128CBC-HS256","kid":"{id}"}}"#
    ));
    header.push_str("..");
    header.into_bytes()
}

impl SealedKey {
    pub(crate) fn new(id: KeyId, material: &KeyMaterial) -> Self {
        let header = header(id);
        let additional = header.strip_suffix(b"..").unwrap_or(&header);
        let content_key = material.derive(Purpose::SealedSession);
        // RFC 7518, section 5.2.2.1: the first half authenticates, the second half encrypts.
        let (for_mac, for_cipher) = content_key.split_at(BLOCK);
        let mut cipher_key = zeroize::Zeroizing::new([0; BLOCK]);
        cipher_key
            .iter_mut()
            .zip(for_cipher)
            .for_each(|(to, from)| *to = *from);
        Self {
            mac: keyed(for_mac).chain_update(additional),
            additional_bits: (additional.len() as u64 * 8).to_be_bytes(),
            cipher: Aes128::new((&*cipher_key).into()),
            header,
        }
    }

    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    pub(crate) fn seal(&self, payload: &[u8], iv: [u8; BLOCK]) -> String {
        let encryptor = cbc::Encryptor::<&Aes128>::inner_iv_init(&self.cipher, &iv.into());
        let ciphertext = encryptor.encrypt_padded_vec::<Pkcs7>(payload);
        let tag = self.tag(&iv, &ciphertext);
        let mut token = String::from_utf8_lossy(&self.header).into_owned();
        base64url::encode_onto(&iv, &mut token);
        token.push('.');
        base64url::encode_onto(&ciphertext, &mut token);
        token.push('.');
        base64url::encode_onto(&tag, &mut token);
        token
    }

    /// Verifies what stands behind the header and decrypts the payload in `buffer`.
    #[inline]
    pub(crate) fn open<'b>(&self, rest: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], Denied> {
        let (iv, ciphertext, tag) = parts(rest).ok_or(Denied::TokenMalformed)?;
        let iv = decode_block(iv).ok_or(Denied::TokenMalformed)?;
        let tag = decode_block(tag).ok_or(Denied::TokenMalformed)?;
        let ciphertext =
            base64url::decode_into(ciphertext, buffer).ok_or(Denied::TokenMalformed)?;
        if !bool::from(self.tag(&iv, ciphertext).ct_eq(&tag)) {
            return Err(Denied::MacInvalid);
        }
        cbc::Decryptor::<&Aes128>::inner_iv_init(&self.cipher, &iv.into())
            .decrypt_padded::<Pkcs7>(ciphertext)
            .map_err(|_| Denied::TokenMalformed)
    }

    /// The first half of the MAC over additional data, IV, ciphertext and the length of the additional data.
    #[inline]
    fn tag(&self, iv: &[u8; BLOCK], ciphertext: &[u8]) -> [u8; BLOCK] {
        let mac = self
            .mac
            .clone()
            .chain_update(iv)
            .chain_update(ciphertext)
            .chain_update(self.additional_bits)
            .finalize()
            .into_bytes();
        let mut tag = [0; BLOCK];
        tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        tag
    }
}

/// Splits `iv.ciphertext.tag`; the places of the dots are known from the lengths.
#[inline]
fn parts(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (iv, rest) = rest.split_at_checked(BLOCK_CHARS)?;
    let rest = rest.strip_prefix(b".")?;
    let (rest, tag) = rest.split_at_checked(rest.len().checked_sub(BLOCK_CHARS)?)?;
    Some((iv, rest.strip_suffix(b".")?, tag))
}

#[inline]
fn decode_block(text: &[u8]) -> Option<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    base64url::decode_into(text, &mut block)?;
    Some(block)
}

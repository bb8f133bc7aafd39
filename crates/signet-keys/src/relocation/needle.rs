//! Looking for the bytes of removed keys in the files where they were, in every form they could stand in.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use data_encoding::{BASE64, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};
use signet_core::{Key, KeyId};
use zeroize::Zeroizing;

/// The halves of keys, in every form: a piece that was left when a page was written over is found, too.
pub(crate) struct Needles {
    needles: Vec<(KeyId, Zeroizing<Vec<u8>>)>,
    /// Whether a needle begins with these two bytes: nearly every place of a file is dismissed by that.
    beginnings: Vec<bool>,
}

impl Needles {
    pub(crate) fn of<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Self {
        let mut all = Self {
            needles: Vec::new(),
            beginnings: vec![false; 1 << 16],
        };
        for key in keys {
            let bits = key.material.expose();
            all.add(key.id, bits);
            for encoding in [&HEXLOWER, &HEXUPPER] {
                all.add(key.id, &encoded(encoding, bits));
            }
            // How the last of them stand in base64 depends on what follows.
            let whole = bits.get(..30).unwrap_or(bits);
            for encoding in [&BASE64URL_NOPAD, &BASE64] {
                all.add(key.id, &encoded(encoding, whole));
            }
        }
        all
    }

    fn add(&mut self, id: KeyId, form: &[u8]) {
        let (one, other) = form.split_at(form.len() / 2);
        for half in [one, other] {
            if let Some(beginning) = beginning(half)
                && let Some(known) = self.beginnings.get_mut(beginning)
            {
                *known = true;
                self.needles.push((id, Zeroizing::new(half.to_vec())));
            }
        }
    }

    /// The key of which bytes are in the file at `path`, if there are any. A file that does not exist holds none.
    pub(crate) fn find(&self, path: &Path) -> io::Result<Option<KeyId>> {
        match File::open(path) {
            Ok(file) => self.find_in(file),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn find_in(&self, mut reader: impl Read) -> io::Result<Option<KeyId>> {
        let overlap = self.longest().saturating_sub(1);
        let mut buffer = Zeroizing::new(vec![0; CHUNK + overlap]);
        let mut filled = 0;
        loop {
            let Some(rest) = buffer.get_mut(filled..) else {
                return Ok(None);
            };
            let read = match reader.read(rest) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            filled += read;
            if filled < buffer.len() && read > 0 {
                continue;
            }
            let window = buffer.get(..filled).unwrap_or_default();
            let found = self.find_among(window);
            if found.is_some() || read == 0 {
                return Ok(found);
            }
            // A needle may begin in this piece and end in the next one.
            let keep = filled.min(overlap);
            buffer.copy_within(filled - keep..filled, 0);
            filled = keep;
        }
    }

    fn find_among(&self, bytes: &[u8]) -> Option<KeyId> {
        (0..bytes.len()).find_map(|at| {
            let rest = bytes.get(at..)?;
            if !*self.beginnings.get(beginning(rest)?)? {
                return None;
            }
            let found = self.needles.iter().find(|(_, n)| rest.starts_with(n));
            found.map(|(id, _)| *id)
        })
    }

    fn longest(&self) -> usize {
        let lengths = self.needles.iter().map(|(_, needle)| needle.len());
        lengths.max().unwrap_or(1)
    }
}

/// How much of a file is in memory at once, in bytes.
const CHUNK: usize = 1 << 20;

fn encoded(encoding: &Encoding, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(vec![0; encoding.encode_len(bytes.len())]);
    encoding.encode_mut(bytes, &mut text);
    text
}

fn beginning(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [one, other, ..] => Some(usize::from(*one) << 8 | usize::from(*other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use signet_core::{KeyState, RingName};

    use super::*;
    use crate::testing::key;

    fn needles() -> (Key, Needles) {
        let mut key = key(RingName::Hmac, 7, KeyState::Active, 1);
        let bits: Vec<u8> = (1..=32).map(|n: u8| n.wrapping_mul(37)).collect();
        key.material = signet_core::KeyMaterial::new(bits.try_into().unwrap());
        let needles = Needles::of([&key]);
        (key, needles)
    }

    // O6
    #[test]
    fn every_form_of_a_key_is_found_wherever_it_stands() {
        let (key, needles) = needles();
        let bits = key.material.expose();
        let forms: [Vec<u8>; 6] = [
            bits.to_vec(),
            crate::encode_key_file(&key).as_bytes().to_vec(),
            BASE64.encode(bits).into_bytes(),
            BASE64URL_NOPAD.encode(bits).into_bytes(),
            HEXLOWER.encode(bits).into_bytes(),
            HEXUPPER.encode(bits).into_bytes(),
        ];
        for form in forms {
            for before in [0, 1, CHUNK - 20, CHUNK, CHUNK + 70, 3 * CHUNK - 1] {
                let mut file = vec![0xa5; before];
                file.extend(&form);
                file.extend([0xa5; 100]);
                assert_eq!(
                    needles.find_in(&file[..]).unwrap(),
                    Some(key.id),
                    "{before}"
                );
            }
        }
    }

    #[test]
    fn half_a_key_is_found_and_other_bytes_are_not() {
        let (key, needles) = needles();
        let bits = key.material.expose();
        for half in [&bits[..16], &bits[16..]] {
            assert_eq!(needles.find_in(half).unwrap(), Some(key.id));
        }
        let text = BASE64URL_NOPAD.encode(bits);
        assert_eq!(
            needles.find_in(&text.as_bytes()[..20]).unwrap(),
            Some(key.id)
        );
        let harmless: Vec<u8> = (0..3 * CHUNK).map(|n| (n * n / 7) as u8).collect();
        assert_eq!(needles.find_in(&harmless[..]).unwrap(), None);
        assert_eq!(needles.find_in(&[][..]).unwrap(), None);
        assert_eq!(needles.find_in(&bits[..15]).unwrap(), None);
    }
}

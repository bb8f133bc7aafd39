//! Several fields as one run of bytes that can be taken apart in one way only: each field with its length before it.

use zeroize::Zeroizing;

/// Collects fields.
pub(crate) struct Framed(Zeroizing<Vec<u8>>);

impl Framed {
    /// With room for `bytes` bytes in all: a buffer that grows leaves a copy of its content behind.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    /// What `parts` come to.
    pub(crate) fn of(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        let mut framed = Self::with_capacity(parts.iter().map(|part| part.len() + PREFIX).sum());
        parts.iter().for_each(|part| framed.push(part));
        framed.finish()
    }

    /// Adds a field: its length as 64 bits, most significant first, and its bytes.
    pub(crate) fn push(&mut self, field: &[u8]) {
        self.0
            .extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// The bytes that a field takes beside its own.
pub(crate) const PREFIX: usize = 8;

/// Takes fields apart again.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'b> {
    all: &'b [u8],
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self {
            all: bytes,
            rest: bytes,
        }
    }

    /// The next field; `None` where no whole one is left.
    pub(crate) fn take(&mut self) -> Option<&'b [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<PREFIX>()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(field)
    }

    /// The next field as text.
    pub(crate) fn text(&mut self) -> Option<&'b str> {
        core::str::from_utf8(self.take()?).ok()
    }

    /// The next field as a number, which was written in the one usual way.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let text = self.text()?;
        let number: u64 = text.parse().ok()?;
        (number.to_string() == text).then_some(number)
    }

    /// What was taken so far.
    pub(crate) fn taken(&self) -> &'b [u8] {
        self.all
            .get(..self.all.len() - self.rest.len())
            .unwrap_or_default()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        // T6
        #[test]
        fn fields_come_out_as_they_went_in(fields: Vec<Vec<u8>>) {
            let parts: Vec<_> = fields.iter().map(Vec::as_slice).collect();
            let bytes = Framed::of(&parts);
            let mut left = Fields::new(&bytes);
            for field in &fields {
                prop_assert_eq!(left.take(), Some(field.as_slice()));
            }
            prop_assert!(left.is_at_end());
            prop_assert_eq!(left.taken(), bytes.as_slice());
            prop_assert_eq!(left.take(), None);
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_no_field() {
        let mut bytes = Framed::of(&[b"abc"]).to_vec();
        bytes.pop();
        assert_eq!(Fields::new(&bytes).take(), None);
        assert_eq!(Fields::new(&[0xff; 20]).take(), None);
    }

    #[test]
    fn a_number_has_one_spelling() {
        for (text, number) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("012", None),
            ("+1", None),
        ] {
            assert_eq!(
                Fields::new(&Framed::of(&[text.as_bytes()])).number(),
                number
            );
        }
    }
}

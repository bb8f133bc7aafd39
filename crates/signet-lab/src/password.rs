//! Passwords of lab users: random, shown once on purpose, and never by accident.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use crate::error::LabError;

/// A password; `Debug` does not show it.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A random password of 80 bits, in four groups that can be read aloud.
    ///
    /// # Errors
    /// [`LabError::Random`].
    pub fn random() -> Result<Self, LabError> {
        let mut bytes = Zeroizing::new([0; 10]);
        getrandom::fill(bytes.as_mut()).map_err(LabError::Random)?;
        let letters = Zeroizing::new(BASE32_NOPAD.encode(bytes.as_ref()).to_lowercase());
        let mut grouped = Zeroizing::new(String::with_capacity(letters.len() + 3));
        for (at, letter) in letters.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                grouped.push('-');
            }
            grouped.push(letter);
        }
        Ok(Self(grouped))
    }

    /// Serializes the password itself: for the one document that is made to show it.
    pub(crate) fn serialize_revealed<S: serde::Serializer>(
        password: &Self,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(password.reveal())
    }

    /// The password itself, for a form or for the terminal.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_stay_out_of_debug_output() {
        let (one, two) = (Password::random().unwrap(), Password::random().unwrap());
        assert_ne!(one.reveal(), two.reveal());
        assert_eq!(one.reveal().len(), 19);
        assert!(!format!("{one:?}").contains(one.reveal()));
    }
}

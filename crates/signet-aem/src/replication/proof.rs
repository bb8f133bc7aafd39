//! Whether a running instance uses the key that was copied to it.

use serde::Serialize;

use super::Source;
use super::source::raw_master;
use crate::KeyName;
use crate::console::{Console, ConsoleError};

/// Whether an instance seals with the `master` that was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "master", content = "why")]
#[non_exhaustive]
pub enum SameMaster {
    /// What it sealed just now opens with it.
    Yes,
    /// It does not.
    No,
    /// That cannot be told this way.
    Unknown(&'static str),
}

impl Source {
    /// Lets an instance protect a text that was made up for this, and opens that with the raw `master`.
    ///
    /// # Errors
    ///
    /// The instance does not answer, or refuses.
    pub async fn is_master_of(&self, console: &Console) -> Result<SameMaster, ConsoleError> {
        let Some(key) = self.key(KeyName::Master) else {
            return Ok(SameMaster::Unknown("master was not copied"));
        };
        let Some(master) = raw_master(key) else {
            return Ok(SameMaster::Unknown(
                "master is obfuscated, so nothing opens with it outside of AEM",
            ));
        };
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return Ok(SameMaster::Unknown("the system gives no randomness"));
        }
        let text = format!("signet-{}", data_encoding::HEXLOWER.encode(&random));
        let value = match console.protect(&text).await {
            Err(error) if error.is_missing() => {
                return Ok(SameMaster::Unknown(
                    "its web console has no page that protects a text",
                ));
            }
            value => value?,
        };
        // A wrong key opens one value in some hundred, and then nonsense comes out.
        Ok(match value.open(&master) {
            Ok(opened) if *opened == text => SameMaster::Yes,
            _ => SameMaster::No,
        })
    }
}

#[cfg(test)]
mod tests {
    use signet_core::UnixSeconds;
    use signet_keys::granite::GraniteKey;
    use signet_secret::GraniteValue;
    use zeroize::Zeroizing;

    use super::*;
    use crate::console::testing::{Reply, Script, console};
    use crate::inspection::tests::{Installation, RAW_MASTER};
    use crate::replication::Choice;

    fn sealing(bits: [u8; 16]) -> Script {
        Script::play(move |asked| {
            let key = GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0));
            let text = asked.field("datum").unwrap();
            assert!(asked.is("POST", "/system/console/crypto/.json"));
            let value = GraniteValue::protect(&key, &text).unwrap();
            Reply::json(format!("{{\"protected\":\"{value}\"}}"))
        })
    }

    #[tokio::test]
    async fn what_an_instance_seals_tells_its_master() {
        let author = Installation::fresh();
        let source = Source::installation(&author.root(), Choice::Both).unwrap();
        let same = |script: Script| async move {
            let source = Source::installation(&author.root(), Choice::Both).unwrap();
            source.is_master_of(&console(&script)).await.unwrap()
        };
        assert_eq!(
            source
                .is_master_of(&console(&sealing(RAW_MASTER)))
                .await
                .unwrap(),
            SameMaster::Yes
        );
        assert_eq!(same(sealing([9; 16])).await, SameMaster::No);
        let without = Script::play(|_| Reply::status(404));
        assert!(matches!(
            source.is_master_of(&console(&without)).await.unwrap(),
            SameMaster::Unknown(_)
        ));
        // One that answers always the same is no proof.
        let key = GraniteKey::new(Zeroizing::new(RAW_MASTER), UnixSeconds(0));
        let value = GraniteValue::protect(&key, "always").unwrap();
        let stuck = Script::play(move |_| Reply::json(format!("{{\"protected\":\"{value}\"}}")));
        assert_eq!(
            source.is_master_of(&console(&stuck)).await.unwrap(),
            SameMaster::No
        );
    }

    #[tokio::test]
    async fn what_is_obfuscated_or_was_not_copied_proves_nothing() {
        let author = Installation::fresh();
        author.write("bundle25/data/master", &[0xa5; 32]);
        let script = sealing(RAW_MASTER);
        for choice in [Choice::Both, Choice::Only(KeyName::Hmac)] {
            let source = Source::installation(&author.root(), choice).unwrap();
            let said = source.is_master_of(&console(&script)).await.unwrap();
            assert!(matches!(said, SameMaster::Unknown(_)));
        }
        assert!(script.posted().is_empty());
    }
}

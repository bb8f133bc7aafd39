//! The page of the web console where AEM protects a text with its own `master`.

use serde::Deserialize;
use signet_secret::GraniteValue;

use super::{Console, ConsoleError, ConsoleFault};

const CRYPTO: &str = "/system/console/crypto/.json";
const NOT_PROTECTED: ConsoleFault = ConsoleFault::Unreadable("no protected string");

#[derive(Deserialize)]
struct Answer {
    protected: String,
}

impl Console {
    /// Lets the instance protect a text with its `master`. An instance without that page has [`ConsoleFault::Missing`].
    ///
    /// # Errors
    ///
    /// The console does not answer, or not with a protected string.
    pub async fn protect(&self, text: &str) -> Result<GraniteValue, ConsoleError> {
        let answer = self.post(CRYPTO, &[("datum", text)]).await?;
        let body = self.content(CRYPTO, answer)?;
        parse(&body).ok_or_else(|| self.fault(CRYPTO, NOT_PROTECTED))
    }
}

fn parse(body: &[u8]) -> Option<GraniteValue> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    answer.protected.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_protected_string_is_one() {
        let value = "{bb71ce8b28ac304c269d7f9a4697f30d7f335a3f279c7834e8f72389d86539ce}";
        let good = format!("{{\"protected\":\"{value}\"}}");
        assert_eq!(parse(good.as_bytes()).unwrap().to_string(), value);
        for bad in [
            "",
            "null",
            "{}",
            "<html>",
            "{\"protected\":null}",
            "{\"protected\":\"mytext\"}",
            "{\"protected\":\"{00}\"}",
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}

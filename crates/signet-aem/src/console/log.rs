//! Lines of the log of a running instance.
//!
//! Shapes: apache/sling-org-apache-sling-commons-log, `LogPanel`, `SlingLogPanel`.

use super::quote::quoted;
use super::{Console, ConsoleError};

const PANEL: &str = "/system/console/slinglog";
/// The file that everything comes to, by the end of its name.
const LOG: &str = "error.log";
/// So many lines from the end are searched by the instance.
const LINES: u32 = 20_000;

impl Console {
    /// The lines at the end of the log in which `word` stands, the newest last; `None` where the log cannot be seen.
    ///
    /// # Errors
    ///
    /// The instance does not answer.
    pub async fn log_lines(&self, word: &str) -> Result<Option<Vec<String>>, ConsoleError> {
        let answer = match self.get(PANEL).await {
            Err(error) if !error.is_silence() => return Ok(None),
            answer => answer?,
        };
        let Ok(panel) = self.content(PANEL, answer) else {
            return Ok(None);
        };
        let Some(name) = appender(&panel) else {
            return Ok(None);
        };
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("{PANEL}/tailer.txt?tail={LINES}&grep={word}&name={name}");
        let answer = self.get(&path).await?;
        let Ok(body) = self.content(&path, answer) else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&body);
        // An instance that does not know how to search gives all of it.
        let lines = text.lines().filter(|line| line.contains(word));
        Ok(Some(lines.map(quoted).collect()))
    }
}

/// The name of the log among the links to files on the page.
fn appender(page: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    page.split("tailer.txt?").skip(1).find_map(|link| {
        let query = link.split(['"', '\'']).next()?.replace("&amp;", "&");
        let mut fields = form_urlencoded::parse(query.as_bytes());
        let name = fields.find(|(name, _)| name == "name")?.1;
        name.ends_with(LOG).then(|| name.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::testing::console;
    use crate::console::testing::instance::{Instance, State};

    #[tokio::test]
    async fn lines_with_a_word_are_found() {
        let log = "1 fine\n2 {\"error\":\"invalid_client\"}\u{1b}[1m\n3 invalid_client again\n";
        let instance = Instance::start(State {
            log: log.to_owned(),
            ..State::default()
        });
        let lines = console(&instance.script).log_lines("invalid_client").await;
        let lines = lines.unwrap().unwrap();
        assert_eq!(
            lines,
            [
                "2 {\"error\":\"invalid_client\"} [1m",
                "3 invalid_client again"
            ]
        );
    }

    #[test]
    fn the_log_is_found_among_others() {
        let page = b"<a href=\"slinglog/tailer.txt?tail=1000&amp;grep=*&amp;name=%2Flogs%2Faccess.log\">a</a><a href='slinglog/tailer.txt?tail=1000&grep=*&name=logs%2Ferror.log'>";
        assert_eq!(appender(page).as_deref(), Some("logs/error.log"));
        assert_eq!(appender(b"tailer.txt?"), None);
        assert_eq!(appender(b"\xff"), None);
    }
}

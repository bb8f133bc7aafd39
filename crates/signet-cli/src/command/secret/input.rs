//! Secrets and sealed values on their way in: all of a file or of standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use signet_secret::MAX_SECRET_BYTES;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::prompt;

/// A sealed value is longer than its secret by a third, and by what stands in front of it.
const LONGEST: usize = 2 * MAX_SECRET_BYTES;

/// The secret: from a file, from the terminal, or from standard input where that is none.
pub(super) fn secret(file: Option<&Path>, place: &str) -> anyhow::Result<Zeroizing<String>> {
    let given = match file {
        None if prompt::is_possible() => {
            let typed = prompt::hidden(&format!("Secret for {place}"))?;
            Zeroizing::new(typed.expose_secret().to_owned())
        }
        file => from(file.unwrap_or(Path::new("-")), "secret")?,
    };
    match given.is_empty() {
        true => Err(Failure::new("the secret is empty")
            .hint("give it on standard input or with --file, or run the command at a terminal, where it asks")
            .into()),
        false => Ok(given),
    }
}

/// All of a file, or of standard input for `-`, as text; the end of its last line goes if it is the only one.
pub(super) fn from(path: &Path, what: &str) -> anyhow::Result<Zeroizing<String>> {
    let read = match path == Path::new("-") {
        true => all_of(&mut io::stdin().lock()),
        false => File::open(path)
            .map_err(anyhow::Error::from)
            .and_then(|mut file| all_of(&mut file)),
    };
    read.with_context(|| match path == Path::new("-") {
        true => format!("the {what} could not be read from standard input"),
        false => format!("the {what} could not be read from {}", path.display()),
    })
}

fn all_of(input: &mut dyn Read) -> anyhow::Result<Zeroizing<String>> {
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
    input.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LONGEST {
        return Err(Failure::new(format!("it is longer than {LONGEST} bytes")).into());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::new("it is not UTF-8").hint("write binary data in base64 first: base64 -w0 FILE")
    })?;
    Ok(Zeroizing::new(without_end(text).to_owned()))
}

/// Of one line the line end is no part; a key of many lines stays as it is.
fn without_end(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.contains('\n') {
        true => text,
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_lone_line_is_no_part_of_it() {
        for (text, secret) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            (" spaces count \n", " spaces count "),
            ("\n", ""),
            ("one\ntwo\n", "one\ntwo\n"),
            ("one\ntwo", "one\ntwo"),
        ] {
            let read = all_of(&mut text.as_bytes()).unwrap();
            assert_eq!(read.as_str(), secret, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_or_too_long_is_refused() {
        assert!(all_of(&mut &b"\xff"[..]).is_err());
        assert!(all_of(&mut &vec![b'a'; LONGEST + 1][..]).is_err());
        assert!(all_of(&mut &vec![b'a'; LONGEST][..]).is_ok());
    }
}

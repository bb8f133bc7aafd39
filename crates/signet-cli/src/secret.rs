//! Passwords and tokens on their way in: one line of standard input or of a file, never an argument.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::Output;

/// No password or token is longer, in bytes.
const LONGEST: u64 = 16 * 1_024;

/// The first line of standard input.
pub(crate) fn from_stdin(what: &str) -> anyhow::Result<SecretString> {
    let line = first_line(&mut io::stdin().lock())
        .with_context(|| format!("the {what} could not be read from standard input"))?;
    if line.is_empty() {
        let failure = Failure::new(format!("there is no {what} on standard input"));
        return Err(failure
            .hint("give it as one line, or run the command at a terminal, where it asks")
            .into());
    }
    Ok(line.as_str().into())
}

/// The one line of the file at `path`; `-` is standard input. Warns of a file that others can read.
pub(crate) fn from_file(path: &Path, what: &str) -> anyhow::Result<SecretString> {
    let secret = line_of(path, what)?;
    warn_if_open(path);
    Ok(secret)
}

/// Warns of a file of secrets that others can read. One that is mounted, as Kubernetes does it, is reached by a link, and has
/// the mode that its owner elsewhere chose.
pub(crate) fn warn_if_open(path: &Path) {
    const OTHERS: u32 = 0o077;
    let Ok(metadata) = path.symlink_metadata() else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.is_file() && mode & OTHERS != 0 {
        let text = format!(
            "others than its owner can reach {} (mode {mode:04o}): chmod 600 {}",
            path.display(),
            signet_server::quoted(path)
        );
        Output::new(false).warning(&text);
    }
}

/// The one line of the file at `path`, which is no secret; `-` is standard input.
pub(crate) fn line_of(path: &Path, what: &str) -> anyhow::Result<SecretString> {
    if path == Path::new("-") {
        return from_stdin(what);
    }
    let place = path.display();
    let reading = || format!("the {what} could not be read from {place}");
    let mut file = BufReader::new(File::open(path).with_context(reading)?).take(LONGEST);
    let line = first_line(&mut file).with_context(reading)?;
    let is_alone = file.fill_buf().with_context(reading)?.is_empty();
    if line.is_empty() || !is_alone {
        let message = format!("{place} must hold the {what} in one line, and nothing else");
        return Err(Failure::new(message).into());
    }
    Ok(line.as_str().into())
}

/// The first line, without its end.
fn first_line(input: &mut impl BufRead) -> anyhow::Result<Zeroizing<String>> {
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
    input.take(LONGEST).read_until(b'\n', &mut line)?;
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.len() as u64 >= LONGEST {
        return Err(Failure::new(format!("it is longer than {LONGEST} bytes")).into());
    }
    let text = std::str::from_utf8(text).map_err(|_| Failure::new("it is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_it_ends() {
        for (bytes, line) in [
            (&b"secret"[..], "secret"),
            (b"secret\n", "secret"),
            (b"secret\r\nmore", "secret"),
            (b" spaces count \n", " spaces count "),
            (b"", ""),
        ] {
            assert_eq!(first_line(&mut &bytes[..]).unwrap().as_str(), line);
        }
        assert!(first_line(&mut &b"\xff\n"[..]).is_err());
        assert!(first_line(&mut &vec![b'a'; 20_000][..]).is_err());
    }
}

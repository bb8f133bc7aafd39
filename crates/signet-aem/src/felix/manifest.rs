//! The manifest of a jar, as far as it names the bundle (JAR File Specification, "JAR Manifest"; OSGi Core 3.2.1).

/// The most that is read of a manifest, in bytes. Real ones have a few thousand, some with long imports a hundred thousand.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// The value of `Bundle-SymbolicName` in the main section, without directives; `None` where there is none.
///
/// Lines are folded after 72 bytes, in the middle of a name or of a character if it so happens: they are joined before anything is
/// read.
pub(crate) fn symbolic_name(manifest: &[u8]) -> Option<String> {
    let value = main_attribute(manifest, "Bundle-SymbolicName")?;
    let name = value.split(';').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The value of `Bundle-Version` in the main section.
pub(crate) fn version(manifest: &[u8]) -> Option<String> {
    let value = main_attribute(manifest, "Bundle-Version")?;
    let version = value.trim();
    (!version.is_empty()).then(|| version.to_owned())
}

fn main_attribute(manifest: &[u8], wanted: &str) -> Option<String> {
    let mut lines = Lines(manifest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(manifest)).peekable();
    while let Some(first) = lines.next() {
        // An empty line ends the main section.
        if first.is_empty() {
            return None;
        }
        let mut line = first.to_vec();
        while let Some(more) = lines.peek().and_then(|next| next.strip_prefix(b" ")) {
            line.extend_from_slice(more);
            lines.next();
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case(wanted)
        {
            return Some(value.strip_prefix(' ').unwrap_or(value).to_owned());
        }
    }
    None
}

/// Lines that end in CR LF, LF or CR.
struct Lines<'m>(&'m [u8]);

impl<'m> Iterator for Lines<'m> {
    type Item = &'m [u8];

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let (line, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest
            .strip_prefix(b"\r\n")
            .or_else(|| rest.get(1..))
            .unwrap_or_default();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As `java.util.jar.Manifest` writes it: 72 bytes a line, the line end not counted.
    fn folded(line: &str, end: &str) -> String {
        let mut text = String::new();
        let mut room = 72;
        for character in line.chars() {
            if room < character.len_utf8() {
                text.push_str(end);
                text.push(' ');
                room = 71;
            }
            text.push(character);
            room -= character.len_utf8();
        }
        text + end
    }

    #[test]
    fn the_name_has_no_directives() {
        for (manifest, name) in [
            (
                &b"Bundle-SymbolicName: com.adobe.granite.crypto\r\n"[..],
                Some("com.adobe.granite.crypto"),
            ),
            (
                b"Manifest-Version: 1.0\nbundle-symbolicname: a.b;singleton:=true\n\n",
                Some("a.b"),
            ),
            (b"\xef\xbb\xbfBundle-SymbolicName: a.b", Some("a.b")),
            (
                b"Bundle-SymbolicName: com.adobe.granite.cryp\r\n to.file; x=y\r\n",
                Some("com.adobe.granite.crypto.file"),
            ),
            (b"Bundle-SymbolicName:\r\n", None),
            (
                b"Name: x\n\nBundle-SymbolicName: hidden.in.a.section\n",
                None,
            ),
            (b"", None),
        ] {
            assert_eq!(symbolic_name(manifest).as_deref(), name, "{manifest:?}");
        }
    }

    proptest! {
        #[test]
        fn wherever_it_is_folded_the_name_is_whole(
            name in "[a-z]{1,40}(\\.[a-z]{1,40}){0,4}",
            before in "[A-Z][a-z-]{0,90}: [ -~]{0,200}",
            end in prop::sample::select(vec!["\r\n", "\n", "\r"]),
        ) {
            prop_assume!(!before.to_ascii_lowercase().starts_with("bundle-symbolicname"));
            let manifest = folded(&before, end) + &folded(&format!("Bundle-SymbolicName: {name};x=1"), end);
            prop_assert_eq!(symbolic_name(manifest.as_bytes()), Some(name));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = symbolic_name(&bytes);
        }
    }
}

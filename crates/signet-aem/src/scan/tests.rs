use proptest::prelude::*;

use super::*;

/// Hands out a few bytes at a time, so that values lie across what is read at once.
struct Drops<'b>(&'b [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(room.len());
        let (now, later) = self.0.split_at(count);
        room[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

fn found(content: &[u8], drop: usize) -> Vec<Sighting> {
    let (mut read, mut sightings) = (0, Vec::new());
    let mut scanner = Scanner::new();
    for content in [&b"of another file \\{"[..], content] {
        (read, sightings) = (0, Vec::new());
        let found = scanner.scan::<io::Error>(
            Drops(content, drop),
            |bytes| read += bytes,
            |sighting| {
                sightings.push(sighting);
                Ok(())
            },
        );
        found.unwrap();
    }
    assert_eq!(read, content.len() as u64);
    sightings
}

fn digits(count: usize) -> String {
    "0123456789abcdef".repeat(count / 16)
}

#[test]
fn values_are_found_in_every_kind_of_file() {
    let value = digits(64);
    for content in [
        format!("password=\"{{{value}}}\"\n"),
        format!("auth.ims.client.secret=\"\\{{{value}\\}}\"\n"),
        format!("{{\"password\": \"{{{value}}}\"}}"),
        format!("<jcr:root transportPassword=\"\\{{{value}\\}}\"/>"),
        format!("list=[\"{{{value}}}\",\\\n"),
        format!("{{String}}{{{value}}}"),
    ] {
        for drop in [1, 7, 1000] {
            let sightings = found(content.as_bytes(), drop);
            assert_eq!(sightings.len(), 1, "{content}");
            assert_eq!(sightings[0].digits, value.as_bytes());
            let offset = usize::try_from(sightings[0].offset).unwrap();
            assert!(content[offset..].starts_with(&value));
        }
    }
}

#[test]
fn look_alikes_are_passed_over() {
    let value = digits(64);
    for content in [
        format!("{{SHA-256}}{value}"),
        format!("${{{value}}}"),
        "{\"json\": {}}".to_owned(),
        "{String}text {Long}1 $[secret:x]".to_owned(),
        format!("{{{}}}", &value[..32]),
        format!("{{{value}00}}"),
        format!("{{{value}"),
        format!("\\{{{value}}}"),
        format!("{{{value}\\}}"),
        format!("{{ {value}}}"),
    ] {
        for drop in [1, 1000] {
            assert_eq!(found(content.as_bytes(), drop), [], "{content:.100}");
        }
    }
}

#[test]
fn more_digits_than_any_value_has_are_none() {
    let content = format!("{{{}}}", digits(MOST_DIGITS + 64));
    assert_eq!(found(content.as_bytes(), usize::MAX), []);
}

#[test]
fn lines_are_counted() {
    let value = digits(64);
    let content = format!("one\ntwo {{{value}}} and {{{value}}}\n\nfour {{{value}}}");
    for drop in [1, 5, 1000] {
        let lines: Vec<_> = found(content.as_bytes(), drop)
            .iter()
            .map(|s| s.line)
            .collect();
        assert_eq!(lines, [2, 2, 4]);
    }
}

proptest! {
    #[test]
    fn where_reading_stops_makes_no_difference(
        parts in prop::collection::vec("[{}\\\\$\n\"]|\\{[0-9a-f]{64}\\}|\\\\\\{[0-9a-f]{96}\\\\\\}|[0-9a-f]{1,70}", 0..12),
        drop in 1..40_usize,
    ) {
        let content = parts.concat();
        prop_assert_eq!(found(content.as_bytes(), drop), found(content.as_bytes(), usize::MAX));
    }
}

//! Content of AEM as it lies in a checkout, with protected strings and with what only looks like them; the same every time.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use rustix::fs::statvfs;

const MIB: u64 = 1024 * 1024;

/// Small files in a folder. Half of them are pages of the repository, each in a folder of its own.
const SMALL_FILES: u64 = 256;
/// Small files with values.
const SEALED_FILES: u64 = 5;
/// Values in each of them.
const VALUES: u64 = 2;
/// One folder in so many has a large file with values.
const SEALED_LARGE: u64 = 16;

/// Generated content in a folder that goes when this does.
pub(super) struct Content {
    folder: PathBuf,
    /// How many bytes its files have.
    pub(super) bytes: u64,
    /// How many protected values are in it.
    pub(super) values: u64,
    /// How many files it has.
    pub(super) files: u64,
    /// How many of them have values.
    pub(super) sealed_files: u64,
}

/// Makes sure that there is room for `bytes` of content at `folder`, and for what is made of it.
///
/// # Errors
///
/// There is not.
pub(super) fn ensure_room(folder: &Path, bytes: u64) -> Result<()> {
    let room = statvfs(folder).with_context(|| format!("cannot look at {}", folder.display()))?;
    let (free, wanted) = (room.f_bavail * room.f_frsize, bytes + bytes / 2 + 512 * MIB);
    ensure!(
        free >= wanted,
        "{} has {} MiB free, and {} MiB are needed; --content takes less",
        folder.display(),
        free / MIB,
        wanted / MIB
    );
    Ok(())
}

impl Content {
    /// So many bytes of it in `folder`, which is not there yet, with values taken in turn from `sealed`.
    pub(super) fn make(folder: PathBuf, bytes: u64, sealed: &[String]) -> Result<Self> {
        let mut content = Self {
            folder,
            bytes: 0,
            values: 0,
            files: 0,
            sealed_files: 0,
        };
        let kinds = Kind::ALL.map(|kind| (kind, Text::of(kind)));
        let mut random = Random(1);
        let mut sealed = sealed.iter().cycle();
        let mut folders = 0;
        while content.bytes < bytes {
            let folder = content.folder.join(format!("site-{folders:05}"));
            fs::create_dir_all(folder.join("config")).context("cannot make a folder")?;
            for number in 0..SMALL_FILES {
                let (kind, text) = &kinds[kind_of(number)];
                let count = if is_sealed(number) { VALUES } else { 0 };
                let length = 512 + random.below(2 * 15 * 1024);
                let path = folder.join(kind.path(number));
                if *kind == Kind::Page {
                    fs::create_dir(path.parent().unwrap_or(&folder))?;
                }
                content.write(
                    &path,
                    (*kind, text),
                    (length, count),
                    (&mut random, &mut sealed),
                )?;
            }
            let (kind, text) = &kinds[usize::from(folders % 2 == 0)];
            let count = if folders % SEALED_LARGE == 0 {
                2 * SEALED_LARGE
            } else {
                0
            };
            let length = 2 * MIB + random.below(8 * MIB);
            let path = folder.join(kind.path(SMALL_FILES).with_file_name(kind.large()));
            fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            content.write(
                &path,
                (*kind, text),
                (length, count),
                (&mut random, &mut sealed),
            )?;
            folders += 1;
        }
        Ok(content)
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    fn write<'s>(
        &mut self,
        path: &Path,
        (kind, text): (Kind, &Text),
        (length, values): (u64, u64),
        (random, sealed): (&mut Random, &mut impl Iterator<Item = &'s String>),
    ) -> Result<()> {
        let mut bytes = kind.head().as_bytes().to_vec();
        for _ in 0..values {
            text.some(&mut bytes, length / (values + 1), random);
            let value = sealed.next().context("no value is sealed")?;
            bytes.extend_from_slice(kind.line(value).as_bytes());
        }
        let left = length.saturating_sub(bytes.len() as u64);
        text.some(&mut bytes, left, random);
        bytes.extend_from_slice(kind.tail().as_bytes());
        fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        self.bytes += bytes.len() as u64;
        self.values += values;
        self.files += 1;
        self.sealed_files += u64::from(values > 0);
        Ok(())
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Page,
    Json,
    Config,
    Settings,
    Properties,
}

/// Which kind the small file of this number is, and which of the first are sealed: most of all the configurations.
fn kind_of(number: u64) -> usize {
    match number % 16 {
        0..8 => 0,
        8..11 => 1,
        11..13 => 2,
        13..15 => 3,
        _ => 4,
    }
}

fn is_sealed(number: u64) -> bool {
    // One page, two configurations of each format.
    const SEALED: [u64; SEALED_FILES as usize] = [0, 11, 12, 13, 14];
    SEALED.contains(&number)
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Page,
        Self::Json,
        Self::Config,
        Self::Settings,
        Self::Properties,
    ];

    fn path(self, number: u64) -> PathBuf {
        match self {
            Self::Page => format!("page-{number:03}/.content.xml"),
            Self::Json => format!("config/model-{number:03}.json"),
            Self::Config => format!("config/com.example.Service~{number:03}.config"),
            Self::Settings => format!("config/com.example.Client~{number:03}.cfg.json"),
            Self::Properties => format!("config/messages_{number:03}.properties"),
        }
        .into()
    }

    const fn large(self) -> &'static str {
        match self {
            Self::Page => "export.xml",
            _ => "export.json",
        }
    }

    const fn head(self) -> &'static str {
        match self {
            Self::Page => {
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<jcr:root xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" \
                 jcr:primaryType=\"cq:Page\">\n"
            }
            Self::Json | Self::Settings => "{\n",
            Self::Config | Self::Properties => "# :org.apache.felix.configadmin.revision:=L\"1\"\n",
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::Page => "</jcr:root>\n",
            Self::Json | Self::Settings => "  \"end\": {}\n}\n",
            Self::Config | Self::Properties => "",
        }
    }

    /// A line with a value; `value` has its braces.
    fn line(self, value: &str) -> String {
        let escaped = || value.replace('{', "\\{").replace('}', "\\}");
        match self {
            Self::Page => format!("    <agent transportPassword=\"{}\"/>\n", escaped()),
            Self::Json | Self::Settings => format!("  \"client.secret\": \"{value}\",\n"),
            Self::Config => format!("client.secret=\"{}\"\n", escaped()),
            Self::Properties => format!("client.secret={value}\n"),
        }
    }

    /// An ordinary line, some of which look a little like a value.
    fn ordinary(self, number: u64, random: &mut Random) -> String {
        let hex = format!(
            "{:016x}{:016x}{:016x}{:016x}",
            random.next(),
            random.next(),
            random.next(),
            random.next()
        );
        let words = words(random);
        match (self, number % 8) {
            (Self::Page, 0) => format!(
                "    <hash_{number} digest=\"{{SHA-256}}{hex}\" modified=\"{{Date}}2024-03-07T10:21:33.000+01:00\"/>\n"
            ),
            (Self::Page, 1) => format!(
                "    <node_{number} jcr:primaryType=\"nt:unstructured\" hidden=\"{{Boolean}}true\" order=\"{{Long}}{number}\"/>\n"
            ),
            (Self::Page, _) => format!(
                "    <text_{number} jcr:primaryType=\"nt:unstructured\" sling:resourceType=\"foundation/components/text\" text=\"&lt;p>{words}&lt;/p>\"/>\n"
            ),
            (Self::Json | Self::Settings, 0) => {
                format!("  \"item-{number}\": {{\"id\": \"{hex}\", \"children\": {{}}}},\n")
            }
            (Self::Json | Self::Settings, 1) => format!("  \"path-{number}\": \"${{{words}}}\",\n"),
            (Self::Json | Self::Settings, _) => {
                format!("  \"text-{number}\": {{\"title\": \"{words}\", \"rank\": {number}}},\n")
            }
            (Self::Config, 0) => format!("service.filter.{number}=\"\\{{{}\\}}\"\n", &hex[..32]),
            (Self::Config, _) => {
                format!("service.list.{number}=[\"{words}\",\"$[env:NAME_{number}]\"]\n")
            }
            (Self::Properties, 0) => format!("checksum.{number}={hex}\n"),
            (Self::Properties, _) => format!("message.{number}={words} {{0}} {{1}}\n"),
        }
    }
}

/// A mebibyte of lines of one kind, from which files are cut.
struct Text {
    lines: String,
    starts: Vec<usize>,
}

impl Text {
    fn of(kind: Kind) -> Self {
        let mut text = Self {
            lines: String::new(),
            starts: Vec::new(),
        };
        let mut random = Random(2);
        let mut number = 0;
        while (text.lines.len() as u64) < MIB {
            text.starts.push(text.lines.len());
            text.lines.push_str(&kind.ordinary(number, &mut random));
            number += 1;
        }
        text
    }

    /// Adds at most `length` bytes of whole lines, beginning somewhere.
    fn some(&self, to: &mut Vec<u8>, mut length: u64, random: &mut Random) {
        while length > 0 {
            let first = random.below(self.starts.len() as u64) as usize;
            let start = self.starts[first];
            let most = usize::try_from(length).unwrap_or(usize::MAX);
            let rest = &self.lines.as_bytes()[start..];
            let part = &rest[..most.min(rest.len())];
            let Some(end) = part.iter().rposition(|byte| *byte == b'\n') else {
                return;
            };
            to.extend_from_slice(&part[..=end]);
            length -= end as u64 + 1;
        }
    }
}

fn words(random: &mut Random) -> String {
    const WORDS: [&str; 12] = [
        "the", "quick", "harbour", "of", "a", "visitor", "campaign", "and", "beside", "every",
        "season", "opens",
    ];
    let count = 8 + random.below(12);
    let words = (0..count).map(|_| WORDS[random.below(WORDS.len() as u64) as usize]);
    words.collect::<Vec<_>>().join(" ")
}

/// SplitMix64: the same numbers every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn content_has_what_it_says_it_has() {
        let scratch = tempfile::tempdir().unwrap();
        let sealed = [
            format!("{{{}}}", "0".repeat(64)),
            format!("{{{}}}", "1".repeat(96)),
        ];
        let content = Content::make(scratch.path().join("content"), MIB, &sealed).unwrap();
        let (mut bytes, mut files, mut values) = (0, 0, 0);
        let mut waiting = vec![content.path().to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    waiting.push(entry.path());
                    continue;
                }
                files += 1;
                bytes += entry.metadata().unwrap().size();
                let text = fs::read_to_string(entry.path()).unwrap();
                let has = |digit: &str, count| {
                    text.matches(&format!("{{{}", digit.repeat(count))).count()
                };
                values += has("0", 64) + has("1", 96);
            }
        }
        assert_eq!((bytes, files), (content.bytes, content.files));
        assert_eq!(values as u64, content.values);
        assert_eq!(values as u64, SEALED_FILES * VALUES + 2 * SEALED_LARGE);
        let folder = content.path().to_owned();
        drop(content);
        assert!(!folder.exists());
    }
}

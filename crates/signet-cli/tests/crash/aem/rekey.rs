//! Protected strings of content sealed anew; what was cut short completed; and all of it taken back.

use std::fs;
use std::path::Path;

use signet_core::UnixSeconds;
use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::quickstart::KeyPair;
use crate::installation::{Given, run, scratch, signet};
use crate::shim::Watched;
use crate::step::How;
use crate::trial::{Stake, Trial};

const REKEY: [&str; 7] = ["aem", "rekey", "--old", "old", "--new", "new", "content"];
const BACKUP: &str = "signet-rekey-backup";
const FINISH: [&str; 4] = ["aem", "rekey", "--finish", BACKUP];
const UNDO: [&str; 4] = ["aem", "rekey", "--undo", BACKUP];

/// Files of content, with `<` where a value begins, and `>` where it ends.
const FILES: [(&str, &str); 4] = [
    ("content/mail/.content.xml", "a=\"<one>\" b=\"\\<two\\>\"\n"),
    ("content/config/ims.cfg.json", "{\"secret\": \"<three>\"}\n"),
    (
        "content/config/mail.config",
        "password=\"\\<four\\>\"\nhash=\"{SHA-256}00\"\n",
    ),
    ("content/config/plain.json", "{\"no\": \"secret\"}\n"),
];

/// How many of them have values.
const SEALED: usize = 3;

#[derive(Debug)]
struct Content {
    directory: TempDir,
    old: GraniteKey,
    new: GraniteKey,
    /// As they are before.
    files: Vec<Vec<u8>>,
}

/// How many files were changed.
type Changed = usize;

impl Content {
    fn new() -> Self {
        let directory = scratch();
        let [old, new] = [("old", 7), ("new", 90)].map(|(name, first)| {
            let bits = KeyPair::beginning(first).master;
            fs::write(directory.path().join(name), bits).unwrap();
            GraniteKey::new(Zeroizing::new(bits), UnixSeconds(0))
        });
        let files = FILES.map(|(path, text)| {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = sealed(text, &old);
            fs::write(path, &text).unwrap();
            text.into_bytes()
        });
        Self {
            files: files.into(),
            directory,
            old,
            new,
        }
    }

    /// Stops a run when one file was replaced and others were not.
    fn stop_halfway(&self, watched: &Watched) {
        let unharmed = scratch();
        let whole = Watched::new(unharmed.path());
        crate::installation::copy(self.root(), &whole.root());
        let steps = whole.run(signet(&whole.root(), &REKEY)).steps;
        let mut replacing = steps
            .iter()
            .filter(|step| step.call == "rename" && step.path.starts_with("content/"));
        let second = replacing.nth(1).unwrap().number;
        let killed = watched.kill(signet(&watched.root(), &REKEY), second, How::Before);
        assert!(killed.was_killed(), "{killed:?}");
    }
}

impl Stake for Content {
    type Holdings = Changed;

    fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Each file is as it was, or all its values open with the new key, and it is in the backup as it was.
    fn unharmed_in(&self, root: &Path, _: Given<'_>) -> Result<Changed, String> {
        let kept = super::files(&root.join(BACKUP));
        let mut changed = 0;
        for ((path, text), before) in FILES.iter().zip(&self.files) {
            let now = fs::read(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
            if now == *before {
                continue;
            }
            if opened(&now, &self.new).as_deref() != Some(*text) {
                let is_old = opened(&now, &self.old).is_some();
                return Err(format!(
                    "{path} is neither old nor new (with the old key: {is_old})"
                ));
            }
            if !kept.iter().any(|(_, kept)| kept == before) {
                return Err(format!("{path} as it was is in no backup"));
            }
            changed += 1;
        }
        Ok(changed)
    }
}

/// The text with what is between `<` and `>` sealed.
fn sealed(text: &str, key: &GraniteKey) -> String {
    let mut sealed = String::new();
    for (place, part) in text.split(['<', '>']).enumerate() {
        match place % 2 {
            0 => sealed.push_str(part),
            _ => {
                let value = part.trim_end_matches('\\');
                let value = GraniteValue::protect(key, value).unwrap().to_string();
                let (open, brace) = value.split_at(value.len() - 1);
                sealed.push_str(open);
                sealed.push_str(&part[part.trim_end_matches('\\').len()..]);
                sealed.push_str(brace);
            }
        }
    }
    sealed
}

/// The other way round, if every value opens.
fn opened(bytes: &[u8], key: &GraniteKey) -> Option<String> {
    let mut rest = std::str::from_utf8(bytes).ok()?;
    let mut text = String::new();
    while let Some(start) = rest.find('{') {
        let digits = rest[start + 1..]
            .bytes()
            .take_while(u8::is_ascii_hexdigit)
            .count();
        let end = start + 1 + digits;
        if digits < 64 {
            text.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let value: GraniteValue = format!("{{{}}}", &rest[start + 1..end]).parse().ok()?;
        text.push_str(&rest[..start]);
        text.push_str(&format!("<{}", value.open(key).ok()?.as_str()));
        // Between the digits and the brace there may be a backslash.
        let brace = rest[end..].find('}')?;
        text.push_str(&rest[end..end + brace]);
        text.push('>');
        rest = &rest[end + brace + 1..];
    }
    text.push_str(rest);
    Some(text)
}

/// So many files are changed, and nothing is left beside them.
fn are_changed(expected: Changed) -> impl Fn(&Path, &Changed) -> Result<(), String> {
    move |root, changed| {
        super::nothing_is_left_in(&[root.join("content")])?;
        match *changed == expected {
            true => Ok(()),
            false => Err(format!("{changed} files are changed, not {expected}")),
        }
    }
}

#[test]
fn sealing_content_anew_survives_every_crash() {
    let stake = Content::new();
    Trial::new(&stake, &REKEY, are_changed(SEALED))
        .completed_by(&FINISH)
        .run("aem rekey");
}

#[test]
fn completing_it_survives_every_crash() {
    let stake = Content::new();
    Trial::new(&stake, &FINISH, are_changed(SEALED))
        .after(|watched| stake.stop_halfway(watched))
        .refuses_twice()
        .run("aem rekey --finish");
}

#[test]
fn taking_it_back_survives_every_crash() {
    let stake = Content::new();
    Trial::new(&stake, &UNDO, are_changed(0))
        .after(|watched| {
            run(&watched.root(), &REKEY, "").unwrap();
        })
        .run("aem rekey --undo");
}

#[test]
fn taking_back_half_of_it_survives_every_crash() {
    let stake = Content::new();
    Trial::new(&stake, &UNDO, are_changed(0))
        .after(|watched| stake.stop_halfway(watched))
        .run("aem rekey --undo, of half of it");
}

//! What the command line shows: tables and the words below them, as text.

use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::lab::Overview;
use crate::prove::Proof;
use crate::scene::{Expectation, Scene, Seen};

/// How many characters of a key's id are shown: 48 bits, enough to see a difference.
const FINGERPRINT: usize = 12;

/// The table of a running lab, and how to get in.
#[must_use]
pub fn overview(lab: &Overview) -> String {
    let mut table = table(&["who", "where", "admin", "process", "hmac key", "master key"]);
    for instance in &lab.instances {
        table.add_row([
            instance.name.clone(),
            format!("http://{}/", instance.address),
            format!("http://{}/", instance.admin),
            instance.pid.map_or_else(String::new, |pid| pid.to_string()),
            fingerprints(&instance.hmac),
            fingerprints(&instance.master),
        ]);
    }
    table.add_row([
        "balancer".to_owned(),
        lab.url.clone(),
        String::new(),
        "this one".to_owned(),
        String::new(),
        String::new(),
    ]);
    format!(
        "{table}\n\n\
         {token} tokens, {balance}; data in {directory}\n\n\
         Open      {url}\n\
         User      {user}\n\
         Password  {password}\n\n\
         Try `kill -9` on a publish instance: it is back after a moment. Ctrl-C ends everything.\n",
        token = capitalized(lab.token.as_str()),
        balance = lab.balance,
        directory = lab.directory.display(),
        url = lab.url,
        user = lab.user,
        password = lab.password.reveal(),
    )
}

/// The table of a proof, and what it means in words.
#[must_use]
pub fn proof(proof: &Proof) -> String {
    let mut table = table(&[
        "tokens",
        "balancer",
        "what happens",
        "requests",
        "lost",
        "refused",
        "failed",
        "p50 ms",
        "p99 ms",
        "as expected",
    ]);
    for column in 3..=8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for seen in &proof.scenes {
        table.add_row([
            Cell::new(seen.token),
            Cell::new(seen.balance),
            Cell::new(seen.event),
            Cell::new(grouped(seen.requests)),
            Cell::new(grouped(seen.lost)),
            Cell::new(grouped(seen.refused)),
            Cell::new(grouped(seen.failed)),
            Cell::new(millis(seen.p50_ms)),
            Cell::new(millis(seen.p99_ms)),
            Cell::new(if seen.holds { "yes" } else { "NO" }),
        ]);
    }
    let mut text = format!(
        "{table}\n\n{users} users, {publish} publish instances, {seconds:.0} seconds.\n",
        users = proof.users,
        publish = proof.publish,
        seconds = proof.seconds,
    );
    for line in words(proof) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn words(proof: &Proof) -> Vec<String> {
    let mut lines: Vec<String> = proof.scenes.iter().filter_map(weakness).collect();
    let unharmed = |seen: &&Seen| seen.expected == Expectation::Nothing && seen.holds;
    let played = proof
        .scenes
        .iter()
        .filter(|seen| seen.expected == Expectation::Nothing)
        .count();
    let requests: u64 = proof
        .scenes
        .iter()
        .filter(unharmed)
        .map(|seen| seen.requests)
        .sum();
    if played > 0 && proof.scenes.iter().filter(unharmed).count() == played {
        lines.push(format!(
            "Encapsulated tokens: through {} requests nobody was lost, refused or failed.",
            grouped(requests)
        ));
    }
    lines.extend(proof.scenes.iter().filter_map(fault));
    lines.push(
        if proof.holds() {
            "The proof holds."
        } else {
            "THE PROOF DOES NOT HOLD."
        }
        .to_owned(),
    );
    lines
}

/// What a set-up with repository tokens costs, where it showed.
fn weakness(seen: &Seen) -> Option<String> {
    match seen.expected {
        Expectation::Refused if seen.holds => Some(format!(
            "Repository tokens behind round robin: {} of {} users were refused by an instance \
             that does not know their token.",
            grouped(seen.lost),
            grouped(seen.users),
        )),
        Expectation::Lost if seen.holds => Some(format!(
            "Repository tokens behind sticky connections: {} of {} users lost their session with \
             the instance that held it.",
            grouped(seen.lost),
            grouped(seen.users),
        )),
        _ => None,
    }
}

/// What went against the expectation.
fn fault(seen: &Seen) -> Option<String> {
    if seen.holds {
        return None;
    }
    let scene = format!(
        "{} tokens, {}, {}",
        capitalized(seen.token.as_str()),
        seen.balance,
        seen.event
    );
    Some(match seen.expected {
        Expectation::Refused => {
            format!("{scene}: nobody was refused, so this scene proves nothing.")
        }
        Expectation::Lost => format!("{scene}: nobody was lost, so this scene proves nothing."),
        Expectation::Nothing if seen.scene == Scene::KeyRotation && seen.renewed == Some(0) => {
            format!("{scene}: no token was renewed with the new key, so this scene proves nothing.")
        }
        Expectation::Nothing => format!(
            "{scene}: {} lost, {} refused, {} failed, and all had to be 0.",
            grouped(seen.lost),
            grouped(seen.refused),
            grouped(seen.failed),
        ),
    })
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header.iter().copied());
    table
}

fn fingerprints(kids: &[String]) -> String {
    let short: Vec<String> = kids
        .iter()
        .map(|kid| kid.chars().take(FINGERPRINT).collect())
        .collect();
    short.join(" ")
}

fn millis(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;

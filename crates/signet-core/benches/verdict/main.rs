//! What a verdict costs, against one raw HMAC-SHA256 over the same bytes and against `jsonwebtoken`.
//!
//! All sides take turns in short rounds, so that a neighbour on the machine hits all of them alike, and every ratio is
//! the median of the ratios of single rounds. What a verdict costs depends on what the caches hold: in each turn the first
//! pass over the tokens finds them filled by the other sides, the passes after it by the verdicts before. `cargo xtask bench` pins this program to one core, runs it with `--json`
//! and judges what it prints; by itself (`cargo bench -p signet-core`) it prints a table.

#![allow(clippy::print_stdout, reason = "a measurement is printed to be read")]

mod farm;
mod hmacs;
mod json_web_token;
mod rounds;

use std::error::Error;
use std::hint::black_box;

use serde::Serialize;
use signet_core::{Format, Scratch};

use farm::{Farm, NOW};
use hmacs::{AwsLc, RustCrypto};
use json_web_token::Decoder;
use rounds::{Figure, Rounds, Side, play};

/// Rounds of a whole measurement, and of a quick one.
const ROUNDS: usize = 400;
const QUICK_ROUNDS: usize = 100;

/// What was measured of one format.
#[derive(Serialize)]
struct Report {
    format: &'static str,
    /// Characters of a token.
    token_bytes: usize,
    /// Bytes that its MAC covers, over which the raw HMAC goes too.
    mac_bytes: usize,
    /// The faster of the two raw HMACs.
    raw: &'static str,
    warm: Costs,
    cold: Costs,
}

/// What each side took, and how that compares.
#[derive(Serialize)]
struct Costs {
    /// Nanoseconds, medians of all rounds.
    verify_ns: f64,
    raw_ns: f64,
    rust_crypto_ns: f64,
    aws_lc_ns: f64,
    jsonwebtoken_ns: f64,
    /// How many times a raw HMAC a verdict takes.
    against_raw: Figure,
    /// How many times a decoding by `jsonwebtoken` a verdict takes.
    against_jsonwebtoken: Figure,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // Cargo says `--bench` when it means to measure; a test run only makes sure that everything still fits together.
    let rounds = match (has("--bench"), has("--quick")) {
        (false, _) => 1,
        (true, true) => QUICK_ROUNDS,
        (true, false) => ROUNDS,
    };
    let users = if has("--bench") { 1_000_000 } else { 10_000 };
    let farm = Farm::new(users)?;
    let reports = [
        measure(&farm, Format::Signed, rounds)?,
        measure(&farm, Format::Sealed, rounds)?,
    ];
    if !has("--bench") {
        println!("every side accepts every token");
    } else if has("--json") {
        println!("{}", serde_json::to_string(&reports)?);
    } else {
        reports.iter().for_each(show);
    }
    Ok(())
}

fn measure(farm: &Farm, format: Format, rounds: usize) -> Result<Report, Box<dyn Error>> {
    let tokens = farm.tokens(format)?;
    let verifier = farm.verifier();
    let mut scratch = Scratch::default();
    let rust_crypto = RustCrypto::new();
    let aws_lc = AwsLc::new();
    let decoder = Decoder::new();
    // Whoever refuses what is good would be measured doing less than the others.
    for token in &tokens {
        verifier.verify(token.text.as_bytes(), NOW, &mut scratch)?;
        decoder.decode(&token.json_web_token)?;
        if rust_crypto.tag(&token.authenticated) != aws_lc.tag(&token.authenticated) {
            return Err("the two HMACs disagree".into());
        }
    }

    let mut verify = || {
        tokens.iter().for_each(|token| {
            let verdict = verifier.verify(black_box(token.text.as_bytes()), NOW, &mut scratch);
            black_box(verdict.is_ok());
        });
    };
    let mut rust = || {
        tokens.iter().for_each(|token| {
            black_box(rust_crypto.tag(black_box(&token.authenticated)));
        });
    };
    let mut aws = || {
        tokens.iter().for_each(|token| {
            black_box(aws_lc.tag(black_box(&token.authenticated)));
        });
    };
    let mut decode = || {
        tokens.iter().for_each(|token| {
            black_box(decoder.decode(black_box(&token.json_web_token)).is_ok());
        });
    };
    let sides: [Side<'_>; 4] = [&mut verify, &mut rust, &mut aws, &mut decode];
    let measured = play(sides, rounds, tokens.len());

    let [_, rust_crypto, aws_lc, _] = measured.warm.medians();
    let (raw, raw_side) = if rust_crypto <= aws_lc {
        ("RustCrypto", RUST_CRYPTO)
    } else {
        ("aws-lc-rs", AWS_LC)
    };
    Ok(Report {
        format: format.as_str(),
        token_bytes: mean(tokens.iter().map(|token| token.text.len())),
        mac_bytes: mean(tokens.iter().map(|token| token.authenticated.len())),
        raw,
        warm: Costs::of(&measured.warm, raw_side),
        cold: Costs::of(&measured.cold, raw_side),
    })
}

/// The places of the sides.
const VERIFY: usize = 0;
const RUST_CRYPTO: usize = 1;
const AWS_LC: usize = 2;
const JSONWEBTOKEN: usize = 3;

impl Costs {
    fn of(rounds: &Rounds<4>, raw_side: usize) -> Self {
        let medians = rounds.medians();
        Self {
            verify_ns: medians[VERIFY],
            raw_ns: medians[raw_side],
            rust_crypto_ns: medians[RUST_CRYPTO],
            aws_lc_ns: medians[AWS_LC],
            jsonwebtoken_ns: medians[JSONWEBTOKEN],
            against_raw: rounds.ratio(VERIFY, raw_side),
            against_jsonwebtoken: rounds.ratio(VERIFY, JSONWEBTOKEN),
        }
    }
}

fn mean(numbers: impl ExactSizeIterator<Item = usize>) -> usize {
    let count = numbers.len().max(1);
    numbers.sum::<usize>() / count
}

fn show(report: &Report) {
    println!(
        "verify {}, {} bytes of which {} are authenticated",
        report.format, report.token_bytes, report.mac_bytes
    );
    for (caches, costs) in [("warm", &report.warm), ("cold", &report.cold)] {
        println!("  {caches} caches");
        for (name, nanoseconds) in [
            ("Verifier::verify", costs.verify_ns),
            ("HMAC-SHA256, RustCrypto", costs.rust_crypto_ns),
            ("HMAC-SHA256, aws-lc-rs", costs.aws_lc_ns),
            ("jsonwebtoken::decode", costs.jsonwebtoken_ns),
        ] {
            println!("    {name:<24} {nanoseconds:>6.0} ns");
        }
        println!("    against a raw HMAC       {}", costs.against_raw);
        println!(
            "    against jsonwebtoken     {}",
            costs.against_jsonwebtoken
        );
    }
}

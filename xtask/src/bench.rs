//! Measuring Signet beside its peers: one table of ratios, all of whose sides were measured in the same run.
//!
//! The sides of a row take turns in short rounds, and a ratio is the median of the ratios of single rounds, so that
//! whatever else the machine does hits all sides alike. Servers run on one core, the load on another.

mod amount;
mod content;
mod cores;
mod data;
mod figure;
mod http;
mod instance;
mod latency;
mod measure;
mod memory;
mod pace;
mod process;
mod programs;
mod progress;
mod quiet;
mod rekey;
mod requests;
mod reseal;
mod sample_token;
mod side;
mod start;
mod table;
mod verdict;
mod wrk;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

pub(crate) use self::pace::Pace;

use self::cores::Cores;
use self::measure::Measure;
use self::progress::Progress;
use self::side::Sides;
use crate::tree::Tree;

/// What to measure, and how thoroughly.
#[derive(Args)]
pub(crate) struct Bench {
    /// Measure these rows alone.
    #[arg(long, value_name = "ROW", num_args = 1.., value_delimiter = ',')]
    only: Vec<Row>,
    /// Fewer rounds: under a minute and a half, and less certain.
    #[arg(long)]
    quick: bool,
    /// How much content `aem-rekey` reads: 5,120 MiB, and with --quick 512 MiB.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(16..))]
    content: Option<u64>,
    /// Print the table as JSON.
    #[arg(long)]
    json: bool,
}

/// The rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// A verdict against a raw HMAC and against `jsonwebtoken`.
    Verify,
    /// Requests per second on one core, against `HAProxy`, nginx and Envoy.
    Requests,
    /// Latency at half of the peak rate.
    Latency,
    /// Resident memory of an idle instance.
    Memory,
    /// From the start of the process to the first positive `/readyz`.
    Start,
    /// Sealing 100,000 secrets anew, against 10,000.
    Reseal,
    /// Sealing content of AEM anew, against `grep -r` for the same pattern.
    AemRekey,
}

/// How thoroughly to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Full,
    Quick,
}

impl Care {
    /// The one number or the other.
    fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// What every row needs.
struct Lane<'a> {
    tree: &'a Tree,
    cores: Cores,
    care: Care,
}

impl Bench {
    /// Measures and prints.
    ///
    /// # Errors
    ///
    /// When a program cannot be had (with the command that installs it), does not start, or answers wrongly.
    /// A target that is missed is no error: the table says so.
    pub(crate) fn run(&self, tree: &Tree) -> Result<()> {
        let lane = Lane {
            tree,
            cores: Cores::of_this_process()?,
            care: if self.quick { Care::Quick } else { Care::Full },
        };
        let wants = |row| self.only.is_empty() || self.only.contains(&row);
        let measures = measure(&lane, &wants, self.content)?;
        if self.json {
            table::print_json(&measures)
        } else {
            table::print(&measures);
            Ok(())
        }
    }
}

fn measure(
    lane: &Lane<'_>,
    wants: &dyn Fn(Row) -> bool,
    content: Option<u64>,
) -> Result<Vec<Measure>> {
    let mut measures = Vec::new();
    if wants(Row::Verify) {
        measures.extend(verdict::measure(lane).context("verify")?);
    }
    if wants(Row::Requests) || wants(Row::Latency) {
        programs::ensure()?;
        let signet = data::Program::build(lane.tree)?;
        let scratch = data::scratch()?;
        let instance = data::instance(lane, &signet, data::Size::SMALL, scratch.path())?;
        let sides = Sides::start(lane, &instance, scratch.path())?;
        let peaks = if wants(Row::Requests) {
            let rates = requests::measure(lane, &sides).context("requests")?;
            measures.extend(rates.measures());
            rates.peaks()
        } else {
            requests::peaks(lane, &sides).context("latency")?
        };
        if wants(Row::Latency) {
            measures.extend(latency::measure(lane, &sides, &peaks).context("latency")?);
        }
    }
    if wants(Row::Memory) {
        measures.extend(memory::measure(lane).context("memory")?);
    }
    if wants(Row::Start) {
        measures.push(start::measure(lane).context("start")?);
    }
    if wants(Row::Reseal) {
        measures.extend(reseal::measure(lane).context("reseal")?);
    }
    if wants(Row::AemRekey) {
        measures.extend(rekey::measure(lane, content).context("aem-rekey")?);
    }
    Progress::done();
    Ok(measures)
}

//! Printing what was measured.

use anyhow::Result;
use comfy_table::{Table, presets};

use super::measure::Measure;

const HEADER: [&str; 5] = ["what", "measured", "middle half", "target", "outcome"];

/// Prints the table for people.
pub(super) fn print(measures: &[Measure]) {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(HEADER);
    for measure in measures {
        table.add_row(measure.columns());
    }
    println!("{table}");
}

/// Prints the same for programs.
pub(super) fn print_json(measures: &[Measure]) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(measures)?);
    Ok(())
}

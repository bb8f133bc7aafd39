//! Tables for people: columns side by side, without lines, so that they can be cut and searched.

use comfy_table::{ColumnConstraint, Table, Width, presets};

/// A table whose rows come page by page.
#[derive(Debug)]
pub(crate) struct Pages {
    header: Option<Vec<&'static str>>,
    widths: Vec<u16>,
}

impl Pages {
    pub(crate) fn new(header: &[&'static str]) -> Self {
        Self {
            header: Some(header.to_vec()),
            widths: Vec::new(),
        }
    }

    /// The next rows as text; columns never get narrower than they were.
    pub(crate) fn page(&mut self, rows: impl IntoIterator<Item = Vec<String>>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if let Some(header) = self.header.take() {
            table.set_header(header);
        }
        table.add_rows(rows);
        table.discover_columns();
        let now = table.column_max_content_widths();
        self.widths.resize(now.len().max(self.widths.len()), 0);
        for (column, (width, now)) in self.widths.iter_mut().zip(now).enumerate() {
            *width = now.max(*width);
            if let Some(column) = table.column_mut(column) {
                column.set_padding((0, 2));
                let whole = Width::Fixed(width.saturating_add(2));
                column.set_constraint(ColumnConstraint::LowerBoundary(whole));
            }
        }
        trim_lines(&table)
    }
}

/// A whole table as text.
pub(crate) fn table(
    header: &[&'static str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    Pages::new(header).page(rows)
}

/// Names and what they are, one a line.
pub(crate) fn facts<'f>(facts: impl IntoIterator<Item = (&'f str, String)>) -> String {
    let facts = facts.into_iter();
    rows(facts.map(|(name, value)| vec![name.to_owned(), value]))
}

/// A table without a header.
pub(crate) fn rows(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut pages = Pages {
        header: None,
        widths: Vec::new(),
    };
    pages.page(rows)
}

fn trim_lines(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_page_stands_under_the_first() {
        let row = |words: [&str; 2]| words.map(str::to_owned).to_vec();
        let mut pages = Pages::new(&["user", "name"]);
        assert_eq!(
            pages.page([row(["somebody", "S"])]),
            "user      name\nsomebody  S\n"
        );
        assert_eq!(pages.page([row(["a", "A"])]), "a         A\n");
    }
}

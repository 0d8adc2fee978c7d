//! Aligned text: columns as `kubectl` and Ark v0.6 print them.
//!
//! Cells end with a tab. A column is a block of consecutive lines that all have a cell there, and is as wide as its
//! widest cell plus a padding: that is the elastic tab stop that Go's `text/tabwriter` does, so a heading without
//! tabs starts a new block, and lines that begin with a tab come out indented. The last cell of a line is never
//! padded.

/// How tables are laid out: at least ten columns a cell, three spaces apart (ark-behaviour §9.3).
pub(crate) const TABLE: Layout = Layout { width_min: 10, padding: 3 };

/// How descriptions are laid out (ark-behaviour §9.4).
pub(crate) const DESCRIPTION: Layout = Layout { width_min: 0, padding: 2 };

/// Widths of a layout, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    width_min: usize,
    padding: usize,
}

impl Layout {
    /// Aligns lines of tab-terminated cells.
    pub(crate) fn align(self, text: &str) -> String {
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        let mut output = String::with_capacity(text.len() * 2);
        self.block(&lines, &mut Vec::new(), &mut output);
        output
    }

    /// Writes `lines`, the first columns of which have the widths given.
    fn block(self, lines: &[Vec<&str>], widths: &mut Vec<usize>, output: &mut String) {
        let column = widths.len();
        let has_cell = |line: &Vec<&str>| column + 1 < line.len();
        let mut rest = lines;
        while let Some(first) = rest.first() {
            if !has_cell(first) {
                write_line(first, widths, output);
                rest = &rest[1..];
                continue;
            }
            let length = rest.iter().take_while(|line| has_cell(line)).count();
            let (same, next) = rest.split_at(length);
            let widest = same.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
            widths.push((widest + self.padding).max(self.width_min));
            self.block(same, widths, output);
            widths.pop();
            rest = next;
        }
    }
}

fn write_line(cells: &[&str], widths: &[usize], output: &mut String) {
    let start = output.len();
    for (index, cell) in cells.iter().enumerate() {
        output.push_str(cell);
        if index + 1 < cells.len() {
            let width = widths.get(index).copied().unwrap_or(0);
            output.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
    }
    let trimmed = output[start..].trim_end().len();
    output.truncate(start + trimmed);
    output.push('\n');
}

/// A table: a header and rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these column names.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a column name.
    pub(crate) fn column(&mut self, name: impl Into<String>) {
        self.header.push(name.into());
    }

    /// Adds a row; it has as many cells as the header.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.header.len(), "a cell for every column");
        self.rows.push(cells);
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The aligned text.
    pub(crate) fn render(&self) -> String {
        let lines: Vec<String> =
            std::iter::once(&self.header).chain(&self.rows).map(|cells| cells.join("\t").replace('\n', " ")).collect();
        TABLE.align(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::{DESCRIPTION, Table};

    #[test]
    fn a_table_is_padded_as_kubectl_does() {
        let mut table = Table::new(&["NAME", "STATUS", "CREATED"]);
        table.row(vec!["a-rather-long-name".into(), "New".into(), "now".into()]);
        table.row(vec!["ü".into(), "Completed".into(), "then".into()]);
        let expected = "\
NAME                 STATUS      CREATED
a-rather-long-name   New         now
ü                    Completed   then
";
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn a_heading_starts_a_new_block_and_a_leading_tab_indents() {
        let text = "Name:\tx\nNamespace:\ty\nLists:\n\tIncluded:\t*\n\tExcluded things:\t<none>\n";
        let expected = "\
Name:       x
Namespace:  y
Lists:
  Included:         *
  Excluded things:  <none>
";
        assert_eq!(DESCRIPTION.align(text), expected);
    }
}

//! Tables of plain columns, at most as wide as the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use terminal_size::terminal_size_of;

/// The width of the gap between two columns.
const GAP: u16 = 2;

/// A column: its head, and the alignment of its cells.
#[derive(Clone, Copy)]
pub(crate) enum TableColumn {
    /// Text, left-aligned.
    Text(&'static str),
    /// Numbers, right-aligned.
    Number(&'static str),
}

/// Rows under these heads, without a line of heads if all of them are empty. Each row ends with a line break.
pub(crate) fn columns<const N: usize>(
    indent: usize,
    heads: [TableColumn; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some((width, _)) = terminal_size_of(std::io::stdout()) {
        table.set_width(width.0);
    }
    let head = |column: &TableColumn| match column {
        TableColumn::Text(head) => Cell::new(head),
        TableColumn::Number(head) => Cell::new(head).set_alignment(CellAlignment::Right),
    };
    if heads.iter().any(|(TableColumn::Text(head) | TableColumn::Number(head))| !head.is_empty()) {
        table.set_header(heads.iter().map(head));
    }
    for row in rows {
        table.add_row(row);
    }
    let indent = u16::try_from(indent).unwrap_or(0);
    for (place, column) in heads.iter().enumerate() {
        if let Some(of_table) = table.column_mut(place) {
            of_table.set_padding((if place == 0 { indent } else { 0 }, GAP));
            if matches!(column, TableColumn::Number(_)) {
                of_table.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let text = table.trim_fmt();
    if text.is_empty() { text } else { text + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let heads = [TableColumn::Text("who"), TableColumn::Number("how often")];
        let rows = [["ann", "7"], ["vögel🐦", "1,000"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            columns(2, heads, rows),
            "  who      how often\n  ann              7\n  vögel🐦      1,000\n"
        );
        let none = [TableColumn::Text(""), TableColumn::Text("")];
        assert_eq!(columns(0, none, [["a".to_owned(), "b".to_owned()]]), "a  b\n");
        assert_eq!(columns(0, none, []), "");
    }
}

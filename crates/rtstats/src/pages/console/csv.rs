//! CSV as spreadsheets write it (RFC 4180): read with the number of each line, and written so that no cell is a formula.
//!
//! Reading never stops at a fault: what can be read around it is read, so that all that is wrong is told at once.

use std::borrow::Cow;

/// A row with the number of its first line in the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// In the file, from 1.
    pub line: usize,
    /// Without the spaces round them.
    pub cells: Vec<String>,
    /// How many cells the line has: more than `CELLS_MAX` are counted and not kept.
    pub len: usize,
    /// Whether there are only the cells before a quotation mark that is not closed.
    pub torn: bool,
}

/// What no row could be read from: the line, and what to do.
pub type Fault = (usize, &'static str);

/// All that a file has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Its rows, the header first.
    pub rows: Vec<Row>,
    /// The lines that could not be read.
    pub faults: Vec<Fault>,
}

/// Rows that are read: ten times the agents of the largest tenant.
pub const ROWS_MAX: usize = 100_000;

/// Cells of a row that are kept: far more than there are columns.
const CELLS_MAX: usize = 64;

/// Faults that are kept.
pub const FAULTS_MAX: usize = 20_000;

const UTF_8: &str = "The line is no UTF-8. Save the file as “CSV UTF-8” and try again.";
const UTF_16: &str = "The file is UTF-16. Save it as “CSV UTF-8” and try again.";
const QUOTE: &str = "A quotation mark is opened, and not closed at the end of a cell. One within a cell is written twice.";
const ROWS: &str =
    "The file has more than 100000 rows; nothing from here on was read. Split it in several files.";

/// Characters with which spreadsheets begin a formula, and the one that keeps them from it.
const FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r', '\''];

/// Reads all rows that are not empty, and tells every fault by its line.
pub fn read(bytes: &[u8]) -> Sheet {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Sheet { rows: Vec::new(), faults: vec![(1, UTF_16)] };
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut sheet = Sheet::default();
    let text = decoded(bytes, &mut sheet.faults);
    let mut rest = Rest { text: &text, at: 0, line: 1, separator: separator(&text) };
    while rest.at < rest.text.len() {
        let row = rest.row();
        if let Some(line) = row.torn.then_some(rest.line - 1)
            && sheet.faults.len() < FAULTS_MAX
        {
            sheet.faults.push((line, QUOTE));
        }
        if !row.torn && row.cells.iter().all(String::is_empty) {
            continue;
        }
        if sheet.rows.len() == ROWS_MAX {
            sheet.faults.push((row.line, ROWS));
            break;
        }
        sheet.rows.push(row);
    }
    sheet
}

/// The text, with each line noted that is no UTF-8. Its bytes are taken as Latin-1, so that the line can still be judged.
fn decoded<'b>(bytes: &'b [u8], faults: &mut Vec<Fault>) -> Cow<'b, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let (mut text, mut line) = (String::with_capacity(bytes.len()), 1);
    for chunk in bytes.utf8_chunks() {
        line += chunk.valid().matches('\n').count();
        text.push_str(chunk.valid());
        let told = faults.last().is_some_and(|(last, _)| *last == line);
        if !chunk.invalid().is_empty() && !told && faults.len() < FAULTS_MAX {
            faults.push((line, UTF_8));
        }
        text.extend(chunk.invalid().iter().map(|byte| char::from(*byte)));
    }
    text.into()
}

/// Spreadsheets of countries whose decimal sign is a comma write semicolons.
fn separator(text: &str) -> char {
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: char| head.chars().filter(|c| *c == separator).count();
    let of = [',', ';', '\t'];
    of.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(',')
}

/// What of a text is not read yet.
struct Rest<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    separator: char,
}

impl Rest<'_> {
    /// A row. Behind a quotation mark that is not closed, reading goes on with the next line, so that the lines below
    /// are rows again: each is read twice at most.
    fn row(&mut self) -> Row {
        let mut row = Row { line: self.line, cells: Vec::new(), len: 0, torn: false };
        loop {
            let (at, line) = (self.at, self.line);
            let Some((cell, ended)) = self.cell() else {
                let end = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end + 1);
                (self.at, self.line, row.torn) = (end, line + 1, true);
                return row;
            };
            row.len += 1;
            if row.cells.len() < CELLS_MAX {
                row.cells.push(cell);
            }
            if ended {
                return row;
            }
        }
    }

    /// One cell, and whether its row ends behind it; none where its quotation mark is not closed at its end. What is quoted
    /// stays as it is; round anything else, spaces go.
    fn cell(&mut self) -> Option<(String, bool)> {
        let begin = self.text[self.at..].trim_start_matches(' ');
        let quoted = if begin.starts_with('"') {
            self.at = self.text.len() - begin.len();
            Some(self.quoted()?)
        } else {
            None
        };
        let rest = &self.text[self.at..];
        let end = rest.find(['\n', self.separator]).unwrap_or(rest.len());
        let bare = rest[..end].trim();
        let cell = match quoted {
            Some(quoted) if bare.is_empty() => quoted,
            Some(_) => return None,
            None => bare.to_owned(),
        };
        let next = rest[end..].chars().next();
        self.at += end + next.map_or(0, char::len_utf8);
        self.line += usize::from(next == Some('\n'));
        // What `write` put before what looks like a formula.
        let plain = cell.strip_prefix('\'').filter(|plain| plain.starts_with(FORMULA));
        let cell = plain.map(str::to_owned).unwrap_or(cell);
        Some((cell, next != Some(self.separator)))
    }

    /// What stands between quotation marks; two of them are one.
    fn quoted(&mut self) -> Option<String> {
        let (mut cell, mut at) = (String::new(), self.at + 1);
        loop {
            let rest = &self.text[at..];
            let end = rest.find('"')?;
            cell.push_str(&rest[..end]);
            at += end + 1;
            if !self.text[at..].starts_with('"') {
                break;
            }
            cell.push('"');
            at += 1;
        }
        self.line += self.text[self.at..at].matches('\n').count();
        self.at = at;
        Some(cell)
    }
}

/// Appends a row.
pub fn write<'c>(out: &mut String, cells: impl IntoIterator<Item = &'c str>) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        let guard = if cell.starts_with(FORMULA) { "'" } else { "" };
        // Readers take spaces away that stand round a cell without quotation marks.
        if cell.contains(['"', ',', ';', '\t', '\n', '\r']) || cell.trim().len() < cell.len() {
            out.push('"');
            out.push_str(guard);
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(guard);
            out.push_str(cell);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[(usize, &[&str])]) {
        let sheet = read(text.as_bytes());
        assert!(sheet.faults.is_empty(), "{text}: {:?}", sheet.faults);
        check_rows(&sheet, expected);
    }

    fn check_rows(sheet: &Sheet, expected: &[(usize, &[&str])]) {
        let read: Vec<(usize, Vec<&str>)> = sheet
            .rows
            .iter()
            .map(|row| (row.line, row.cells.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<(usize, Vec<&str>)> =
            expected.iter().map(|(line, cells)| (*line, cells.to_vec())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn rows_keep_the_numbers_of_their_lines() {
        check(
            "a,b\r\n\r\n\"c\nd\", e \nf,",
            &[(1, &["a", "b"]), (3, &["c\nd", "e"]), (5, &["f", ""])],
        );
        check("\u{feff}a;b;c\nd;e,f", &[(1, &["a", "b", "c"]), (2, &["d", "e,f"])]);
        check("\na\tb\n\"say \"\"hi\"\"\"\tc", &[(2, &["a", "b"]), (3, &["say \"hi\"", "c"])]);
        check("a, \" b \" \r\n", &[(1, &["a", " b "])]);
        check("", &[]);
    }

    #[test]
    fn what_is_torn_is_told_with_its_line_and_the_rest_is_read() {
        let torn = read(b"a\nb,\"c\nd\n\"e\"f,g\n\"h\ni\",\"j\nk");
        assert_eq!(torn.faults, [(2, QUOTE), (4, QUOTE), (6, QUOTE)]);
        let rows: &[(usize, &[&str])] =
            &[(1, &["a"]), (2, &["b"]), (3, &["d"]), (4, &[]), (5, &["h\ni"]), (7, &["k"])];
        check_rows(&torn, rows);
        let torn: Vec<bool> = torn.rows.iter().map(|row| row.torn).collect();
        assert_eq!(torn, [false, true, false, true, true, false]);
    }

    #[test]
    fn every_line_that_is_no_utf_8_is_told_and_read() {
        let sheet = read(b"a\nb\xff\xfe\nc\n\xe4,\xc3\xa4");
        assert_eq!(sheet.faults, [(2, UTF_8), (4, UTF_8)]);
        check_rows(&sheet, &[(1, &["a"]), (2, &["bÿþ"]), (3, &["c"]), (4, &["ä", "ä"])]);
        assert_eq!(read(b"\xff\xfea\0").faults, [(1, UTF_16)]);
    }

    #[test]
    fn a_file_that_is_far_too_large_is_read_in_part() {
        let sheet = read(&b"a\n".repeat(ROWS_MAX + 2));
        assert_eq!((sheet.rows.len(), &*sheet.faults), (ROWS_MAX, &[(ROWS_MAX + 1, ROWS)][..]));
        assert!(ROWS.contains(&ROWS_MAX.to_string()));
        let wide = &read(&b"a,".repeat(CELLS_MAX + 9)).rows[0];
        assert_eq!((wide.cells.len(), wide.len), (CELLS_MAX, CELLS_MAX + 10));
    }

    #[test]
    fn no_cell_is_a_formula() {
        let mut out = String::new();
        write(&mut out, ["=1+1", "a"]);
        assert_eq!(out, "'=1+1,a\r\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            rows in proptest::collection::vec(proptest::collection::vec("[-=a'\",;\r\n\t\0 ä\u{85}]{0,6}", 2..4), 1..5),
        ) {
            let mut out = String::new();
            write(&mut out, ["one", "two"]);
            rows.iter().for_each(|row| write(&mut out, row.iter().map(String::as_str)));
            let sheet = read(out.as_bytes());
            prop_assert!(sheet.faults.is_empty());
            let read: Vec<Vec<String>> = sheet.rows.into_iter().skip(1).map(|row| row.cells).collect();
            let full: Vec<Vec<String>> =
                rows.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
            prop_assert_eq!(read, full);
        }

        #[test]
        fn whatever_is_read_is_told_by_lines_that_there_are(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..80),
                proptest::collection::vec(proptest::sample::select(b"\",;\n\r a'=\xff\xc3\xa4".to_vec()), 0..80),
            ],
        ) {
            let sheet = read(&bytes);
            let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
            prop_assert!(sheet.rows.iter().all(|row| (1..=lines).contains(&row.line)));
            prop_assert!(sheet.rows.is_sorted_by(|one, next| one.line < next.line));
            prop_assert!(sheet.faults.iter().all(|(line, _)| (1..=lines).contains(line)));
            prop_assert!(sheet.rows.iter().all(|row| row.len >= row.cells.len()));
            let utf_8 = sheet.faults.iter().any(|(_, what)| [UTF_8, UTF_16].contains(what));
            prop_assert_eq!(utf_8, std::str::from_utf8(&bytes).is_err());
        }
    }
}

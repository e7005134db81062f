//! CSV as spreadsheets write it (RFC 4180): read with the number of each line, and written so that no cell is a formula.

/// A row with the number of its first line in the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// In the file, from 1.
    pub line: usize,
    /// Without the spaces round them.
    pub cells: Vec<String>,
}

/// Characters with which spreadsheets begin a formula, and the one that keeps them from it.
const FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r', '\''];

/// Reads all rows that are not empty; an error names the line.
pub fn read(bytes: &[u8]) -> Result<Vec<Row>, (usize, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        (line, "The file is no UTF-8. Save it as “CSV UTF-8” and try again.".to_owned())
    })?;
    let separator = separator(text);
    let mut rows = Vec::new();
    let mut rest = text.chars().peekable();
    let mut line = 1;
    while rest.peek().is_some() {
        let mut row = Row { line, cells: Vec::new() };
        loop {
            let (cell, ended) = cell(&mut rest, separator, &mut line)?;
            row.cells.push(cell);
            if ended {
                break;
            }
        }
        if row.cells.iter().any(|cell| !cell.is_empty()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Spreadsheets of countries whose decimal sign is a comma write semicolons.
fn separator(text: &str) -> char {
    let head = text.lines().next().unwrap_or_default();
    let count = |separator: char| head.chars().filter(|c| *c == separator).count();
    let of = [',', ';', '\t'];
    of.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(',')
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

/// One cell, and whether its row ends behind it.
fn cell(
    rest: &mut Chars<'_>,
    separator: char,
    line: &mut usize,
) -> Result<(String, bool), (usize, String)> {
    let mut cell = String::new();
    if rest.next_if_eq(&'"').is_some() {
        let begun = *line;
        loop {
            match rest.next() {
                Some('"') if rest.next_if_eq(&'"').is_some() => cell.push('"'),
                Some('"') => break,
                Some(c) => {
                    *line += usize::from(c == '\n');
                    cell.push(c);
                }
                None => {
                    return Err((begun, "A quotation mark is opened and never closed.".to_owned()));
                }
            }
        }
    }
    let mut bare = String::new();
    let ended = loop {
        match rest.next() {
            None => break true,
            Some('\n') => {
                *line += 1;
                break true;
            }
            Some('\r') if rest.peek() == Some(&'\n') => {}
            Some(c) if c == separator => break false,
            Some(c) => bare.push(c),
        }
    };
    cell.push_str(bare.trim_end());
    let cell = cell.trim();
    // What `write` put before what looks like a formula.
    let plain = cell.strip_prefix('\'').filter(|plain| plain.starts_with(FORMULA));
    Ok((plain.unwrap_or(cell).to_owned(), ended))
}

/// Appends a row.
pub fn write<'c>(out: &mut String, cells: impl IntoIterator<Item = &'c str>) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        let guard = if cell.starts_with(FORMULA) { "'" } else { "" };
        if cell.contains(['"', ',', ';', '\t', '\n', '\r']) {
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
        let read = read(text.as_bytes()).unwrap();
        let read: Vec<(usize, Vec<&str>)> = read
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
        check("a\tb\n\"say \"\"hi\"\"\"\tc", &[(1, &["a", "b"]), (2, &["say \"hi\"", "c"])]);
        check("", &[]);
    }

    #[test]
    fn what_is_torn_is_told_with_its_line() {
        assert_eq!(read(b"a\n\"b\nc").unwrap_err().0, 2);
        assert_eq!(read(b"a\nb\xff").unwrap_err().0, 2);
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
            rows in proptest::collection::vec(proptest::collection::vec("[-=a'\",;\n ä]{0,6}", 2..4), 1..5),
        ) {
            let mut out = String::new();
            write(&mut out, ["one", "two"]);
            let rows: Vec<Vec<String>> = rows
                .iter()
                .map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect())
                .collect();
            rows.iter().for_each(|row| write(&mut out, row.iter().map(String::as_str)));
            let read: Vec<Vec<String>> = read(out.as_bytes()).unwrap().into_iter().skip(1).map(|row| row.cells).collect();
            let full: Vec<Vec<String>> =
                rows.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
            prop_assert_eq!(read, full);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
        }
    }
}

//! Reading `multipart/form-data` (RFC 7578) from a body that is bounded and there as a whole.

use bytes::Bytes;
use memchr::memmem;

/// One part: a value or a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// The form field.
    pub name: String,
    /// What the file was called, if it is one.
    pub file_name: Option<String>,
    /// What is in it.
    pub bytes: Bytes,
}

/// Parts of a form at most.
const PARTS_MAX: usize = 1_024;

/// The boundary that a content type names.
pub fn boundary(content_type: &str) -> Option<String> {
    let value = parameter(content_type, "boundary")?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// All parts; none where the body is not of the form.
pub fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let delimiter = format!("--{boundary}");
    let mut at = memmem::find(body, delimiter.as_bytes())? + delimiter.len();
    let between = format!("\r\n{delimiter}");
    let between = memmem::Finder::new(between.as_bytes());
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        if !rest.starts_with(b"\r\n") || parts.len() == PARTS_MAX {
            return None;
        }
        let end = between.find(rest)?;
        parts.push(part(&body.slice(at + 2..at + end.max(2)))?);
        at += end + between.needle().len();
    }
}

/// A part's head and what follows it.
fn part(part: &Bytes) -> Option<Part> {
    let end = memmem::find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..end]).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some(Part {
        name: parameter(disposition, "name")?,
        file_name: parameter(disposition, "filename"),
        bytes: part.slice(end + 4..),
    })
}

/// A parameter of a header's value. Browsers write quotation marks within one as `%22`, and quote nothing else.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (text, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(text.replace("%22", "\""));
        }
        rest = next.split_once(';')?.1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(parts: &[(String, Option<String>, Vec<u8>)], boundary: &str) -> Bytes {
        let mut body = Vec::new();
        for (name, file_name, bytes) in parts {
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes(),
            );
            if let Some(file_name) = file_name {
                body.extend(
                    format!("; filename=\"{file_name}\"\r\nContent-Type: text/csv").bytes(),
                );
            }
            body.extend(b"\r\n\r\n");
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        body.into()
    }

    #[test]
    fn the_boundary_is_read_in_either_form() {
        assert_eq!(boundary("multipart/form-data; boundary=--x1").as_deref(), Some("--x1"));
        assert_eq!(boundary("multipart/form-data; a=b; Boundary=\"x y\"").as_deref(), Some("x y"));
        assert_eq!(boundary("multipart/form-data"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
    }

    #[test]
    fn a_torn_body_is_refused() {
        let whole = written(&[("a".into(), None, b"b".to_vec())], "x");
        assert_eq!(parts(&whole, "x").unwrap().len(), 1);
        assert_eq!(parts(&whole, "y"), None);
        for end in 0..whole.len() - 4 {
            assert_eq!(parts(&whole.slice(..end), "x"), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn what_a_browser_sends_is_read_back(
            sent in proptest::collection::vec(
                ("[a-z;= ]{1,9}", proptest::option::of("[a-z.;= ä]{0,12}"),
                 proptest::collection::vec(any::<u8>(), 0..60)),
                0..6,
            ),
        ) {
            let boundary = "----boundary7d1f";
            let read = parts(&written(&sent, boundary), boundary).unwrap();
            let read: Vec<_> =
                read.into_iter().map(|part| (part.name, part.file_name, part.bytes.to_vec())).collect();
            if sent.is_empty() {
                prop_assert!(read.is_empty());
            } else {
                prop_assert_eq!(read, sent);
            }
        }

        #[test]
        fn no_bytes_panic(bytes in "[-x\r\n:;=\"a]{0,60}") {
            let _ = parts(&Bytes::from(bytes), "x");
        }
    }
}

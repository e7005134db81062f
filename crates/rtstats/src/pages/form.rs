//! Reading a form: bounded, decoded, each value with what is wrong about it.

use std::str::FromStr;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use percent_encoding::percent_decode;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{multipart, stop::Stop};

/// Bytes of a form without files.
const FORM_BYTES_MAX: usize = 64 * 1_024;

/// Bytes of a file in a form: 10 000 agents who all have 500 queues are 20 MiB.
pub(super) const FILE_BYTES_MAX: usize = 24 * 1_024 * 1_024;

/// Bytes of a form with files. A file may come as a value in Base64, which takes a third more, with other values round it.
const UPLOAD_BYTES_MAX: usize = FILE_BYTES_MAX / 3 * 4 + 64 * 1_024;

/// Values of a form at most.
const VALUES_MAX: usize = 4_096;

/// A file of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The form field.
    pub name: String,
    /// What the file was called.
    pub file_name: String,
    /// What is in it.
    pub bytes: Bytes,
}

/// A form's values, and what is wrong with them. An empty one is what a page shows first.
#[derive(Debug, Default)]
pub struct Form {
    values: Vec<(String, String)>,
    uploads: Vec<Upload>,
    wrong: Vec<(&'static str, String)>,
    /// Of the memory that forms may hold, for as long as there is this one.
    _held: Held,
}

impl Form {
    /// With values to begin with, as for changing what is there.
    pub fn of<'v>(values: impl IntoIterator<Item = (&'v str, String)>) -> Form {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value));
        Form { values: values.collect(), ..Form::default() }
    }

    /// A value as it came; empty if there is none.
    pub fn secret(&self, name: &str) -> &str {
        let value = self.values.iter().find(|(own, _)| own == name);
        value.map_or("", |(_, value)| value)
    }

    /// A value without the spaces round it; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.secret(name).trim()
    }

    /// All values of a name, as of check boxes.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.values.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether a check box is ticked.
    pub fn is_checked(&self, name: &str) -> bool {
        self.values.iter().any(|(own, _)| own == name)
    }

    /// A file, if one was chosen.
    pub fn upload(&self, name: &str) -> Option<&Upload> {
        self.uploads.iter().find(|upload| upload.name == name && !upload.file_name.is_empty())
    }

    /// A value that must be there; what to do is noted otherwise.
    pub fn required(&mut self, name: &'static str, otherwise: &str) -> Option<String> {
        let value = self.text(name).to_owned();
        if value.is_empty() {
            self.wrong(name, otherwise);
            return None;
        }
        Some(value)
    }

    /// A value read as a type; what the type says of it is noted otherwise.
    pub fn parsed<T: FromStr>(&mut self, name: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match self.text(name).parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn number(&mut self, name: &'static str, from: i64, to: i64) -> Option<i64> {
        let number = self.text(name).parse().ok().filter(|number| (from..=to).contains(number));
        if number.is_none() {
            self.wrong(name, format!("Give a whole number from {from} to {to}."));
        }
        number
    }

    /// Notes what is wrong with a value.
    pub fn wrong(&mut self, name: &'static str, what: impl Into<String>) {
        self.wrong.push((name, what.into()));
    }

    /// Whether nothing is wrong.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }

    /// What is wrong, in order.
    pub fn mistakes(&self) -> impl ExactSizeIterator<Item = (&'static str, &str)> {
        self.wrong.iter().map(|(name, what)| (*name, what.as_str()))
    }
}

/// What forms may hold in memory as they came, all together, in KiB; from the first byte until what they ask for is done.
static FORMS_KIB: Semaphore = Semaphore::const_new(32 * 1_024);

/// The same of forms with files. They have room of their own: an import takes its time, and nobody who signs in is to wait
/// for it.
static UPLOADS_KIB: Semaphore = Semaphore::const_new(64 * 1_024);

/// Memory is taken in steps of this many KiB.
const PERMIT_KIB: usize = 16;

/// The memory that a form holds.
type Held = Option<SemaphorePermit<'static>>;

/// Takes more of a budget, so that so many bytes are held.
fn hold(held: &mut Held, budget: &'static Semaphore, bytes: usize) -> Result<(), Stop> {
    let held_kib = held.as_ref().map_or(0, SemaphorePermit::num_permits);
    let more_kib = bytes.div_ceil(1_024).saturating_sub(held_kib).next_multiple_of(PERMIT_KIB);
    if more_kib == 0 {
        return Ok(());
    }
    let more = budget.try_acquire_many(more_kib as u32).map_err(|_| {
        let why = "Too many forms are under way at the same time. Send it again in a moment.";
        Stop::Bad(StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
    })?;
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
    Ok(())
}

/// Reads a body that is a form; one with files only where `files` may be sent.
pub(super) async fn read<B>(body: &mut B, headers: &HeaderMap, files: bool) -> Result<Form, Stop>
where
    B: Body<Data = Bytes, Error: std::fmt::Display> + Unpin,
{
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let (bytes, held) = collect(body, &FORMS_KIB, FORM_BYTES_MAX).await?;
        let values = pairs(&bytes);
        // What can't all be read is not read in part.
        if values.len() > VALUES_MAX {
            let why = format!("The form has more than {VALUES_MAX} values. Send less.");
            return Err(Stop::Bad(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        return Ok(Form { values, _held: held, ..Form::default() });
    }
    let boundary = multipart::boundary(kind)
        .filter(|_| files && essence.eq_ignore_ascii_case("multipart/form-data"));
    let Some(boundary) = boundary else {
        let why = "This address takes forms of our own pages only.".to_owned();
        return Err(Stop::Bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    };
    let (bytes, held) = collect(body, &UPLOADS_KIB, UPLOAD_BYTES_MAX).await?;
    let parts = multipart::parts(&bytes, &boundary).ok_or_else(|| {
        let why = "The form is cut short or garbled. Go back and send it again.".to_owned();
        Stop::Bad(StatusCode::BAD_REQUEST, why)
    })?;
    let mut form = Form { _held: held, ..Form::default() };
    for part in parts {
        match part.file_name {
            Some(file_name) => {
                form.uploads.push(Upload { name: part.name, file_name, bytes: part.bytes });
            }
            None => {
                let value = String::from_utf8_lossy(&part.bytes).into_owned();
                form.values.push((part.name, value));
            }
        }
    }
    Ok(form)
}

async fn collect<B>(
    body: &mut B,
    budget: &'static Semaphore,
    bytes_max: usize,
) -> Result<(Bytes, Held), Stop>
where
    B: Body<Data = Bytes, Error: std::fmt::Display> + Unpin,
{
    let mut bytes = BytesMut::new();
    let mut held = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let why = format!("The form did not arrive whole: {error}. Send it again.");
            Stop::Bad(StatusCode::BAD_REQUEST, why)
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            let why = format!("The form is larger than {} KiB. Send less.", bytes_max / 1_024);
            return Err(Stop::Bad(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        bytes.extend_from_slice(&data);
        hold(&mut held, budget, bytes.len())?;
    }
    Ok((bytes.freeze(), held))
}

/// The pairs of `application/x-www-form-urlencoded`, one more than are taken at most; what is no UTF-8 becomes U+FFFD.
pub fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    let decode = |bytes: &[u8]| {
        let spaced: Vec<u8> =
            bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let halves = pairs.map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decode(&pair[..at]), decode(pair.get(at + 1..).unwrap_or_default()))
    });
    halves.take(VALUES_MAX + 1).collect()
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pairs_are_decoded_once() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs(b"a=b+c&d=%2B%2520&e&=f&&g=%FF"),
            [
                pair("a", "b c"),
                pair("d", "+%20"),
                pair("e", ""),
                pair("", "f"),
                pair("g", "\u{fffd}"),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_noted_beside_its_field() {
        let mut form = Form::of([("queue", " 12 ".to_owned()), ("name", " ".to_owned())]);
        assert_eq!(form.number("queue", 1, 99), Some(12));
        assert_eq!(form.parsed::<u8>("queue"), Some(12));
        assert!(form.is_right());
        assert_eq!(form.number("queue", 1, 9), None);
        assert_eq!(form.required("name", "Give a name."), None);
        let wrong: Vec<_> = form.mistakes().collect();
        let expected = [("queue", "Give a whole number from 1 to 9."), ("name", "Give a name.")];
        assert_eq!(wrong, expected);
    }

    /// A form with a file of so many KiB.
    async fn sent(kib: usize) -> Result<Form, Stop> {
        let file = vec![b'x'; kib * 1_024];
        let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
        let body = [&head[..], &file, b"\r\n--b--\r\n"].concat();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap());
        read(&mut Full::new(Bytes::from(body)), &headers, true).await
    }

    #[tokio::test]
    async fn a_form_holds_its_memory_until_it_is_done() {
        let all = UPLOADS_KIB.available_permits();
        let one = sent(24 * 1_024).await.unwrap();
        let two = sent(24 * 1_024).await.unwrap();
        assert!(UPLOADS_KIB.available_permits() <= all - 48 * 1_024);
        assert!(matches!(
            sent(24 * 1_024).await,
            Err(Stop::Bad(StatusCode::SERVICE_UNAVAILABLE, _))
        ));
        drop(one);
        let three = sent(24 * 1_024).await.unwrap();
        assert_eq!(three.upload("file").unwrap().bytes.len(), 24 << 20);
        drop((two, three));
        assert_eq!(UPLOADS_KIB.available_permits(), all);
    }

    proptest! {
        #[test]
        fn what_a_browser_encodes_is_read_back(
            sent in proptest::collection::vec((".{0,12}", ".{0,30}"), 1..8),
        ) {
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let encoded: Vec<String> =
                sent.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
            prop_assert_eq!(pairs(encoded.join("&").as_bytes()), sent);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(pairs(&bytes).len() <= bytes.len());
        }
    }
}

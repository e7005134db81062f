//! Paths of the statistics API (SPEC §1): which document in which format, or why it is none.

use percent_encoding::percent_decode_str;
use stats::{document::Format, limit};

/// Where the statistics API stands.
pub const BASE: &str = "/api/rtstats/stats";

/// What a path below the base asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which document.
    pub page: Target,
    /// In which form.
    pub format: Format,
}

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The list of agents.
    Agents,
    /// The list of queues.
    Queues,
    /// One agent, by its id.
    Agent(String),
    /// One queue, by its number.
    Queue(u32),
}

/// Why a path asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathError {
    /// 400: it is not of the API's form.
    Malformed(&'static str),
    /// 404: there can be no such page or item.
    NoSuch(&'static str),
}

const SUFFIXES: &str =
    "The lists are /agents and /queues, with .xml, .json or .csv or without a suffix.";
const NO_PAGE: &str =
    "There is no such page. The API has /agents, /queues, /agent/{agent-id} and /queue/{queue-id}.";
const NO_ID: &str = "The path ends before the id. Ask for /agent/{agent-id} or /queue/{queue-id}.";
const BAD_ENCODING: &str =
    "The path's percent-encoding is broken. Write %25 for a percent sign, and UTF-8 as %XX bytes.";
const NO_NUMBER: &str =
    "A queue-id is a whole number, as the list /queues shows it, with .xml, .json or no suffix.";
const TOO_DEEP: &str = "The path goes on after the id. Write a slash within an id as %2F.";
const NO_QUEUE: &str = "There is no queue of this number.";

/// Reads what follows the base, percent-encoded as it came.
pub fn parse(rest: &str) -> Result<Asked, PathError> {
    let Some(rest) = rest.strip_prefix('/') else { return Err(PathError::NoSuch(NO_PAGE)) };
    let (first, id) = match rest.split_once('/') {
        Some((first, id)) => (first, Some(id)),
        None => (rest, None),
    };
    let first = decode(first)?;
    match (&*first, id) {
        ("agent" | "queue", None) => Err(PathError::Malformed(NO_ID)),
        ("agent", Some(id)) => agent(id),
        ("queue", Some(id)) => queue(id),
        (list, id) => {
            let (name, suffix) = list.split_once('.').unwrap_or((list, ""));
            let page = match name {
                "agents" => Target::Agents,
                "queues" => Target::Queues,
                _ => return Err(PathError::NoSuch(NO_PAGE)),
            };
            let format = match suffix {
                "" if !list.contains('.') => Format::Xml,
                "xml" => Format::Xml,
                "json" => Format::Json,
                "csv" => Format::Csv,
                _ => return Err(PathError::Malformed(SUFFIXES)),
            };
            if id.is_some() {
                return Err(PathError::Malformed(SUFFIXES));
            }
            Ok(Asked { page, format })
        }
    }
}

fn agent(id: &str) -> Result<Asked, PathError> {
    let (id, format) = item(id)?;
    Ok(Asked { page: Target::Agent(id), format })
}

fn queue(id: &str) -> Result<Asked, PathError> {
    let (id, format) = item(id)?;
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PathError::Malformed(NO_NUMBER));
    }
    match id.parse() {
        Ok(number @ 1..=limit::QUEUE_ID_MAX) => Ok(Asked { page: Target::Queue(number), format }),
        _ => Err(PathError::NoSuch(NO_QUEUE)),
    }
}

/// The last part of an item's path: its id, decoded, and the format that its suffix asks for.
fn item(id: &str) -> Result<(String, Format), PathError> {
    if id.contains('/') {
        return Err(PathError::Malformed(TOO_DEEP));
    }
    let mut id = decode(id)?;
    let (bare, format) = split_suffix(&id);
    let len = bare.len();
    if len == 0 {
        return Err(PathError::Malformed(NO_ID));
    }
    id.truncate(len);
    Ok((id, format))
}

/// Only a final `.xml` or `.json` is a suffix: ids hold dots too.
fn split_suffix(id: &str) -> (&str, Format) {
    if let Some(id) = id.strip_suffix(".json") {
        (id, Format::Json)
    } else {
        (id.strip_suffix(".xml").unwrap_or(id), Format::Xml)
    }
}

/// Decodes once.
fn decode(text: &str) -> Result<String, PathError> {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr(b'%', rest) {
        match rest.get(at + 1..at + 3) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => rest = &rest[at + 3..],
            _ => return Err(PathError::Malformed(BAD_ENCODING)),
        }
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| PathError::Malformed(BAD_ENCODING))
}

/// The format that an error answer is written in: JSON where JSON was asked for, else XML.
pub fn error_format(path: &str) -> Format {
    let json = path.ends_with(".json") || !path.starts_with(BASE);
    if json { Format::Json } else { Format::Xml }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(path: &str) -> Asked {
        parse(path).unwrap()
    }

    fn agent_in(id: &str, format: Format) -> Asked {
        Asked { page: Target::Agent(id.into()), format }
    }

    #[test]
    fn lists_come_in_three_formats_and_xml_without_a_suffix() {
        assert_eq!(ok("/agents"), Asked { page: Target::Agents, format: Format::Xml });
        assert_eq!(ok("/agents.json"), Asked { page: Target::Agents, format: Format::Json });
        assert_eq!(ok("/queues.csv"), Asked { page: Target::Queues, format: Format::Csv });
        for malformed in ["/agents.yaml", "/agents.", "/agents.xml.json", "/queues/", "/agents/x"] {
            assert_eq!(parse(malformed), Err(PathError::Malformed(SUFFIXES)), "{malformed}");
        }
    }

    #[test]
    fn only_a_final_xml_or_json_is_a_suffix() {
        assert_eq!(ok("/agent/j.doe"), agent_in("j.doe", Format::Xml));
        assert_eq!(ok("/agent/j.doe.json"), agent_in("j.doe", Format::Json));
        assert_eq!(ok("/agent/j.doe.csv"), agent_in("j.doe.csv", Format::Xml));
        assert_eq!(ok("/agent/j.xml.json"), agent_in("j.xml", Format::Json));
    }

    #[test]
    fn percent_encoding_is_decoded_once() {
        assert_eq!(ok("/agent/j%20d%C3%B6"), agent_in("j dö", Format::Xml));
        assert_eq!(ok("/agent/100%2525"), agent_in("100%25", Format::Xml));
        assert_eq!(ok("/agent/a%2Fb"), agent_in("a/b", Format::Xml));
        for malformed in ["/agent/%", "/agent/%4", "/agent/%zz", "/agent/%FF", "/%zz"] {
            assert_eq!(parse(malformed), Err(PathError::Malformed(BAD_ENCODING)), "{malformed}");
        }
    }

    #[test]
    fn a_queue_is_asked_for_by_its_number() {
        assert_eq!(ok("/queue/115.json").page, Target::Queue(115));
        for malformed in ["/queue/abc", "/queue/-1", "/queue/+1", "/queue/1.csv", "/queue/1.5"] {
            assert_eq!(parse(malformed), Err(PathError::Malformed(NO_NUMBER)), "{malformed}");
        }
        for missing in ["/queue/0", "/queue/4294967296", "/queue/99999999999999999999"] {
            assert_eq!(parse(missing), Err(PathError::NoSuch(NO_QUEUE)), "{missing}");
        }
    }

    #[test]
    fn an_empty_id_is_malformed_and_an_unknown_page_is_missing() {
        for malformed in ["/agent", "/agent/", "/agent/.json", "/queue", "/queue/", "/queue/.xml"] {
            assert_eq!(parse(malformed), Err(PathError::Malformed(NO_ID)), "{malformed}");
        }
        for missing in ["", "/", "/Agents", "/agentsx", "/groups", "//agents"] {
            assert_eq!(parse(missing), Err(PathError::NoSuch(NO_PAGE)), "{missing}");
        }
        assert_eq!(parse("/agent/a/b"), Err(PathError::Malformed(TOO_DEEP)));
    }
}

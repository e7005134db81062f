//! One operation of the API as data, from which the OpenAPI document and the explorer's page are made.

use serde_json::{Map, Value, json};

use crate::tenants::TokenKind;

/// Something that a client may ask for.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name for programs.
    pub id: &'static str,
    /// What it belongs to, as the explorer groups operations.
    pub group: &'static str,
    /// `get` or `post`.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else is to be known.
    pub about: &'static str,
    /// Which token is its password.
    pub token: TokenKind,
    /// What the client chooses.
    pub parameters: Vec<Parameter>,
    /// What it sends; nothing unless there are forms of it.
    pub body: Vec<Content>,
    /// What comes back.
    pub replies: Vec<Reply>,
}

/// One thing that a client chooses.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// What it may be.
    pub schema: Value,
    /// What it means.
    pub about: &'static str,
    /// A value for trying it; without one it is left out.
    pub example: Option<Value>,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path, where it is always needed.
    Path,
    /// In the query.
    Query,
    /// A header that a page may set.
    Header,
    /// A header that browsers keep for themselves.
    ClientHeader,
}

/// A body in one media type.
#[derive(Debug, Clone)]
pub struct Content {
    /// The media type.
    pub media_type: &'static str,
    /// Its schema.
    pub schema: Value,
    /// An example; JSON, or text of another form.
    pub example: Value,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub code: u16,
    /// When it comes.
    pub about: &'static str,
    /// Names of its headers, which `HEADERS` explains.
    pub headers: &'static [&'static str],
    /// Its forms.
    pub contents: Vec<Content>,
}

/// Headers of answers: name, schema type, meaning.
pub const HEADERS: &[(&str, &str, &str)] = &[
    ("ETag", "string", "The validator of this form, for `If-None-Match`."),
    ("Last-Modified", "string", "The instant that the document describes, to the second."),
    (
        "Rtstats-Instant",
        "string",
        "The instant that the document describes, to the millisecond: RFC 3339 in UTC.",
    ),
    ("Cache-Control", "string", "How long the answer stays current; `no-store` with errors."),
    ("Content-Encoding", "string", "gzip, br or zstd, as `Accept-Encoding` likes it best."),
    ("Vary", "string", "What the form of the answer depends on."),
    ("WWW-Authenticate", "string", "Has a browser ask for the credentials."),
    ("Retry-After", "integer", "Ask again after so many seconds."),
    ("Allow", "string", "The methods that there are."),
    (
        "Rtstats-Counted",
        "integer",
        "The last counted time, in milliseconds since 1970-01-01T00:00:00Z; absent before any.",
    ),
    (
        "Rtstats-Seq",
        "integer",
        "The highest `seq` seen of the source that was asked for, 0 if none; absent without `source`.",
    ),
];

impl Operation {
    /// How OpenAPI tells of it.
    pub fn described(&self) -> Value {
        let mut told = json!({
            "operationId": self.id,
            "tags": [self.group],
            "summary": self.summary,
            "description": self.about,
            "security": [{ security_scheme(self.token): [] }],
        });
        if !self.parameters.is_empty() {
            told["parameters"] = self.parameters.iter().map(Parameter::described).collect();
        }
        if !self.body.is_empty() {
            told["requestBody"] = json!({ "required": true, "content": contents(&self.body) });
        }
        let replies = self.replies.iter();
        let replies: Map<_, _> =
            replies.map(|reply| (reply.code.to_string(), reply.described())).collect();
        told["responses"] = Value::Object(replies);
        told
    }
}

impl Parameter {
    fn described(&self) -> Value {
        let (place, required) = match self.place {
            Place::Path => ("path", true),
            Place::Query => ("query", false),
            Place::Header | Place::ClientHeader => ("header", false),
        };
        let mut told = json!({
            "name": self.name,
            "in": place,
            "required": required,
            "description": self.about,
            "schema": self.schema,
        });
        if let Some(example) = &self.example {
            told["example"] = example.clone();
        }
        told
    }
}

impl Reply {
    fn described(&self) -> Value {
        let mut told = json!({ "description": self.about });
        if !self.headers.is_empty() {
            let reference = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
            let named = self.headers.iter().map(|name| ((*name).to_owned(), reference(name)));
            told["headers"] = Value::Object(named.collect());
        }
        if !self.contents.is_empty() {
            told["content"] = contents(&self.contents);
        }
        told
    }
}

fn contents(contents: &[Content]) -> Value {
    let told = contents.iter().map(|content| {
        let described = json!({ "schema": content.schema, "example": content.example });
        (content.media_type.to_owned(), described)
    });
    Value::Object(told.collect())
}

/// The name of the security scheme that a token stands for.
pub fn security_scheme(token: TokenKind) -> &'static str {
    match token {
        TokenKind::Data => "dataRequestToken",
        TokenKind::Action => "actionRequestToken",
    }
}

//! The answers that refuse, with an example of each in the formats that an operation has.

use serde_json::{Value, json};
use stats::document::Format;

use super::{
    operation::{Content, Reply},
    schema,
};

/// One refusal: code, when it comes, its headers besides Cache-Control, an example's message.
pub type Refusal = (u16, &'static str, &'static [&'static str], &'static str);

pub const MALFORMED_PATH: Refusal = (
    400,
    "The path is not of the API's form: an unknown suffix, no number where one is needed, no id, broken percent-encoding.",
    &["Cache-Control"],
    "The lists are /agents and /queues, with .xml, .json or .csv or without a suffix.",
);
pub const NO_AGENT: Refusal = (
    404,
    "There is no such agent in this tenant.",
    &["Cache-Control"],
    "There is no agent of this id. /agents lists all.",
);
pub const NO_QUEUE: Refusal = (
    404,
    "There is no such queue in this tenant.",
    &["Cache-Control"],
    "There is no queue of this number. /queues lists all.",
);
pub const NO_CREDENTIALS: Refusal = (
    401,
    "No credentials of HTTP Basic.",
    &["Cache-Control", "WWW-Authenticate"],
    "Sign in with HTTP Basic: the tenant's name and its Data Request Token as password.",
);
pub const WRONG_CREDENTIALS: Refusal = (
    403,
    "The credentials are wrong; an unknown tenant and a wrong token get the same answer.",
    &["Cache-Control"],
    "The tenant's name or its Data Request Token is wrong.",
);
pub const NO_CREDENTIALS_TO_SEND: Refusal = (
    401,
    "No credentials of HTTP Basic.",
    &["Cache-Control", "WWW-Authenticate"],
    "Sign in with HTTP Basic: the tenant's name and its Action Request Token as password.",
);
pub const WRONG_CREDENTIALS_TO_SEND: Refusal = (
    403,
    "The credentials are wrong; an unknown tenant and a wrong token get the same answer.",
    &["Cache-Control"],
    "The tenant's name or its Action Request Token is wrong.",
);
pub const ONLY_READING: Refusal = (
    405,
    "Another method than GET or HEAD.",
    &["Cache-Control", "Allow"],
    "This page takes GET, HEAD only.",
);
pub const ONLY_POST: Refusal =
    (405, "Another method than POST.", &["Cache-Control", "Allow"], "This page takes POST only.");
pub const SLOW_BODY: Refusal = (
    408,
    "The body did not arrive in time. Nothing was kept; send it again.",
    &["Cache-Control"],
    "The body took longer to arrive than the server waits. Nothing was kept.",
);
pub const TOO_LARGE: Refusal = (
    413,
    "The batch has more than 16 MiB, as sent or decoded. Nothing was kept; send it in parts.",
    &["Cache-Control"],
    "The batch is larger than 16 MiB. Nothing was kept. Send it in parts.",
);
pub const ENCODING: Refusal = (
    415,
    "Another Content-Encoding than gzip, zstd and identity.",
    &["Cache-Control"],
    "The server takes Content-Encoding gzip, zstd and identity. Nothing was kept.",
);
pub const TOO_OFTEN: Refusal = (
    429,
    "The tenant asks more often than the server's settings allow.",
    &["Cache-Control", "Retry-After"],
    "This tenant has made its requests for now. Ask again a little later.",
);
pub const FAULT: Refusal = (
    500,
    "A fault of the server, whose log has its cause under the incident that the message names.",
    &["Cache-Control"],
    "This is a fault of the server. Its operator finds the cause in the log under 5f0c9a7be1d2.",
);
pub const NOT_READY: Refusal = (
    503,
    "The server still reads its log after a start, or has as much to do as it takes.",
    &["Cache-Control", "Retry-After"],
    "The server is still reading its journal. Ask again in a moment.",
);

/// A refusal in these formats; CSV's errors are XML.
pub fn reply((code, about, headers, message): Refusal, formats: &[Format]) -> Reply {
    let contents = formats.iter().filter_map(|format| match format {
        Format::Json => Some(Content {
            media_type: "application/json",
            schema: schema::reference("ErrorDocument"),
            example: json!({ "error": { "code": code, "message": message } }),
        }),
        Format::Xml => Some(Content {
            media_type: "application/xml",
            schema: schema::reference("Error"),
            example: Value::String(format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
                 <error><code>{code}</code><message>{message}</message></error>"
            )),
        }),
        Format::Csv => None,
    });
    Reply { code, about, headers, contents: contents.collect() }
}

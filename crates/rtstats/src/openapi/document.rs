//! The OpenAPI 3.1 document, put together from the operations.

use serde_json::{Map, Value, json};

use super::{
    operation::{HEADERS, Operation},
    schema,
};

const ABOUT: &str = "Live statistics of a contact centre's agents and queues, and the way in for the events from which \
    they follow. The statistics are compatible with the 8x8 Real Time Statistics Reporting API (7.1.0.20v); rtstats is an \
    independent project and not affiliated with 8x8.\n\n\
    HTTPS only. HEAD gives the headers of GET without the body; other methods are answered with 405. Method and path are \
    looked at before the credentials. More keys may be added to JSON answers; clients do well to skip what they don't \
    know.";

/// The document.
pub fn document(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = operation.described();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "rtstats",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Real-time statistics of a contact centre",
            "description": ABOUT,
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that this document comes from" }],
        "tags": tags(operations),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "dataRequestToken": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User: the tenant's name. Password: its Data Request Token, which reads statistics.",
                },
                "actionRequestToken": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User: the tenant's name. Password: its Action Request Token, which sends events.",
                },
            },
            "headers": headers(),
            "schemas": schema::components(),
        },
    })
}

fn tags(operations: &[Operation]) -> Vec<Value> {
    let mut names: Vec<&str> = operations.iter().map(|operation| operation.group).collect();
    names.dedup();
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn headers() -> Value {
    let told = HEADERS.iter().map(|(name, kind, about)| {
        ((*name).to_owned(), json!({ "description": about, "schema": { "type": kind } }))
    });
    Value::Object(told.collect())
}

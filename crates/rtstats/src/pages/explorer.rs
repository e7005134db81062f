//! The page that explores the API: each operation with its parameters, answers and curl line, and a form to try it.
//!
//! Without scripts it is documentation. The forms send nothing by themselves: the script makes the requests, and what is
//! typed as a token stays in the page's memory.

use std::sync::LazyLock;

use maud::{Markup, html};
use serde_json::Value;

use super::{Asked, Page, Shown};
use crate::{
    openapi::{self, Content, Operation, Parameter, Place, Reply},
    tenants::TokenKind,
};

/// The same for everybody, signed in or not.
static MIDDLE: LazyLock<Markup> = LazyLock::new(|| middle(&openapi::operations()));

/// The page.
pub fn show(asked: &Asked<'_>) -> Shown {
    let page = Page::new("API explorer").wide().style("explorer.css").script("explorer.js");
    Ok(page.show(asked, MIDDLE.clone()))
}

fn middle(operations: &[Operation]) -> Markup {
    let groups: Vec<_> = operations
        .chunk_by(|one, next| one.group == next.group)
        .map(|own| (own[0].group, own))
        .collect();
    html! {
        p.lead {
            "Every operation of the API, with a form to try it on this server. The same as "
            a href=(openapi::PATH) { "OpenAPI 3.1" } " for programs."
        }
        div.explorer {
            nav.contents aria-label="Operations" {
                @for (group, own) in &groups {
                    h2 { (group) }
                    ul { @for operation in *own { li { a href={ "#" (operation.id) } { (operation.summary) } } } }
                }
            }
            div.told {
                (credentials())
                @for (group, own) in &groups {
                    section.group aria-labelledby=(anchor(group)) {
                        h2 id=(anchor(group)) { (group) }
                        @for operation in *own { (article(operation)) }
                    }
                }
            }
        }
        p #announced .unseen role="status" {}
    }
}

fn anchor(group: &str) -> String {
    format!("group-{}", group.to_lowercase())
}

/// Where tenant and tokens are typed, once for all operations. Without scripts there is nothing to type them for.
fn credentials() -> Markup {
    let token = |id: &str, label: &str, about: &str| {
        html! {
            div.field {
                label for=(id) { (label) }
                p.hint id={ (id) "-hint" } { (about) }
                input id=(id) type="password" autocomplete="off" spellcheck="false" aria-describedby={ (id) "-hint" };
            }
        }
    };
    html! {
        form.card.credentials #credentials hidden autocomplete="off" {
            h2 { "Who asks" }
            p.hint { "Kept in this page's memory only, until it is closed or loaded again." }
            div.fields {
                div.field {
                    label for="tenant" { "Tenant" }
                    p.hint #tenant-hint { "The name." }
                    input #tenant type="text" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="tenant-hint";
                }
                (token("data-token", "Data Request Token", "Reads statistics."))
                (token("action-token", "Action Request Token", "Sends events and reads the state."))
            }
        }
    }
}

fn article(operation: &Operation) -> Markup {
    let id = operation.id;
    let heading = format!("{id}-heading");
    html! {
        article.card.operation id=(id) aria-labelledby=(heading) {
            h3 id=(heading) { (operation.summary) }
            p.path { span.method { (operation.method.to_uppercase()) } " " code { (broken(operation.path)) } }
            p { (marked(operation.about)) }
            p.hint { "HTTP Basic: the tenant's name and its " (token_name(operation.token)) "." }
            (attempt(operation))
            details {
                summary { "Answers" }
                (replies(&operation.replies))
            }
        }
    }
}

fn token_name(token: TokenKind) -> &'static str {
    match token {
        TokenKind::Data => "Data Request Token",
        TokenKind::Action => "Action Request Token",
    }
}

/// The form, which is hidden without scripts, and the curl line, which is not.
fn attempt(operation: &Operation) -> Markup {
    let id = operation.id;
    let token = match operation.token {
        TokenKind::Data => "data-token",
        TokenKind::Action => "action-token",
    };
    html! {
        form.try data-method=(operation.method) data-path=(operation.path) data-token=(token)
            aria-label={ "Try: " (operation.summary) } autocomplete="off" {
            @if !operation.parameters.is_empty() {
                h4 { "Parameters" }
                div.fields { @for parameter in &operation.parameters { (parameter_field(id, parameter)) } }
            }
            @for content in operation.body.iter().take(1) { (body_field(id, content)) }
            @if operation.method != "get" {
                p.notice { "Sending changes the tenant for good: the example sets up queue 101 and the agent “ann”, leaves her \
                    on a call, and another call waiting. Try it with a tenant of its own." }
            }
            h4 { "With curl" }
            div.curl {
                pre tabindex="0" role="group" aria-label={ "curl: " (operation.summary) } { code { (curl(operation)) } }
                button.copy type="button" hidden { "Copy" span.unseen { " the curl line of " (operation.summary) } }
            }
            div.buttons hidden {
                button.primary type="submit" { "Send" span.unseen { ": " (operation.summary) } }
                button.stop type="button" hidden { "Stop" }
            }
            div.answer hidden {}
        }
    }
}

fn parameter_field(operation: &str, parameter: &Parameter) -> Markup {
    let id = format!("{operation}-{}", parameter.name.to_lowercase());
    let hint = format!("{id}-hint");
    let example = parameter.example.as_ref().map(plain).unwrap_or_default();
    let (place, what) = match parameter.place {
        Place::Path => ("path", "in the path"),
        Place::Query => ("query", "in the query, optional"),
        Place::Header => ("header", "header, optional"),
        Place::ClientHeader => {
            return html! {
                div.field {
                    p.label { (parameter.name) " " span.place { "header, optional" } }
                    p.hint { (marked(parameter.about)) }
                }
            };
        }
    };
    html! {
        div.field {
            label for=(id) { (parameter.name) " " span.place { (what) } }
            p.hint id=(hint) { (marked(parameter.about)) }
            @if let Some(words) = parameter.schema["enum"].as_array() {
                select id=(id) name=(parameter.name) data-place=(place) aria-describedby=(hint) {
                    @for word in words {
                        option selected[parameter.example.as_ref() == Some(word)] { (plain(word)) }
                    }
                }
            } @else {
                input id=(id) type="text" name=(parameter.name) data-place=(place) value=(example)
                    required[parameter.place == Place::Path] autocomplete="off" autocapitalize="none"
                    spellcheck="false" aria-describedby=(hint);
            }
        }
    }
}

fn body_field(operation: &str, content: &Content) -> Markup {
    let id = format!("{operation}-body");
    html! {
        div.field {
            label for=(id) { "Body " span.place { (content.media_type) } }
            textarea id=(id) rows="7" wrap="off" spellcheck="false" data-type=(content.media_type) { (plain(&content.example)) }
        }
    }
}

/// The request as curl makes it, with the token from the environment; the script puts in what is typed.
fn curl(operation: &Operation) -> String {
    let token = match operation.token {
        TokenKind::Data => "$DATA_TOKEN",
        TokenKind::Action => "$ACTION_TOKEN",
    };
    let mut path = operation.path.to_owned();
    let mut query = String::new();
    for parameter in &operation.parameters {
        let Some(example) = parameter.example.as_ref().map(plain) else { continue };
        match parameter.place {
            Place::Path => path = path.replace(&format!("{{{}}}", parameter.name), &example),
            Place::Query => query = format!("?{}={example}", parameter.name),
            Place::Header | Place::ClientHeader => {}
        }
    }
    let body = match operation.body.first() {
        Some(_) => " --data-binary @events.ndjson",
        None => "",
    };
    format!(
        "curl --cacert cert.pem -u \"acme:{token}\" 'https://localhost:8443{path}{query}'{body}"
    )
}

fn replies(replies: &[Reply]) -> Markup {
    html! {
        dl.replies {
            @for reply in replies {
                dt { (reply.code) }
                dd {
                    p { (marked(reply.about)) }
                    @if !reply.headers.is_empty() {
                        p.hint { "Headers: " @for (place, name) in reply.headers.iter().enumerate() {
                            @if place > 0 { ", " } code { (name) }
                        } }
                    }
                    @for content in &reply.contents {
                        p.hint { code { (content.media_type) } }
                        pre tabindex="0" role="group" aria-label={ "Example: " (reply.code) ", " (content.media_type) } {
                            code { (pretty(&content.example)) }
                        }
                    }
                }
            }
        }
    }
}

/// Text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// JSON over several lines, text as it is.
fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// Words between backticks are code.
fn marked(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A path may break after each slash.
fn broken(path: &str) -> Markup {
    html! { @for part in path.split_inclusive('/') { (part) wbr; } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_form_and_its_curl_line() {
        let operations = openapi::operations();
        let page = middle(&operations).into_string();
        for operation in &operations {
            assert!(page.contains(&format!("id=\"{}\"", operation.id)), "{}", operation.id);
        }
        let of = |id: &str| curl(operations.iter().find(|operation| operation.id == id).unwrap());
        assert_eq!(
            of("readAgentIn"),
            "curl --cacert cert.pem -u \"acme:$DATA_TOKEN\" \
             'https://localhost:8443/api/rtstats/stats/agent/ann.json'"
        );
        assert!(of("readState").ends_with("/api/rtstats/state?source=pbx-1'"));
        assert!(of("sendEvents").ends_with("/api/rtstats/events' --data-binary @events.ndjson"));
    }

    #[test]
    fn what_is_told_is_escaped_and_code_is_marked() {
        assert_eq!(marked("a `b<c` & d").into_string(), "a <code>b&lt;c</code> &amp; d");
    }
}

//! As much of JSON Schema as the OpenAPI document uses: a keyword that is not known here fails the test.

use serde_json::{Map, Value};

/// Keywords that say nothing about which values are right, or only to whom reads them.
const ANNOTATIONS: &[&str] = &[
    "description",
    "xml",
    "format",
    "contentMediaType",
    "contentSchema",
    "discriminator",
    "x-unit",
    "then",
];

/// What of a value is not as the schema wants it.
pub fn violations(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Value::Object(keywords) = schema else { panic!("a schema is an object: {schema}") };
    for (keyword, wanted) in keywords {
        if ANNOTATIONS.contains(&keyword.as_str()) {
            continue;
        }
        found.extend(violated(document, keywords, keyword, wanted, value));
    }
    found
}

fn violated(
    document: &Value,
    keywords: &Map<String, Value>,
    keyword: &str,
    wanted: &Value,
    value: &Value,
) -> Vec<String> {
    let holds = |schema: &Value| violations(document, schema, value).is_empty();
    let told =
        |ok: bool| if ok { Vec::new() } else { vec![format!("{keyword} {wanted}: {value}")] };
    let text_len = || value.as_str().map(|text| text.chars().count() as u64);
    let array_len = || value.as_array().map(|array| array.len() as u64);
    match keyword {
        "$ref" => {
            let pointer = wanted.as_str().unwrap().trim_start_matches('#');
            violations(document, document.pointer(pointer).unwrap(), value)
        }
        "type" => match wanted {
            Value::Array(any) => told(any.iter().any(|kind| is_of(kind, value))),
            kind => told(is_of(kind, value)),
        },
        "enum" => told(wanted.as_array().unwrap().contains(value)),
        "const" => told(wanted == value),
        "minimum" => told(!value.is_number() || number(value) >= number(wanted)),
        "maximum" => told(!value.is_number() || number(value) <= number(wanted)),
        "minLength" => told(text_len().is_none_or(|len| len >= wanted.as_u64().unwrap())),
        "maxLength" => told(text_len().is_none_or(|len| len <= wanted.as_u64().unwrap())),
        "minItems" => told(array_len().is_none_or(|len| len >= wanted.as_u64().unwrap())),
        "maxItems" => told(array_len().is_none_or(|len| len <= wanted.as_u64().unwrap())),
        "pattern" => {
            let pattern = regex_lite::Regex::new(wanted.as_str().unwrap()).unwrap();
            told(value.as_str().is_none_or(|text| pattern.is_match(text)))
        }
        "required" => told(missing(wanted, value).is_empty()),
        "dependentRequired" => {
            let rules = wanted.as_object().unwrap().iter();
            let given = rules.filter(|(name, _)| value.get(name).is_some());
            told(given.clone().all(|(_, needed)| missing(needed, value).is_empty()))
        }
        "properties" => {
            let properties = wanted.as_object().unwrap().iter();
            let given =
                properties.filter_map(|(name, schema)| Some((name, schema, value.get(name)?)));
            given
                .flat_map(|(name, schema, held)| {
                    let inner = violations(document, schema, held);
                    inner.into_iter().map(move |inner| format!("{name}: {inner}"))
                })
                .collect()
        }
        "additionalProperties" => {
            let known = keywords.get("properties").and_then(Value::as_object);
            let object = value.as_object().into_iter().flatten();
            let others =
                object.filter(|(name, _)| !known.is_some_and(|known| known.contains_key(*name)));
            others.flat_map(|(_, held)| violations(document, wanted, held)).collect()
        }
        "items" => {
            let items = value.as_array().into_iter().flatten();
            items.flat_map(|item| violations(document, wanted, item)).collect()
        }
        "oneOf" => {
            told(wanted.as_array().unwrap().iter().filter(|schema| holds(schema)).count() == 1)
        }
        "anyOf" => told(wanted.as_array().unwrap().iter().any(holds)),
        "if" if holds(wanted) => violations(document, &keywords["then"], value),
        "if" => Vec::new(),
        unknown => panic!("the keyword `{unknown}` is not known here"),
    }
}

fn missing<'n>(names: &'n Value, value: &Value) -> Vec<&'n str> {
    let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    names.filter(|name| value.is_object() && value.get(name).is_none()).collect()
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the type `{other}` is not known here"),
    }
}

fn number(value: &Value) -> i128 {
    let whole = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    whole.unwrap_or_else(|| value.as_f64().unwrap() as i128)
}

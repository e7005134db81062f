//! Rust source with its comments and texts blanked out, so that rules see code alone.
//!
//! Not a parser: it knows where comments, string and character literals begin and end, and nothing else.
//! Lines keep their numbers.

/// The code of a file: comments and the insides of literals are spaces.
pub fn code(text: &str) -> String {
    split(text).0
}

/// The plain `//` comments of a file (not the doc comments), as line number and text.
pub fn line_comments(text: &str) -> Vec<(usize, String)> {
    split(text).1
}

fn split(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut comments = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at..] {
            ['/', '/', ..] => {
                let end = end_of_line(&chars, at);
                let comment: String = chars[at..end].iter().collect();
                if !comment.starts_with("///") && !comment.starts_with("//!") {
                    comments.push((line, comment[2..].trim().to_owned()));
                }
                end
            }
            ['/', '*', ..] => end_of_block(&chars, at),
            ['"', ..] => end_of_text(&chars, at),
            ['r', '"' | '#', ..] if !follows_a_word(&chars, at) => end_of_raw_text(&chars, at),
            ['b', 'r', '"' | '#', ..] if !follows_a_word(&chars, at) => {
                end_of_raw_text(&chars, at + 1)
            }
            ['\'', ..] => end_of_character(&chars, at),
            _ => at,
        };
        if end == at {
            line += usize::from(chars[at] == '\n');
            code.push(chars[at]);
            at += 1;
        } else {
            for &c in &chars[at..end] {
                line += usize::from(c == '\n');
                code.push(if c == '\n' { '\n' } else { ' ' });
            }
            at = end;
        }
    }
    (code, comments)
}

fn follows_a_word(chars: &[char], at: usize) -> bool {
    at > 0 && is_word(chars[at - 1])
}

/// Whether a character can stand in an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn end_of_line(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|&c| c == '\n').map_or(chars.len(), |length| at + length)
}

/// The end of a block comment; they nest.
fn end_of_block(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match chars[at..] {
            ['/', '*', ..] => {
                depth += 1;
                at += 2;
            }
            ['*', '/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn end_of_text(chars: &[char], at: usize) -> usize {
    let mut at = at + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of `r"…"`, `r#"…"#`; `at` itself where it is a raw identifier.
fn end_of_raw_text(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return at;
    }
    let mut end: Vec<char> = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    let inside = &chars[open + 1..];
    let length = inside.windows(end.len()).position(|window| window == end);
    length.map_or(chars.len(), |length| open + 1 + length + end.len())
}

/// The end of `'a'` or `'\n'`; `at` itself where it is a lifetime.
fn end_of_character(chars: &[char], at: usize) -> usize {
    match chars[at + 1..] {
        ['\\', _, ref rest @ ..] => {
            let length = rest.iter().position(|&c| c == '\'');
            length.map_or(chars.len(), |length| at + 3 + length + 1)
        }
        [_, '\'', ..] => at + 3,
        _ => at,
    }
}

/// The number of the line that holds this byte.
pub fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte].iter().filter(|&&b| b == b'\n').count() + 1
}

/// Where `word` stands as a whole word (or path) in `text`, in bytes.
pub fn find_word(text: &str, word: &str) -> Vec<usize> {
    let found = text.match_indices(word).filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    });
    found.map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(code(text), expect);
    }

    #[test]
    fn comments_and_literals_become_spaces() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("f(\"x // y\") // z", "f(        )     ");
        check("f(r#\"a\"b\"#, 'x')", "f(        ,    )");
        check("\"a\\\"b\" c", "       c");
        check("'\\'' c '\\u{1F600}' d", "     c             d");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_stay() {
        check("fn f<'a>(r#type: &'a str)", "fn f<'a>(r#type: &'a str)");
    }

    #[test]
    fn lines_keep_their_numbers() {
        check("\"a\nb\"\nc", "  \n  \nc");
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }

    #[test]
    fn doc_comments_are_no_plain_comments() {
        let found = line_comments("//! a\n/// b\n// c\nd // e\n\"// f\"");
        assert_eq!(found, [(3, "c".to_owned()), (4, "e".to_owned())]);
    }

    #[test]
    fn a_word_is_found_whole() {
        assert_eq!(find_word("std::fs std::fsx xstd::fs", "std::fs"), [0]);
    }
}

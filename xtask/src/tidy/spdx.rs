//! SPDX license expressions: `(MIT OR Apache-2.0) AND Unicode-3.0`, `Apache-2.0 WITH LLVM-exception`.
//!
//! `AND` binds tighter than `OR`. What cargo took of old is read too: `MIT/Apache-2.0` is `OR`, `GPL-2.0+` is any version
//! from that one on. Names are told apart by what is written, not looked up in SPDX's list: who allows a license writes
//! its name as its authors do.

/// Whether whoever may use the allowed licenses may use what is under this expression; or why it can't be read.
///
/// A license with an exception is another license than without: it is asked for as `Apache-2.0 WITH LLVM-exception`.
pub fn is_satisfied(expression: &str, allowed: impl Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { left: spaced.split_whitespace().collect(), allowed: &allowed };
    // From the end, so that the next word is the last of the list.
    words.left.reverse();
    let satisfied = words.any()?;
    match words.left.pop() {
        None => Ok(satisfied),
        Some(word) => Err(format!("`{word}` stands where AND or OR should")),
    }
}

struct Words<'a> {
    left: Vec<&'a str>,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Words<'a> {
    /// One of some, by `OR`.
    fn any(&mut self) -> Result<bool, String> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Ok(satisfied)
    }

    /// Each of some, by `AND`.
    fn all(&mut self) -> Result<bool, String> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Ok(satisfied)
    }

    /// A license, or an expression in parentheses.
    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let satisfied = self.any()?;
            return if self.take(")") { Ok(satisfied) } else { Err("a `)` is missing".to_owned()) };
        }
        let license = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            return Ok((self.allowed)(&format!("{license} WITH {exception}")));
        }
        Ok((self.allowed)(license.strip_suffix('+').unwrap_or(license)))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let word = self.left.pop().ok_or("a license is missing at the end")?;
        let named = word.chars().all(|c| c.is_ascii_alphanumeric() || "-.+:".contains(c));
        if named && !["AND", "OR", "WITH"].contains(&word) {
            return Ok(word);
        }
        Err(format!("`{word}` stands where a license should"))
    }

    fn take(&mut self, word: &str) -> bool {
        self.left.pop_if(|next| *next == word).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(expression: &str, expect: bool) {
        let allowed = ["MIT", "ISC", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];
        assert_eq!(is_satisfied(expression, |name| allowed.contains(&name)), Ok(expect));
    }

    #[test]
    fn one_of_some_or_each_of_some_is_to_be_allowed() {
        check("MIT", true);
        check("GPL-3.0-only", false);
        check("GPL-3.0-only OR MIT", true);
        check("GPL-3.0-only AND MIT", false);
        check("MIT AND ISC", true);
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_tighter_still() {
        check("MIT OR ISC AND GPL-3.0-only", true);
        check("GPL-3.0-only AND ISC OR MIT", true);
        check("(MIT OR ISC) AND GPL-3.0-only", false);
        check("((MIT))AND(ISC OR(GPL-3.0-only))", true);
    }

    #[test]
    fn a_license_with_an_exception_is_another_one() {
        check("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true);
        check("MIT WITH LLVM-exception", false);
        check("Apache-2.0 WITH Classpath-exception-2.0", false);
    }

    #[test]
    fn what_cargo_took_of_old_is_read() {
        check("MIT/GPL-3.0", true);
        check("GPL-2.0 / GPL-3.0", false);
        check("Apache-2.0+", true);
        check("GPL-2.0+", false);
    }

    #[test]
    fn what_is_no_expression_is_told() {
        let told = |expression: &str| is_satisfied(expression, |_| true).expect_err(expression);
        assert_eq!(told(""), "a license is missing at the end");
        assert_eq!(told("MIT OR"), "a license is missing at the end");
        assert_eq!(told("MIT ISC"), "`ISC` stands where AND or OR should");
        assert_eq!(told("(MIT"), "a `)` is missing");
        assert_eq!(told("MIT)"), "`)` stands where AND or OR should");
        assert_eq!(told("MIT AND OR ISC"), "`OR` stands where a license should");
        assert_eq!(told("see LICENSE, please"), "`LICENSE,` stands where AND or OR should");
    }

    /// An expression, and whether `yes` satisfies it.
    fn expressions() -> impl Strategy<Value = (String, bool)> {
        let license = any::<bool>().prop_map(|yes| ((if yes { "yes" } else { "no" }).into(), yes));
        license.prop_recursive(6, 40, 3, |part| {
            let each = proptest::collection::vec(part, 1..4);
            (each, any::<bool>()).prop_map(|(parts, and): (Vec<(String, bool)>, bool)| {
                let (texts, values): (Vec<String>, Vec<bool>) = parts.into_iter().unzip();
                let text = texts.join(if and { " AND " } else { " OR " });
                let value = if and { !values.contains(&false) } else { values.contains(&true) };
                (format!("({text})"), value)
            })
        })
    }

    proptest! {
        #[test]
        fn an_expression_is_what_its_parts_make_it((text, value) in expressions()) {
            prop_assert_eq!(is_satisfied(&text, |name| name == "yes"), Ok(value));
        }

        #[test]
        fn no_text_panics(text in "([()/+ ]|AND|OR|WITH|MIT|.){0,40}") {
            let _ = is_satisfied(&text, |name| name == "MIT");
        }
    }
}

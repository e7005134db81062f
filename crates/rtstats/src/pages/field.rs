//! A field of a form with its label, its hint, and what is wrong with it beside it.

use maud::{Markup, Render, html};

use super::form::Form;

/// One choice of a list: the value and what is shown.
pub type Choice = (String, String);

/// A field that knows how to show itself; made by [`Form::field`].
pub struct Field<'f> {
    form: &'f Form,
    name: &'static str,
    label: &'f str,
    kind: &'static str,
    hint: Option<&'f str>,
    autocomplete: &'static str,
    required: bool,
    from_fragment: bool,
    choices: &'f [Choice],
    suggestions: Option<(&'f str, &'f [String])>,
}

impl Form {
    /// A field of one line.
    pub fn field<'f>(&'f self, name: &'static str, label: &'f str) -> Field<'f> {
        Field {
            form: self,
            name,
            label,
            kind: "text",
            hint: None,
            autocomplete: "off",
            required: false,
            from_fragment: false,
            choices: &[],
            suggestions: None,
        }
    }

    /// What is wrong, at the head of the form, each with a link to its field.
    pub fn summary(&self) -> Markup {
        html! {
            @if !self.is_right() {
                div.notice.failed #mistakes role="alert" tabindex="-1" data-focus {
                    h2 { "Please check the form" }
                    ul {
                        @for (name, what) in self.mistakes() {
                            li { a href={ "#field-" (name) } { (what) } }
                        }
                    }
                }
            }
        }
    }

    fn mistake(&self, name: &str) -> Option<&str> {
        self.mistakes().find(|(own, _)| *own == name).map(|(_, what)| what)
    }
}

impl<'f> Field<'f> {
    /// What to write into it.
    pub fn hint(self, hint: &'f str) -> Field<'f> {
        Field { hint: Some(hint), ..self }
    }

    /// It must be filled in.
    pub fn required(self) -> Field<'f> {
        Field { required: true, ..self }
    }

    /// `text`, `number`, `password`, `search`, `file`.
    pub fn kind(self, kind: &'static str) -> Field<'f> {
        Field { kind, ..self }
    }

    /// What browsers and password managers fill in, by HTML's words for it.
    pub fn autocomplete(self, autocomplete: &'static str) -> Field<'f> {
        Field { autocomplete, ..self }
    }

    /// A list of choices instead of a line.
    pub fn choices(self, choices: &'f [Choice]) -> Field<'f> {
        Field { choices, kind: "select", ..self }
    }

    /// Values that are proposed while one writes; the list's id in the page comes first.
    pub fn suggestions(self, id: &'f str, values: &'f [String]) -> Field<'f> {
        Field { suggestions: Some((id, values)), ..self }
    }

    /// A tick box.
    pub fn tick(self) -> Field<'f> {
        Field { kind: "checkbox", ..self }
    }

    /// A script fills in what the page's address has after `#`, and takes it out of the address.
    pub(super) fn filled_from_fragment(self) -> Field<'f> {
        Field { from_fragment: true, ..self }
    }

    fn control(&self, id: &str, described: Option<&str>, invalid: Option<&str>) -> Markup {
        let value =
            (self.kind != "password" && self.kind != "file").then(|| self.form.text(self.name));
        html! {
            @match self.kind {
                "select" => select id=(id) name=(self.name) required[self.required]
                    aria-describedby=[described] aria-invalid=[invalid] {
                    @for (choice, shown) in self.choices {
                        option value=(choice) selected[self.form.text(self.name) == choice] { (shown) }
                    }
                },
                "checkbox" => input id=(id) name=(self.name) type="checkbox" value="yes" required[self.required]
                    checked[self.form.is_checked(self.name)] aria-describedby=[described] aria-invalid=[invalid];,
                kind => {
                    input id=(id) name=(self.name) type=(kind) value=[value] required[self.required]
                    autocomplete=(self.autocomplete) autocapitalize="none" spellcheck="false"
                    aria-describedby=[described] aria-invalid=[invalid]
                    data-from-fragment[self.from_fragment] list=[self.suggestions.map(|(id, _)| id)];
                    @if let Some((id, values)) = self.suggestions {
                        datalist id=(id) { @for value in values { option value=(value) {} } }
                    }
                },
            }
        }
    }
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let id = format!("field-{}", self.name);
        let (hint_id, wrong_id) = (format!("{id}-hint"), format!("{id}-wrong"));
        let mistake = self.form.mistake(self.name);
        let ids = [self.hint.map(|_| hint_id.as_str()), mistake.map(|_| wrong_id.as_str())];
        let described: Vec<&str> = ids.into_iter().flatten().collect();
        let described = described.join(" ");
        let described = (!described.is_empty()).then_some(described.as_str());
        let control = self.control(&id, described, mistake.map(|_| "true"));
        let tick = self.kind == "checkbox";
        html! {
            div.field.tick[tick].wrong[mistake.is_some()] {
                @if tick { (control) }
                label for=(id) { (self.label) }
                @if let Some(hint) = self.hint { p.hint id=(hint_id) { (hint) } }
                @if let Some(mistake) = mistake { p.mistake id=(wrong_id) { (mistake) } }
                @if !tick { (control) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_tied_to_its_label_its_hint_and_its_mistake() {
        let mut form = Form::of([("login", "<b>".to_owned())]);
        form.wrong("login", "Take another.");
        let shown = form.field("login", "Login").hint("Short").required().render().into_string();
        for expected in [
            r#"<label for="field-login">Login</label>"#,
            r#"id="field-login""#,
            r#"aria-describedby="field-login-hint field-login-wrong""#,
            r#"aria-invalid="true""#,
            r#"value="&lt;b&gt;""#,
            "Take another.",
        ] {
            assert!(shown.contains(expected), "{expected} in {shown}");
        }
        assert!(form.summary().into_string().contains(r##"href="#field-login""##));
    }

    #[test]
    fn a_password_is_never_shown_again() {
        let form = Form::of([("password", "secret".to_owned())]);
        let shown = form.field("password", "Password").kind("password").render().into_string();
        assert!(!shown.contains("secret"));
    }
}

//! Long lists in pages.

use maud::{Markup, Render, html};

use super::Asked;

/// Entries of one page.
const LEN_EACH: u64 = 50;

/// Pages at most that an address may ask for.
const PAGE_MAX: u64 = 1_000_000;

/// Where in a long list a page is; it shows itself as links to the pages round it.
pub struct Paging {
    /// From 1.
    page: u64,
    len: u64,
    path: String,
    /// What else the query holds, ready for an address.
    kept: String,
}

impl Paging {
    /// The page that `?page=N` asks for.
    pub fn of(asked: &Asked<'_>) -> Paging {
        let page = asked.query("page").and_then(|page| page.parse().ok());
        Paging::new(asked.path(), page.unwrap_or(1))
    }

    fn new(path: &str, page: u64) -> Paging {
        let page = page.clamp(1, PAGE_MAX);
        Paging { page, len: 0, path: path.to_owned(), kept: String::new() }
    }

    /// Another value of the query that the links keep; in letters, digits, `-` and `_`.
    pub fn keeping(mut self, name: &str, value: &str) -> Paging {
        self.kept = format!("{}{name}={value}&", self.kept);
        self
    }

    /// Entries before this page.
    pub fn skip(&self) -> u64 {
        (self.page - 1) * LEN_EACH
    }

    /// Entries of this page at most.
    pub fn len_max(&self) -> u64 {
        LEN_EACH
    }

    /// How many entries there are in all.
    pub fn with_len(self, len: u64) -> Paging {
        Paging { len, ..self }
    }

    fn last(&self) -> u64 {
        self.len.div_ceil(LEN_EACH).max(1)
    }
}

impl Render for Paging {
    fn render(&self) -> Markup {
        let to = |page: u64| format!("{}?{}page={page}", self.path, self.kept);
        let (page, last) = (self.page, self.last());
        html! {
            @if last > 1 || page > 1 {
                nav.paging aria-label="Pages" {
                    @if page > 1 { a.button rel="prev" href=(to((page - 1).min(last))) { "Previous" } }
                    span { "Page " (page) " of " (last) }
                    @if page < last { a.button rel="next" href=(to(page + 1)) { "Next" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_lead_to_the_pages_round_it() {
        let shown = |page, len| {
            let paging = Paging::new("/list", page).keeping("tenant", "acme").with_len(len);
            (paging.skip(), paging.render().into_string())
        };
        assert_eq!(shown(1, 50), (0, String::new()));
        let (skip, middle) = shown(2, 101);
        assert_eq!(skip, 50);
        assert!(middle.contains("/list?tenant=acme&amp;page=1"), "{middle}");
        assert!(middle.contains("/list?tenant=acme&amp;page=3"), "{middle}");
        assert!(!shown(3, 101).1.contains("page=4"));
        assert!(shown(99, 101).1.contains("page=3"));
    }
}

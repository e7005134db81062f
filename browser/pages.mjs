// The pages of which `cargo xtask screenshots` makes pictures: one line each, extended by whoever adds a page.
//
// `name` is the picture's; `path` is opened in the demo; `width` and `height` (1280 × 800), `theme` (`light`) and whatever
// else the fixture's `page` takes may be given; `signedIn: true` gives the Data Request Token where the browser is asked
// for credentials; `prepare(page, tenant)` brings the page to what is to be seen.

export const PAGES = [];

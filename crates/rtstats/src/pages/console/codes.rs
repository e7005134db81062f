//! Status codes: lists, and the items from which agents choose why they are on a break or work offline.

use maud::{Markup, html};
use stats::{event::Base, limit};

use super::{
    Turn, base, encoded, hidden, page,
    queues::{named, still_holds},
    roster::{Codes, Item, Roster, Told},
    status,
};
use crate::{
    accounts::Deed,
    pages::{Asked, Form, Shown, Stop},
    tenants::Tenant,
};

/// Empty rows below the items that there are.
const SPARE_ROWS: usize = 5;

/// Rows of a form at most, and bytes of them: longer lists are shown, and their items changed by events.
const ROWS_MAX: usize = 500;
const ROWS_BYTES_MAX: usize = 48 * 1_024;

/// All code lists.
pub async fn list(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let roster = super::roster(asked, tenant).await?;
    let base = base(tenant);
    let middle = html! {
        p.lead { "Codes say why an agent is on a break or works offline. Agents choose them in their profile." }
        p.actions { a.button.primary href={ (base) "/codes/new" } { "New list" } }
        @if roster.codes.is_empty() {
            p.empty { "There are no status codes yet. Make a list, such as “Breaks” with lunch, coffee and training." }
        } @else {
            div.table tabindex="0" role="region" aria-label="Status code lists" {
                table {
                    thead { tr { th.number scope="col" { "List id" } th scope="col" { "Name" } th scope="col" { "Items" } } }
                    tbody {
                        @for (number, codes) in &roster.codes {
                            tr {
                                td.number { (number) }
                                th scope="row" { a href={ (base) "/code/" (number) } { (codes.name) } }
                                td { @for item in &codes.items { span.mark.plain title=(item.name) { (item.short_code) } " " } }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(page(asked, tenant, "Status Codes", "/codes").show(asked, middle))
}

/// A new list, or one that there is.
pub async fn edit(
    asked: &mut Asked<'_>,
    tenant: &Tenant,
    number: Option<&str>,
    post: bool,
) -> Shown {
    let of = |roster: &Roster| match number {
        None => Ok::<_, Stop>(None),
        Some(number) => {
            let number: i64 = number.parse().map_err(|_| Stop::NotFound)?;
            Ok(Some((number, roster.codes.get(&number).ok_or(Stop::NotFound)?.clone())))
        }
    };
    if !post {
        let roster = super::roster(asked, tenant).await?;
        let now = of(&roster)?;
        let (form, rows) = match &now {
            None => (Form::of([("list", roster.next_codes().to_string())]), Vec::new()),
            Some((_, codes)) => (Form::of([("name", codes.name.clone())]), rows(codes)),
        };
        return Ok(show(asked, tenant, now.as_ref(), &form, &rows));
    }
    let mut form = asked.form().await?;
    let turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let roster = super::roster(asked, tenant).await?;
    let now = of(&roster)?;
    let number = match &now {
        Some((number, codes)) => {
            still_holds(
                &mut form,
                "name",
                codes,
                &format!("“{}” with {} items", codes.name, codes.items.len()),
            );
            Some(*number)
        }
        None => {
            let number = form.number("list", i64::from(i32::MIN), i64::from(i32::MAX));
            if let Some(taken) = number.and_then(|number| roster.codes.get(&number)) {
                form.wrong(
                    "list",
                    format!("The list “{}” has this number already. Take another one.", taken.name),
                );
            }
            number
        }
    };
    let name = named(&mut form);
    let (rows, items) = taken(&mut form, now.as_ref().map(|(_, codes)| codes));
    let (Some(number), Some(name), true) = (number, name, form.is_right()) else {
        return Ok(show(asked, tenant, now.as_ref(), &form, &rows));
    };
    let codes = Codes { name, items };
    let deed =
        asked.caller().deed(asked.now_ms, Some(tenant.id), "codes.configured", &number.to_string());
    let before = now.map(|(_, codes)| codes.told());
    let deed = Deed { before, after: Some(codes.told()), ..deed };
    turn.submit(asked, tenant, roster.seq, &[codes.configured(number)], vec![deed]).await?;
    Ok(turn.done(asked, &format!("{}/code/{number}", base(tenant)), "The list is saved."))
}

/// A row of the form as it is written there: number, short code, name, status.
type Row = [String; 4];

/// The names of a row's fields.
const COLUMNS: [&str; 4] = ["item", "short", "called", "for"];

fn rows(codes: &Codes) -> Vec<Row> {
    let row = |item: &Item| {
        [item.item.to_string(), item.short_code.clone(), item.name.clone(), item.status.to_owned()]
    };
    codes.items.iter().map(row).collect()
}

/// Whether a form has room for all items of a list.
fn is_editable(codes: &Codes) -> bool {
    // Beside the texts a row has its fields' names, its number and its status.
    let bytes = |item: &Item| 64 + encoded(&item.short_code).len() + encoded(&item.name).len();
    codes.items.len() <= ROWS_MAX && codes.items.iter().map(bytes).sum::<usize>() <= ROWS_BYTES_MAX
}

/// The rows and the items that a form makes of a list.
fn taken(form: &mut Form, now: Option<&Codes>) -> (Vec<Row>, Vec<Item>) {
    if let Some(codes) = now.filter(|codes| !is_editable(codes)) {
        // Their rows are not in the form.
        return (Vec::new(), codes.items.clone());
    }
    let rows = sent(form);
    let items = items(&rows, form);
    (rows, items)
}

fn sent(form: &Form) -> Vec<Row> {
    let mut columns = COLUMNS.map(|column| form.all(column));
    let mut rows = Vec::new();
    while let [Some(item), Some(short), Some(called), Some(of)] =
        columns.each_mut().map(Iterator::next)
    {
        rows.push([item, short, called, of].map(|value| value.trim().to_owned()));
    }
    // An empty row is none: that is how an item is taken away.
    rows.retain(|row| row[..3].iter().any(|value| !value.is_empty()));
    rows
}

/// The items that the rows make up; what is wrong is noted with the row's number.
fn items(rows: &[Row], form: &mut Form) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    if rows.len() > ROWS_MAX {
        let what =
            format!("A list has at most {ROWS_MAX} items here. Send the whole list as an event.");
        form.wrong("items", what);
    }
    for (row, [number, short, called, of]) in (1..).zip(rows) {
        let long = [short, called].iter().any(|text| text.chars().count() > limit::NAME_CHARS_MAX);
        let status =
            Base::of_word(of).filter(|base| matches!(base, Base::OnBreak | Base::WorkOffline));
        let (Ok(item), Some(status), false) =
            (number.parse::<i64>(), status, long || called.is_empty())
        else {
            form.wrong("items", format!("Item {row}: give a whole number, a name and a status."));
            continue;
        };
        if items.iter().any(|known| known.item == item) {
            form.wrong("items", format!("Item {row}: the number {item} stands there twice."));
        }
        items.push(Item {
            item,
            short_code: short.clone(),
            name: called.clone(),
            status: status.word(),
        });
    }
    items.sort_by_key(|item| item.item);
    items
}

fn show(
    asked: &Asked<'_>,
    tenant: &Tenant,
    now: Option<&(i64, Codes)>,
    form: &Form,
    rows: &[Row],
) -> crate::api::answer::Answer {
    let base = base(tenant);
    let path = match now {
        None => format!("{base}/codes/new"),
        Some((number, _)) => format!("{base}/code/{number}"),
    };
    let middle = html! {
        (form.summary())
        form.card method="post" action=(path) novalidate {
            (hidden(asked))
            @match now {
                None => (form.field("list", "List id").kind("number").required()
                    .hint("By which the API and event senders name the list. It can't be changed later.")),
                Some((number, codes)) => {
                    input type="hidden" name="version" value=(codes.version());
                    dl.facts { dt { "List id" } dd { code { (number) } } }
                },
            }
            (form.field("name", "Name").required())
            h2 #field-items tabindex="-1" { "Items" }
            @let long = now.filter(|(_, codes)| !is_editable(codes));
            @match long {
                Some((_, codes)) => {
                    p.notice { "These " (codes.items.len()) " items are more than a form holds. They stay as they are; to \
                        change them, send the whole list as an event " code { "codes.configured" } "." }
                    (table(&html! { tbody { @for item in &codes.items { (fixed_row(item)) } } }))
                }
                None => {
                    p.hint { "The short code is what documents show. Empty a row to take its item away." }
                    (table(&item_rows(rows)))
                }
            }
            p.actions {
                button.primary { "Save" }
                @if long.is_none() { button type="button" data-add-row="" hidden { "One row more" } }
                a.button href={ (base) "/codes" } { "Cancel" }
            }
        }
        @if now.is_some() {
            p.hint { "A list can't be removed, since the API has no event for that. A list without items offers nothing." }
        }
    };
    let title = now.map_or("New list of status codes", |(_, codes)| codes.name.as_str());
    let page = page(asked, tenant, title, "/codes").below("Status Codes", format!("{base}/codes"));
    page.status(status(form)).show(asked, middle)
}

fn table(body: &Markup) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label="Items" {
            table.grid {
                thead { tr { th scope="col" { "Item id" } th scope="col" { "Short code" } th scope="col" { "Name" }
                    th scope="col" { "Status" } } }
                (body)
            }
        }
    }
}

fn item_rows(rows: &[Row]) -> Markup {
    let blank = Row::default();
    let spare = std::iter::repeat_n(&blank, SPARE_ROWS.min(ROWS_MAX.saturating_sub(rows.len())));
    html! {
        tbody data-rows="" { @for (place, row) in (1..).zip(rows.iter().chain(spare)) { (item_row(place, row)) } }
    }
}

fn fixed_row(item: &Item) -> Markup {
    html! {
        tr { td { (item.item) } td { (item.short_code) } td { (item.name) }
            td { @if item.status == "work-offline" { "Work offline" } @else { "On break" } } }
    }
}

fn item_row(place: usize, row: &Row) -> Markup {
    let labels = ["Item id", "Short code", "Name"];
    let id = |column: &str| format!("{column}-{place}");
    html! {
        tr {
            @for ((column, label), value) in COLUMNS.iter().zip(labels).zip(row) {
                td {
                    label for=(id(column)) { span.unseen { (label) " of item " (place) } }
                    input id=(id(column)) name=(column) type="text" value=(value) autocomplete="off" spellcheck="false"
                        inputmode=[(*column == "item").then_some("numeric")];
                }
            }
            td {
                label for=(id("for")) { span.unseen { "Status of item " (place) } }
                select id=(id("for")) name="for" {
                    option value="on-break" { "On break" }
                    option value="work-offline" selected[row[3] == "work-offline"] { "Work offline" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: [&str; 4]) -> Row {
        values.map(str::to_owned)
    }

    #[test]
    fn rows_are_read_back_as_items_in_order() {
        let mut form = Form::default();
        let rows =
            [row(["3", "COF", "Coffee", "on-break"]), row(["1", "", "Papers", "work-offline"])];
        let read = items(&rows, &mut form);
        assert!(form.is_right());
        let told: Vec<_> = read.iter().map(|item| (item.item, &*item.name, item.status)).collect();
        assert_eq!(told, [(1, "Papers", "work-offline"), (3, "Coffee", "on-break")]);
    }

    #[test]
    fn what_is_wrong_is_told_by_row() {
        let mut form = Form::default();
        let rows = [
            row(["1", "A", "One", "on-break"]),
            row(["1", "B", "Two", "on-break"]),
            row(["x", "C", "Three", "on-break"]),
            row(["4", "D", "", "on-break"]),
            row(["5", "E", "Five", "available"]),
        ];
        items(&rows, &mut form);
        let told: Vec<_> =
            form.mistakes().map(|(_, what)| what.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(told, ["Item 2", "Item 3", "Item 4", "Item 5"]);
    }

    #[test]
    fn empty_rows_are_none() {
        let pairs = [
            ("item", ""),
            ("short", ""),
            ("called", " "),
            ("for", "on-break"),
            ("item", "1"),
            ("short", "A"),
            ("called", "One"),
            ("for", "on-break"),
        ];
        let form = Form::of(pairs.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(sent(&form), [row(["1", "A", "One", "on-break"])]);
    }
}

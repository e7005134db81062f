//! What the numbers in the documents are called: groups, status code lists and their items; and whose days they tell of.

use std::sync::Arc;

use super::Engine;

/// The names of one tenant; by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The time zone whose days are counted.
    pub zone: Arc<str>,
    /// Groups.
    pub groups: Vec<(u32, Arc<str>)>,
    /// Status code lists.
    pub codes: Vec<CodeNames>,
}

/// The names of one status code list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeNames {
    /// Number of the list.
    pub list: i64,
    /// Its name.
    pub name: Arc<str>,
    /// Its items: number, short code, name.
    pub items: Vec<(i64, Arc<str>, Arc<str>)>,
}

impl Engine {
    /// The names in force: the same as before, at the same place, while none has changed.
    pub fn names(&mut self) -> Arc<Names> {
        let fold = &mut self.fold;
        if let Some(names) = &fold.index.names {
            return names.clone();
        }
        let groups = fold.groups.iter().map(|(group, name)| (*group, name.clone())).collect();
        let codes = fold.codes.iter().map(|(list, codes)| CodeNames {
            list: *list,
            name: codes.name.clone(),
            items: codes
                .items
                .iter()
                .map(|(item, code)| (*item, code.short_code.clone(), code.name.clone()))
                .collect(),
        });
        let names =
            Arc::new(Names { zone: self.zone.name().into(), groups, codes: codes.collect() });
        fold.index.names = Some(names.clone());
        names
    }
}

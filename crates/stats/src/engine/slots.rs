//! Numbered places for agents and queues.
//!
//! Window entries name a place by its number alone. A removed one's place is therefore reused only when no entry
//! within the window can name it any more.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::event::Millis;

/// Places, some of them taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
    retired: VecDeque<(Millis, u32)>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { places: Vec::new(), free: Vec::new(), retired: VecDeque::new() }
    }
}

impl<T> Slots<T> {
    /// Takes a place.
    pub fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.places[slot as usize] = Some(value);
            return slot;
        }
        self.places.push(Some(value));
        (self.places.len() - 1) as u32
    }

    /// Empties a place at `at`; it stays unused until `release` passes that instant.
    pub fn remove(&mut self, slot: u32, at: Millis) -> Option<T> {
        let value = self.places[slot as usize].take()?;
        self.retired.push_back((at, slot));
        Some(value)
    }

    /// Frees the places of what was removed at or before `w`.
    pub fn release(&mut self, w: Millis) {
        while let Some(&(at, slot)) = self.retired.front() {
            if at > w {
                break;
            }
            self.retired.pop_front();
            self.free.push(slot);
        }
    }

    /// What is at the place, if it is taken.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.places[slot as usize].as_mut()
    }

    /// All, with their places.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(slot, place)| Some((slot as u32, place.as_ref()?)))
    }

    /// All, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.places
            .iter_mut()
            .enumerate()
            .filter_map(|(slot, place)| Some((slot as u32, place.as_mut()?)))
    }

    /// Something of each, at the same place.
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> Slots<U> {
        let places = self.places.iter().map(|place| place.as_ref().map(&of)).collect();
        Slots { places, free: Vec::new(), retired: VecDeque::new() }
    }

    /// Places ever taken.
    pub fn len(&self) -> usize {
        self.places.len()
    }
}

impl<T> std::ops::Index<u32> for Slots<T> {
    type Output = T;
    fn index(&self, slot: u32) -> &T {
        self.places[slot as usize].as_ref().expect("live references name taken places only")
    }
}

impl<T> std::ops::IndexMut<u32> for Slots<T> {
    fn index_mut(&mut self, slot: u32) -> &mut T {
        self.places[slot as usize].as_mut().expect("live references name taken places only")
    }
}

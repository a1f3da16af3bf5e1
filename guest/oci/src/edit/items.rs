//! The items of an object or a list, with the text between them.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::EditError;

/// The four characters that JSON takes for white space (RFC 8259, section 2).
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// One item: a member of an object with its name, or an element of a list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The text between the comma or bracket before the item and its value: white space, and for a member also its
    /// name and the colon.
    pub lead: String,
    /// The value.
    pub value: Box<RawValue>,
    /// The white space between the value and the comma or bracket after it.
    trail: String,
}

/// The items between two brackets.
#[derive(Debug, Clone)]
pub(super) struct Items {
    /// The text up to the opening bracket, with it.
    open: String,
    /// The items.
    pub all: Vec<Item>,
    /// The text from the closing bracket on; if there are no items, also the white space before it.
    close: String,
}

impl Items {
    /// Returns no items between two brackets.
    pub fn none(open: char, close: char) -> Self {
        Self { open: open.into(), all: Vec::new(), close: close.into() }
    }

    /// Splits a text at the values that a reader has found in it, in order.
    pub fn split(text: &str, values: &[&RawValue]) -> Self {
        let start = text.len() - text.trim_start_matches(SPACE).len() + 1;
        let end = text.trim_end_matches(SPACE).len().saturating_sub(1);
        let (open, close) = (text[..start].to_owned(), text[end..].to_owned());
        let mut all: Vec<Item> = Vec::with_capacity(values.len());
        let mut done = start;
        for value in values {
            // The values borrow from the text.
            let at = value.get().as_ptr() as usize - text.as_ptr() as usize;
            let between = &text[done..at];
            let lead = match all.last_mut() {
                None => between,
                // Only white space precedes the separating comma, so the first comma is that one.
                Some(last) => {
                    let (trail, lead) = between.split_once(',').unwrap_or(("", between));
                    trail.clone_into(&mut last.trail);
                    lead
                }
            };
            all.push(Item { lead: lead.to_owned(), value: (*value).to_owned(), trail: String::new() });
            done = at + value.get().len();
        }
        let mut items = Self { open, all, close };
        match items.all.last_mut() {
            Some(last) => text[done..end].clone_into(&mut last.trail),
            None => items.close.insert_str(0, &text[done..end]),
        }
        items
    }

    /// Appends an item in the style of its neighbours, on a line of its own if they have one.
    pub fn push(&mut self, name: Option<&str>, value: &(impl Serialize + ?Sized)) -> Result<(), EditError> {
        let value = to_raw_value(value)?;
        let name = name.map(serde_json::to_string).transpose()?;
        let (space, after_colon, trail) = match self.all.last_mut() {
            Some(last) => {
                let rest = last.lead.trim_start_matches(SPACE);
                let space = &last.lead[..last.lead.len() - rest.len()];
                let after_colon = &last.lead[last.lead.trim_end_matches(SPACE).len()..];
                (space.to_owned(), after_colon.to_owned(), std::mem::take(&mut last.trail))
            }
            None => (String::new(), String::new(), String::new()),
        };
        let lead = match name {
            Some(name) => format!("{space}{name}:{after_colon}"),
            None => space,
        };
        self.all.push(Item { lead, value, trail });
        Ok(())
    }

    /// Removes the items for which a function returns false.
    pub fn retain(&mut self, mut keep: impl FnMut(&Item) -> bool) {
        let last = self.all.last().map(|last| last.trail.clone());
        self.all.retain(|item| keep(item));
        // The closing bracket keeps its white space.
        if let (Some(trail), Some(last)) = (last, self.all.last_mut()) {
            last.trail = trail;
        }
    }

    /// Returns the whole text.
    pub fn text(&self) -> String {
        let mut text = self.open.clone();
        for (place, item) in self.all.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            text.extend([&item.lead, item.value.get(), &item.trail]);
        }
        text.push_str(&self.close);
        text
    }

    /// Returns the text without the white space around it, as a value of another document.
    pub fn value(&self) -> Result<Box<RawValue>, serde_json::Error> {
        RawValue::from_string(self.text().trim_matches(SPACE).to_owned())
    }
}

impl Item {
    /// Replaces the value.
    pub fn replace(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), EditError> {
        self.value = to_raw_value(value)?;
        Ok(())
    }
}

//! The words of a text while it is read.

/// Words, and the one under way.
#[derive(Default)]
pub(super) struct Words {
    list: Vec<String>,
    word: String,
}

impl Words {
    /// Adds a character; a space ends the word. Only the outermost text has words.
    pub(super) fn add(&mut self, character: char, outer: bool) {
        if !outer {
            return;
        }
        if !character.is_whitespace() {
            self.word.push(character);
        } else if !self.word.is_empty() {
            self.list.push(std::mem::take(&mut self.word));
        }
    }

    /// Adds a text whose spaces end words.
    pub(super) fn split(&mut self, text: &str, outer: bool) {
        text.chars().for_each(|character| self.add(character, outer));
    }

    /// Adds a text to the word under way.
    pub(super) fn whole(&mut self, text: &str, outer: bool) {
        if outer {
            self.word.push_str(text);
        }
    }

    /// Returns all words.
    pub(super) fn end(mut self) -> Vec<String> {
        if !self.word.is_empty() {
            self.list.push(self.word);
        }
        self.list
    }
}

//! A tree as lines of text.

/// A node: its lines, and what is below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    lines: Vec<String>,
    children: Vec<Tree>,
}

impl Tree {
    /// Returns a node with one line.
    pub fn new(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], children: Vec::new() }
    }

    /// Adds a line to the node itself.
    pub fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Adds a node below.
    pub fn add(&mut self, child: Tree) {
        self.children.push(child);
    }

    /// Returns the lines, this node's own at the left edge.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.render("", "", &mut lines);
        lines
    }

    /// `first` stands before the node's first line, `rest` before every other one of it and of what is below it.
    fn render(&self, first: &str, rest: &str, into: &mut Vec<String>) {
        // Further lines of a node stand beside the trunk of its children.
        let trunk = if self.children.is_empty() { "   " } else { "│  " };
        for (place, line) in self.lines.iter().enumerate() {
            into.push(match place {
                0 => format!("{first}{line}"),
                _ => format!("{rest}{trunk}{line}"),
            });
        }
        for (place, child) in self.children.iter().enumerate() {
            let last = place + 1 == self.children.len();
            let (corner, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            child.render(&format!("{rest}{corner}"), &format!("{rest}{below}"), into);
        }
    }
}

/// Returns rows of cells with every column but the last as wide as its widest cell, two blanks apart.
pub fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_corners_and_trunks() {
        let mut leaf = Tree::new("leaf");
        leaf.line("more of it");
        let mut node = Tree::new("node");
        node.line("more of that");
        node.add(leaf.clone());
        node.add(Tree::new("last"));
        let mut root = Tree::new("root");
        root.add(node);
        root.add(leaf);
        let lines = [
            "root",
            "├─ node",
            "│  │  more of that",
            "│  ├─ leaf",
            "│  │     more of it",
            "│  └─ last",
            "└─ leaf",
            "      more of it",
        ];
        assert_eq!(root.lines(), lines);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "b", "c"], ["äöü", "", "c"], ["a", "b", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), ["a    b  c", "äöü     c", "a    b"]);
    }
}

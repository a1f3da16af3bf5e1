//! The contents of an image as text for people.

use refkit_images::frontend::entrypoint::Entrypoint;
use refkit_oci::Descriptor;
use refkit_report::units::Bytes;
use refkit_report::{Escaped, Tree, table};

use super::check::Checked;
use super::inspect::Inspection;
use super::shipped::ShippedPolicy;

/// Returns an image's name for a message.
pub fn name(image: &Checked) -> String {
    let platform = image.platform.as_ref().map(ToString::to_string);
    Escaped(platform.unwrap_or_else(|| image.manifest.digest.to_string())).to_string()
}

/// Returns the lines.
pub fn lines(pinned: &str, root: &Descriptor, images: &[Checked]) -> Vec<String> {
    let head = [("image", pinned), ("media type", &root.media_type)];
    let mut lines = table(&head.map(|(name, value)| [name.to_owned(), Escaped(value).to_string()]));
    for image in images {
        lines.push(String::new());
        lines.extend(tree(image).lines());
    }
    lines
}

fn tree(image: &Checked) -> Tree {
    let digest = &image.manifest.digest;
    let line = match image.platform {
        Some(_) => format!("{}  {digest}", name(image)),
        None => digest.to_string(),
    };
    let mut tree = Tree::new(line);
    match &image.inspection {
        Ok(found) => shipped(found).into_iter().for_each(|child| tree.add(child)),
        Err(entrypoint) => tree.add(words("runs", entrypoint)),
    }
    tree
}

fn shipped(found: &Inspection) -> Vec<Tree> {
    let mut children = Vec::new();
    if let Some(program) = &found.shipped.program {
        let version = program.version.as_ref().map(|version| format!("  {}", Escaped(version))).unwrap_or_default();
        let mut tree =
            Tree::new(format!("frontend  {}  {}{version}", program.digest, Bytes(program.bytes.len() as u64)));
        tree.line(format!("default policy: {}", found.default_code.text()));
        children.push(tree);
    }
    children.extend(found.policies.iter().map(policy));
    let Entrypoint { settings, grants, allowed, child, .. } = &found.shipped.entrypoint;
    let options = [("settings", settings), ("grants", grants), ("builds may bring policies by", allowed)];
    children.extend(options.iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| words(name, list)));
    children.push(words("runs", child));
    children.push(Tree::new(if found.shipped.network_none {
        "network  none"
    } else {
        "network  what BuildKit gives it"
    }));
    children
}

fn policy(shipped: &ShippedPolicy) -> Tree {
    let ShippedPolicy { listed, size, policy, code } = shipped;
    let who = format!("{} {}", listed.name, listed.version);
    let mut tree = Tree::new(format!("policy  {}  {}  {}", Escaped(who.trim_end()), listed.digest, Bytes(*size)));
    tree.line(Escaped(&listed.path).to_string());
    tree.line(match policy.imports() {
        [] => "imports nothing".to_owned(),
        imports => format!("imports {}", imports.join(", ")),
    });
    tree.line(code.text());
    tree
}

fn words(name: &str, words: &[String]) -> Tree {
    let text = if words.is_empty() { "nothing".to_owned() } else { words.join(" ") };
    Tree::new(format!("{name}  {}", Escaped(text)))
}

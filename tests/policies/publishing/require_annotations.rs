//! The table of the policy require-annotations.

use super::table::Row;

const ROW: Row = Row {
    about: "",
    settings: &[("require", "x.title")],
    sources: &["titled"],
    destinations: &["new"],
    annotations: &[],
    wanted: "published",
    after: &[("new", "titled"), ("old", "plain")],
};

const LACKS: Row = Row {
    sources: &["plain"],
    wanted: "denied require-annotations: registry.test/app:plain has no annotation x.title",
    after: &[("new", "-"), ("old", "plain")],
    ..ROW
};

pub const ROWS: &[Row] = &[
    Row { about: "nothing is required", settings: &[], sources: &["plain"], after: &[("new", "plain")], ..ROW },
    Row { about: "the source has it", ..ROW },
    Row { about: "a manifest has it", sources: &["manifest"], after: &[("new", "new")], ..ROW },
    Row { about: "the source lacks it", ..LACKS },
    Row { about: "an index that exists stays as well", destinations: &["old"], ..LACKS },
    Row { about: "one of two sources lacks it", sources: &["titled", "plain"], ..LACKS },
    Row {
        about: "one of two keys is missing",
        settings: &[("require", "x.title, x.other")],
        wanted: "denied require-annotations: registry.test/app:titled has no annotation x.other",
        sources: &["titled"],
        ..LACKS
    },
    Row {
        about: "the request sets it",
        sources: &["plain"],
        annotations: &[("x.title", "mine")],
        after: &[("new", "new"), ("old", "plain")],
        ..ROW
    },
    Row { about: "the request sets another", annotations: &[("x.titles", "mine")], ..LACKS },
    Row {
        about: "the policy adds it",
        settings: &[("require", "x.title"), ("add", "x.title=demo")],
        sources: &["plain"],
        after: &[("new", "new")],
        ..ROW
    },
    Row {
        about: "a Docker manifest list has no annotations",
        settings: &[("add", "x.title=demo")],
        sources: &["docker"],
        wanted: "error",
        ..LACKS
    },
    Row { about: "no pair", settings: &[("add", "x.title")], wanted: "error", ..LACKS },
    Row { about: "no key", settings: &[("add", "=x")], wanted: "error", ..LACKS },
];

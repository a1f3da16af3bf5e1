//! The table of the policy immutable-tags.

use super::table::Row;

const ROW: Row = Row {
    about: "",
    settings: &[],
    sources: &["plain"],
    destinations: &["new"],
    annotations: &[],
    wanted: "published",
    after: &[("new", "plain"), ("old", "plain"), ("older", "titled")],
};

pub const ROWS: &[Row] = &[
    Row { about: "a new tag", ..ROW },
    Row {
        about: "two new tags",
        destinations: &["new", "newer"],
        after: &[("new", "plain"), ("newer", "plain")],
        ..ROW
    },
    Row { about: "the same content again", destinations: &["old"], after: &[("old", "plain")], ..ROW },
    Row { about: "the same content again, and a new tag", destinations: &["new", "old"], ..ROW },
    Row {
        about: "other content",
        sources: &["titled"],
        destinations: &["old"],
        wanted: "denied immutable-tags: mirror.test/app:old exists, and does not move: the content has the digest sha256:",
        after: &[("old", "plain"), ("older", "titled")],
        ..ROW
    },
    Row {
        about: "other content, and a new tag that stays away",
        sources: &["titled"],
        destinations: &["new", "old"],
        wanted: "denied immutable-tags: mirror.test/app:old exists, and does not move: the content has the digest sha256:",
        after: &[("new", "-"), ("old", "plain")],
        ..ROW
    },
    Row {
        about: "the same source with an annotation is other content",
        destinations: &["old"],
        annotations: &[("x.v", "1")],
        wanted: "denied immutable-tags: mirror.test/app:old exists, and does not move: the content has the digest sha256:",
        after: &[("old", "plain")],
        ..ROW
    },
    Row {
        about: "two tags that are not the same",
        destinations: &["old", "older"],
        wanted: "denied immutable-tags: mirror.test/app:older exists, and does not move: it is sha256:",
        after: &[("old", "plain"), ("older", "titled")],
        ..ROW
    },
    Row {
        about: "a new tag with an annotation",
        annotations: &[("x.v", "1")],
        after: &[("new", "new"), ("old", "plain")],
        ..ROW
    },
];

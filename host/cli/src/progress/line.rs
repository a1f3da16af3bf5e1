//! The lines of progress. Each of their characters takes one column.

use std::time::Duration;

use refkit_oci::Digest;
use refkit_report::units::{Bytes, Time};

use super::rate::per_second;
use super::table::{Arrival, Ended, Sum, Table, Transfer};

/// The most blobs that have a line; a line says how many others there are.
const BLOBS: usize = 8;

/// The columns of the bar, with its brackets.
const BAR: usize = 20;

/// Returns the lines for a terminal of so many columns: one for each blob under way, and one for the sum. The last column
/// stays free, because some terminals begin a new line there.
pub fn drawn(table: &mut Table, at: Duration, width: usize, colours: bool) -> Vec<String> {
    let room = width.saturating_sub(1);
    let others = table.under_way.len().saturating_sub(BLOBS);
    let mut lines: Vec<_> = table.under_way.iter_mut().take(BLOBS).map(|one| of_blob(one, at, room, colours)).collect();
    if others > 0 {
        lines.push(cut(format!("and {others} more"), room));
    }
    let (bytes, rate) = (Bytes(table.bytes()), Bytes(table.rate(at)));
    lines.push(cut(format!("{}, {bytes} at {rate}/s{}", copied(&table.sum), others_of(&table.sum)), room));
    lines
}

/// Returns the line for a blob under way. A narrow terminal shows no bar, and then the beginning of the line.
fn of_blob(one: &mut Transfer, at: Duration, room: usize, colours: bool) -> String {
    let rate = format!("{}/s", Bytes(one.rate(at)));
    // An empty blob is complete once it has started. A registry may also send more than the descriptor says.
    let share = (u128::from(one.bytes) * 100).checked_div(u128::from(one.size)).unwrap_or(100).min(100) as usize;
    let (bytes, size) = (Bytes(one.bytes).to_string(), Bytes(one.size).to_string());
    let again = if one.again { "  again" } else { "" };
    let numbers = format!("  {bytes:>7} of {size:<7}  {share:>3}%  {rate:>9}{again}");
    let name = short(&one.digest).to_owned();
    let bar = match name.len() + 2 + BAR + numbers.len() <= room {
        true => format!("  [{:<inner$}]", "#".repeat(share * (BAR - 2) / 100), inner = BAR - 2),
        false => String::new(),
    };
    let line = cut(format!("{name}{bar}{numbers}"), room);
    match line.split_at_checked(name.len()) {
        Some((name, rest)) if colours => format!("\x1b[36m{name}\x1b[0m{rest}"),
        _ => line,
    }
}

/// Returns the line for a blob that has ended.
pub fn of_ended(ended: &Ended) -> String {
    let (name, size) = (short(&ended.digest), Bytes(ended.size));
    match ended.how {
        Arrival::Copied(time) => {
            format!("{name} copied, {size} in {} ({}/s)", Time(time), Bytes(per_second(ended.size, time)))
        }
        Arrival::Present => format!("{name} present, {size}"),
        Arrival::Mounted => format!("{name} mounted, {size}"),
    }
}

/// Returns the line for the sum while blobs are under way, for a display without them.
pub fn so_far(table: &mut Table, at: Duration) -> String {
    let (bytes, rate, under_way) = (Bytes(table.bytes()), Bytes(table.rate(at)), table.under_way.len());
    format!("{}, {bytes} at {rate}/s, {under_way} under way{}", copied(&table.sum), others_of(&table.sum))
}

/// Returns the line that stays when everything has ended.
pub fn last(sum: &Sum, time: Duration, room: usize) -> String {
    let (bytes, rate) = (Bytes(sum.bytes), Bytes(per_second(sum.bytes, time)));
    cut(format!("{}, {bytes} in {} ({rate}/s){}", copied(sum), Time(time), others_of(sum)), room)
}

fn copied(sum: &Sum) -> String {
    format!("copied {}", count(sum.copied, "blob"))
}

/// Returns the rest of a sum: what was not copied, or is no blob.
fn others_of(sum: &Sum) -> String {
    let mut text = String::new();
    for (number, what) in [(sum.present, "present"), (sum.mounted, "mounted")] {
        if number > 0 {
            text.push_str(&format!(", {number} {what}"));
        }
    }
    if sum.manifests > 0 {
        text.push_str(&format!(", {}", count(sum.manifests, "manifest")));
    }
    text
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Returns the beginning of a digest, without its algorithm: as much as Docker shows.
fn short(digest: &Digest) -> &str {
    let text = digest.as_str();
    let encoded = text.split_once(':').map_or(text, |(_, encoded)| encoded);
    encoded.get(..12).unwrap_or(encoded)
}

fn cut(line: String, room: usize) -> String {
    line.chars().take(room).collect()
}

#[cfg(test)]
mod tests {
    use refkit_content::copy::Step;

    use super::super::table::tests::{blob, descriptor, ms, repository};
    use super::*;

    /// Returns a table with blobs under way: one of 1 MB of which a quarter is read after one second, an empty one, and
    /// one that is sent again.
    fn table() -> Table {
        let to = repository("a");
        let mut table = Table::new(true);
        table.step(ms(1000), &to, &blob('a', 1_000_000), Step::Started);
        table.step(ms(1000), &to, &blob('b', 0), Step::Started);
        table.step(ms(1000), &to, &blob('c', 123_456_789), Step::Started);
        table.step(ms(1000), &to, &blob('c', 123_456_789), Step::Again);
        table.step(ms(1000), &to, &blob('d', 42), Step::Present);
        table.step(ms(1500), &to, &blob('a', 1_000_000), Step::Bytes(250_000));
        table
    }

    #[test]
    fn a_terminal_shows_each_blob_under_way_and_the_sum() {
        let lines = drawn(&mut table(), ms(2000), 80, false);
        assert_eq!(
            lines,
            [
                "aaaaaaaaaaaa  [####              ]   250 kB of 1 MB      25%   250 kB/s",
                "bbbbbbbbbbbb  [##################]      0 B of 0 B      100%      0 B/s",
                "cccccccccccc  [                  ]      0 B of 123 MB     0%      0 B/s  again",
                "copied 0 blobs, 250 kB at 250 kB/s, 1 present",
            ]
        );
        assert!(lines.iter().all(|line| line.len() < 80));
    }

    #[test]
    fn a_narrow_terminal_shows_less_and_wraps_nothing() {
        // columns, the first line and the last one
        let rows = [
            (73, "aaaaaaaaaaaa  [####              ]   250 kB of 1 MB      25%   250 kB/s", 45),
            (72, "aaaaaaaaaaaa  [####              ]   250 kB of 1 MB      25%   250 kB/s", 45),
            (71, "aaaaaaaaaaaa   250 kB of 1 MB      25%   250 kB/s", 45),
            (40, "aaaaaaaaaaaa   250 kB of 1 MB      25% ", 39),
            (5, "aaaa", 4),
            (1, "", 0),
            (0, "", 0),
        ];
        for (width, first, last) in rows {
            let lines = drawn(&mut table(), ms(2000), width, false);
            assert_eq!((lines[0].as_str(), lines[3].len()), (first, last), "{width}");
        }
    }

    #[test]
    fn colours_take_no_columns() {
        let plain = drawn(&mut table(), ms(2000), 80, false);
        let coloured = drawn(&mut table(), ms(2000), 80, true);
        assert!(coloured[0].starts_with("\x1b[36maaaaaaaaaaaa\x1b[0m  ["), "{:?}", coloured[0]);
        let stripped = coloured.iter().map(|line| line.replace("\x1b[36m", "").replace("\x1b[0m", ""));
        assert_eq!(stripped.collect::<Vec<_>>(), plain);
        // Where the name does not fit, it has no colour that would stay on.
        let narrow = drawn(&mut table(), ms(2000), 6, true);
        assert_eq!(narrow[0], "aaaaa");
    }

    #[test]
    fn many_blobs_have_few_lines() {
        let mut table = Table::default();
        for digit in "0123456789ab".chars() {
            table.step(ms(0), &repository("a"), &blob(digit, 1), Step::Started);
        }
        let lines = drawn(&mut table, ms(600), 80, false);
        assert_eq!((lines.len(), lines[8].as_str()), (10, "and 4 more"));
    }

    #[test]
    fn lines_of_text() {
        let mut table = table();
        table.step(ms(3000), &repository("a"), &blob('a', 1_000_000), Step::Done);
        table.step(ms(3000), &repository("a"), &blob('e', 1000), Step::Mounted);
        let manifest = descriptor("application/vnd.oci.image.manifest.v1+json", 'f', 9);
        table.step(ms(3000), &repository("a"), &manifest, Step::Done);
        let ended: Vec<_> = table.ended().iter().map(of_ended).collect();
        assert_eq!(
            ended,
            ["dddddddddddd present, 42 B", "aaaaaaaaaaaa copied, 1 MB in 2 s (500 kB/s)", "eeeeeeeeeeee mounted, 1 kB"]
        );
        let sum = "copied 1 blob, 1 MB at 500 kB/s, 2 under way, 1 present, 1 mounted, 1 manifest";
        assert_eq!(so_far(&mut table, ms(3000)), sum);
        let ended = "copied 1 blob, 1 MB in 2 s (500 kB/s), 1 present, 1 mounted, 1 manifest";
        assert_eq!(
            (last(&table.sum, ms(2000), 80).as_str(), last(&table.sum, ms(2000), 6).as_str()),
            (ended, "copied")
        );
    }
}

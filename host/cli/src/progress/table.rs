//! The blobs under way, and the sum of those that are at the destination.

use std::time::Duration;

use refkit_content::copy::Step;
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Repository};

use super::rate::Rate;

/// The state of all copies of a command. Times are those since the command began.
#[derive(Debug, Default)]
pub struct Table {
    began: Option<Duration>,
    /// In the order in which they started.
    pub under_way: Vec<Transfer>,
    /// The sum of what is at the destination.
    pub sum: Sum,
    /// The blobs that ended since a display took them, if one wants them.
    ended: Option<Vec<Ended>>,
    rate: Rate,
}

/// A blob under way to one repository.
#[derive(Debug)]
pub struct Transfer {
    to: Repository,
    /// The blob's digest.
    pub digest: Digest,
    /// The blob's size.
    pub size: u64,
    /// The bytes that were read of it.
    pub bytes: u64,
    /// The destination broke, and the blob is sent once more.
    pub again: bool,
    began: Duration,
    rate: Rate,
}

impl Transfer {
    /// Returns the bytes a second.
    pub fn rate(&mut self, at: Duration) -> u64 {
        self.rate.sample(at, self.bytes)
    }
}

/// What is at the destination. Content that goes to several repositories counts for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// The blobs that were copied.
    pub copied: u64,
    /// The bytes of these.
    pub bytes: u64,
    /// The blobs that the destination had before.
    pub present: u64,
    /// The blobs that the destination mounted.
    pub mounted: u64,
    /// The manifests and indexes, whether the destination had them before or not.
    pub manifests: u64,
}

/// A blob that is at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The blob's digest.
    pub digest: Digest,
    /// The blob's size.
    pub size: u64,
    /// How it came there.
    pub how: Arrival,
}

/// How a blob came to the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was copied, in this time.
    Copied(Duration),
    /// It was there before.
    Present,
    /// It was mounted.
    Mounted,
}

impl Table {
    /// Returns an empty table, which keeps what ended for [`Table::ended`] or not.
    pub fn new(keeps_ended: bool) -> Self {
        Self { ended: keeps_ended.then(Vec::new), ..Self::default() }
    }

    /// Returns the time of the first step.
    pub fn began(&self) -> Option<Duration> {
        self.began
    }

    /// Takes the blobs that ended since the last call.
    pub fn ended(&mut self) -> Vec<Ended> {
        self.ended.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Returns the bytes of all blobs, those under way included.
    pub fn bytes(&self) -> u64 {
        self.under_way.iter().fold(self.sum.bytes, |sum, one| sum.saturating_add(one.bytes))
    }

    /// Returns the bytes a second of all blobs.
    pub fn rate(&mut self, at: Duration) -> u64 {
        let bytes = self.bytes();
        self.rate.sample(at, bytes)
    }

    /// Takes one step of a copy.
    pub fn step(&mut self, at: Duration, to: &Repository, of: &Descriptor, step: Step) {
        if self.began.is_none() {
            self.began = Some(at);
            self.rate = Rate::since(at);
        }
        let position = self.under_way.iter().position(|one| one.digest == of.digest && one.to == *to);
        match (step, position) {
            (Step::Started, None) => self.under_way.push(Transfer {
                to: to.clone(),
                digest: of.digest.clone(),
                size: of.size,
                bytes: 0,
                again: false,
                began: at,
                rate: Rate::since(at),
            }),
            (Step::Started | Step::Again, Some(position)) => {
                let one = &mut self.under_way[position];
                (one.bytes, one.again, one.rate) = (0, true, Rate::since(at));
            }
            (Step::Bytes(bytes), Some(position)) => self.under_way[position].bytes = bytes,
            (Step::Again | Step::Bytes(_), None) => {}
            (Step::Present | Step::Mounted | Step::Done, position) => {
                let began = position.map_or(at, |position| self.under_way.remove(position).began);
                self.end(of, step, at.saturating_sub(began));
            }
        }
    }

    fn end(&mut self, of: &Descriptor, step: Step, time: Duration) {
        let sum = &mut self.sum;
        if media_type::is_document(&of.media_type) {
            sum.manifests += 1;
            return;
        }
        let how = match step {
            Step::Present => Arrival::Present,
            Step::Mounted => Arrival::Mounted,
            _ => Arrival::Copied(time),
        };
        match how {
            Arrival::Present => sum.present += 1,
            Arrival::Mounted => sum.mounted += 1,
            Arrival::Copied(_) => {
                sum.copied += 1;
                sum.bytes = sum.bytes.saturating_add(of.size);
            }
        }
        if let Some(ended) = &mut self.ended {
            ended.push(Ended { digest: of.digest.clone(), size: of.size, how });
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn blob(digit: char, size: u64) -> Descriptor {
        descriptor("application/vnd.oci.image.layer.v1.tar+gzip", digit, size)
    }

    pub fn descriptor(media_type: &str, digit: char, size: u64) -> Descriptor {
        let digest = format!("sha256:{}", digit.to_string().repeat(64)).parse().expect("it is a digest");
        Descriptor::new(media_type, digest, size)
    }

    pub fn repository(name: &str) -> Repository {
        let reference: refkit_oci::Reference = format!("registry.test/{name}:1").parse().expect("it is a reference");
        reference.repository().clone()
    }

    /// A time in milliseconds.
    pub fn ms(at: u64) -> Duration {
        Duration::from_millis(at)
    }

    #[test]
    fn steps_move_blobs_from_under_way_to_the_sum() {
        let (to, other) = (repository("a"), repository("b"));
        let (one, two, three) = (blob('1', 100), blob('2', 50), blob('3', 7));
        let manifest = descriptor("application/vnd.oci.image.manifest.v1+json", '4', 9);
        let mut table = Table::new(true);
        assert_eq!(table.began(), None);
        table.step(ms(5), &to, &one, Step::Started);
        table.step(ms(6), &other, &one, Step::Started);
        table.step(ms(7), &to, &one, Step::Bytes(60));
        table.step(ms(8), &to, &two, Step::Present);
        table.step(ms(9), &to, &three, Step::Mounted);
        table.step(ms(9), &to, &manifest, Step::Present);
        assert_eq!((table.began(), table.bytes(), table.under_way.len()), (Some(ms(5)), 60, 2));
        table.step(ms(25), &to, &one, Step::Done);
        table.step(ms(25), &to, &manifest, Step::Done);
        let sum = Sum { copied: 1, bytes: 100, present: 1, mounted: 1, manifests: 2 };
        assert_eq!((table.sum, table.bytes(), table.under_way.len()), (sum, 100, 1));
        let how: Vec<_> = table.ended().into_iter().map(|ended| (ended.size, ended.how)).collect();
        assert_eq!(how, [(50, Arrival::Present), (7, Arrival::Mounted), (100, Arrival::Copied(ms(20)))]);
        assert_eq!(table.ended(), []);
    }

    #[test]
    fn a_blob_that_is_sent_again_begins_with_no_bytes() {
        let (to, one) = (repository("a"), blob('1', 100));
        let mut table = Table::new(false);
        for step in [Step::Started, Step::Bytes(80), Step::Again] {
            table.step(ms(0), &to, &one, step);
        }
        assert_eq!((table.bytes(), table.under_way[0].again), (0, true));
        for step in [Step::Started, Step::Bytes(30)] {
            table.step(ms(0), &to, &one, step);
        }
        assert_eq!((table.bytes(), table.under_way.len()), (30, 1));
        // Without a start there is nothing to count.
        table.step(ms(0), &to, &blob('2', 5), Step::Bytes(5));
        table.step(ms(0), &to, &blob('2', 5), Step::Again);
        assert_eq!((table.bytes(), table.under_way.len(), table.ended()), (30, 1, Vec::new()));
    }
}

//! Questions by chance, the same every time.

use refkit_oci::Platform;
use refkit_publish::compose::ATTESTATION;

use crate::content::{Question, fetched};
use crate::rows::Fixtures;

const PLATFORMS: [&str; 6] =
    ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm", "windows/amd64", "linux/arm64/v8"];

const ANNOTATIONS: [&str; 6] = [
    "index:a=1",
    "index:\u{e9}<b>=\"\\\u{7f}\t",
    "manifest-descriptor:c=3",
    "manifest-descriptor[linux/arm64]:d=4",
    "index,manifest-descriptor[linux/arm/v7]:e=",
    "manifest-descriptor:x.k=later",
];

/// A source of numbers (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Returns some of a list, each at most once, in its order.
    fn some(&mut self, of: &[&str], one_in: usize) -> Vec<String> {
        of.iter().filter(|_| self.one_in(one_in)).map(|text| (*text).to_owned()).collect()
    }

    pub fn question(&mut self, all: &Fixtures) -> Question {
        let images = all.all();
        let mut sources = Vec::new();
        for _ in 0..=self.below(3) {
            let image = images[self.below(images.len())].1;
            let mut content = fetched(image);
            if self.one_in(5) {
                content.descriptor.annotations = vec![("x.k".to_owned(), "stated".to_owned())];
            }
            if self.one_in(6) {
                let platform = Platform { os: "linux".to_owned(), ..Platform::default() };
                content.descriptor.platform = Some(platform);
            }
            sources.push(content);
        }
        let mut question = all.question(sources);
        question.prefer_index = !self.one_in(4);
        if self.one_in(3) {
            question.platforms = self.some(&PLATFORMS, 2);
        }
        if self.one_in(2) {
            question.annotations = self.some(&ANNOTATIONS, 3);
        }
        if self.one_in(4) {
            question.referrers.push(all.referrer(ATTESTATION));
        }
        question
    }
}

//! Reproducible noise: the same seed makes the same bytes.

/// A generator of numbers, xorshift64*.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Returns a number below another one.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % bound.max(1)
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// Splits a recorded HTTP/2 stream into its preface, if it has one, and its frames.
fn apart(recorded: &[u8]) -> Vec<Vec<u8>> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut rest = recorded.strip_prefix(PREFACE).unwrap_or(recorded);
    let mut pieces = vec![recorded[..recorded.len() - rest.len()].to_vec()];
    while let [high, middle, low, ..] = *rest {
        let end = (9 + u32::from_be_bytes([0, high, middle, low]) as usize).min(rest.len());
        pieces.push(rest[..end].to_vec());
        rest = &rest[end..];
    }
    pieces
}

/// Returns a recorded stream with a few faults.
pub fn spoiled(recorded: &[u8], noise: &mut Noise) -> Vec<u8> {
    let mut frames = apart(recorded);
    for _ in 0..=noise.below(2) {
        let at = noise.below(frames.len());
        let inside = noise.below(frames[at].len());
        match noise.below(12) {
            // A byte of a frame's content.
            0 if !frames[at].is_empty() => frames[at][inside] ^= 1 << noise.below(8),
            1 if !frames[at].is_empty() => frames[at][inside] = noise.below(256) as u8,
            2 => frames[at].truncate(inside),
            3 => {
                let more = noise.bytes(40);
                frames[at].splice(inside..inside, more);
            }
            // A byte of a frame's head: length, type, flags, stream.
            4 if frames[at].len() >= 9 => frames[at][noise.below(3)] = noise.below(256) as u8,
            5 if frames[at].len() >= 9 => frames[at][3] = noise.below(12) as u8,
            6 if frames[at].len() >= 9 => frames[at][4] = noise.below(256) as u8,
            7 if frames[at].len() >= 9 => frames[at][8] = noise.below(12) as u8,
            // The position of a frame.
            8 => drop(frames.remove(at)),
            9 => frames.insert(at, frames[at].clone()),
            10 => {
                let other = noise.below(frames.len());
                frames.swap(at, other);
            }
            // A second copy of a frame.
            _ => {
                let payload = noise.bytes(30);
                let mut frame = vec![0, 0, payload.len() as u8, noise.below(12) as u8, noise.below(256) as u8, 0, 0, 0];
                frame.push(noise.below(8) as u8);
                frames.insert(at, [frame, payload].concat());
            }
        }
        if frames.is_empty() {
            break;
        }
    }
    let mut bytes = frames.concat();
    if noise.below(8) == 0 {
        bytes.truncate(noise.below(bytes.len()));
    }
    bytes
}

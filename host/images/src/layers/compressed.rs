//! Unpacks a layer: gzip, zstd, or an uncompressed archive.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// Returns the archive in a layer.
pub fn archive(layer: &[u8]) -> Box<dyn Read + '_> {
    match layer {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(layer)),
        // A frame, or a skippable frame.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Box::new(Frames { rest: Some(layer), frame: None })
        }
        _ => Box::new(layer),
    }
}

/// The frames of a zstd file, in order.
struct Frames<'a> {
    rest: Option<&'a [u8]>,
    frame: Option<StreamingDecoder<&'a [u8], ruzstd::decoding::FrameDecoder>>,
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                self.rest = self.frame.take().map(StreamingDecoder::into_inner);
            }
            let Some(rest) = self.rest.filter(|rest| !rest.is_empty()) else { return Ok(0) };
            match StreamingDecoder::new(rest) {
                Ok(frame) => self.frame = Some(frame),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    // The magic number and the length precede it.
                    let after = rest.get(8..).and_then(|rest| rest.get(length as usize..));
                    self.rest = Some(after.ok_or(io::ErrorKind::UnexpectedEof)?);
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn unpacked(layer: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        archive(layer).read_to_end(&mut all).map(|_| all)
    }

    #[test]
    fn zstd_may_have_several_frames() {
        let frame = |text: &str| compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let all = [&skipped[..], &frame("one "), &skipped, &frame("two")].concat();
        assert_eq!(unpacked(&all).unwrap(), b"one two");
        assert_eq!(unpacked(&frame("")).unwrap(), b"");
        for damaged in [&all[..all.len() - 4], &all[..9], &[&frame("one")[..], b"garbage"].concat()] {
            assert!(unpacked(damaged).is_err());
        }
    }
}

//! Bodies in a content coding (RFC 9110, section 8.4). The client requests none, and decodes gzip all the same: some
//! servers and CDNs code every body. The reader then verifies the decoded bytes against size and digest.

use std::io::Write as _;

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use refkit_content::ErrorKind;

use crate::text::printable;

type Pieces = BoxStream<'static, Result<Bytes, ErrorKind>>;

/// How many coded bytes are decoded at a time: 1 KiB. Deflate expands one byte to at most about 1,000, so a bomb costs
/// 1 MiB before its reader can stop.
const STEP: usize = 1 << 10;

/// The most coded bytes without a decoded one: 1 MiB. A body with more is an endless row of empty blocks.
const BARREN: usize = 1 << 20;

/// The first bytes of gzip, RFC 1952, section 2.3.1.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Unknown,
}

/// Returns the coding that the headers of a response name.
pub(crate) fn of(headers: &HeaderMap) -> Coding {
    let values = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut named =
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty() && *name != "identity");
    match (named.next(), named.next()) {
        (None, _) => Coding::Identity,
        (Some(name), None) if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => Coding::Gzip,
        _ => Coding::Unknown,
    }
}

/// Returns the decoded body.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for an unknown coding, [`ErrorKind::Malformed`] for gzip that is damaged or breaks off.
pub(crate) fn decoded(coding: Coding, headers: &HeaderMap, pieces: Pieces) -> Pieces {
    match coding {
        Coding::Identity => pieces,
        Coding::Gzip => stream::unfold(Some(Decoding::new(pieces)), step).boxed(),
        Coding::Unknown => {
            let name = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let text = format!("its response has the coding {:?}, which the client does not accept", printable(name));
            stream::iter([Err(ErrorKind::Unsupported(text))]).boxed()
        }
    }
}

struct Decoding {
    pieces: Pieces,
    /// Coded bytes that have arrived and are not yet decoded.
    held: Bytes,
    ended: bool,
    /// Coded bytes since the last decoded byte.
    barren: usize,
    /// None until the first bytes have shown whether the body is gzip: some servers name the coding and do not use it.
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    plain: bool,
}

impl Decoding {
    fn new(pieces: Pieces) -> Self {
        Self { pieces, held: Bytes::new(), ended: false, barren: 0, decoder: None, plain: false }
    }

    /// Returns the next decoded bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        let malformed = |error: std::io::Error| ErrorKind::Malformed(format!("its gzip is malformed: {error}"));
        loop {
            let short = if self.decoder.is_some() || self.plain { 1 } else { MAGIC.len() };
            while self.held.len() < short && !self.ended {
                match self.pieces.next().await.transpose()? {
                    Some(piece) if self.held.is_empty() => self.held = piece,
                    Some(piece) => self.held = [&self.held[..], &piece].concat().into(),
                    None => self.ended = true,
                }
            }
            if self.decoder.is_none() && !self.plain {
                match self.held.starts_with(&MAGIC) {
                    true => self.decoder = Some(MultiGzDecoder::new(Vec::new())),
                    false => self.plain = true,
                }
            }
            let Some(decoder) = &mut self.decoder else {
                let piece = std::mem::take(&mut self.held);
                return Ok((!piece.is_empty()).then_some(piece));
            };
            if self.held.is_empty() {
                // This fails if the gzip is incomplete.
                decoder.try_finish().map_err(malformed)?;
                let last = std::mem::take(decoder.get_mut());
                return Ok((!last.is_empty()).then(|| last.into()));
            }
            let taken = decoder.write(&self.held[..self.held.len().min(STEP)]).map_err(malformed)?;
            if taken == 0 {
                return Err(ErrorKind::Malformed("its gzip is malformed: something follows it".to_owned()));
            }
            self.held.advance(taken);
            self.barren += taken;
            if self.barren > BARREN {
                return Err(ErrorKind::Malformed(format!(
                    "its gzip is malformed: {BARREN} bytes of it decode to nothing"
                )));
            }
            if !decoder.get_ref().is_empty() {
                self.barren = 0;
                return Ok(Some(std::mem::take(decoder.get_mut()).into()));
            }
        }
    }
}

async fn step(state: Option<Decoding>) -> Option<(Result<Bytes, ErrorKind>, Option<Decoding>)> {
    let mut decoding = state?;
    match decoding.next().await {
        Ok(Some(piece)) => Some((Ok(piece), Some(decoding))),
        Ok(None) => None,
        Err(problem) => Some((Err(problem), None)),
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    async fn read(bytes: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let pieces: Vec<_> = bytes.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut decoded = decoded(Coding::Gzip, &HeaderMap::new(), stream::iter(pieces).boxed());
        let mut all = Vec::new();
        while let Some(piece) = decoded.next().await {
            all.extend_from_slice(&piece.map_err(|problem| problem.to_string())?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn gzip_is_read_in_any_pieces() {
        let text: Vec<u8> = (0..40_000_u32).flat_map(|n| (n % 251).to_le_bytes()).collect();
        let coded = gzip(&text);
        let members = [coded.clone(), gzip(b"more")].concat();
        for piece in [1, 2, 3, 1000, 1 << 20] {
            assert_eq!(read(&coded, piece).await.as_deref(), Ok(&text[..]), "{piece}");
            assert_eq!(read(&members, piece).await, Ok([&text[..], b"more"].concat()), "{piece}");
            assert_eq!(read(&gzip(b""), piece).await.as_deref(), Ok(&b""[..]), "{piece}");
            // A body without the first bytes of gzip is returned unchanged.
            for plain in [&b"{}"[..], b"", b"\x1f", b"\x1fx"] {
                assert_eq!(read(plain, piece).await.as_deref(), Ok(plain), "{piece}");
            }
            for broken in
                [&coded[..coded.len() - 1], &coded[..coded.len() / 2], &coded[..2], &[&coded, &b"x"[..]].concat()]
            {
                let found = read(broken, piece).await;
                assert!(found.as_ref().is_err_and(|error| error.contains("gzip is malformed")), "{piece}: {found:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_holds_nothing_ends() {
        let nothing = Bytes::from(gzip(b""));
        let mut decoded =
            decoded(Coding::Gzip, &HeaderMap::new(), stream::repeat_with(move || Ok(nothing.clone())).boxed());
        let found = decoded.next().await.expect("an end").expect_err("it holds nothing").to_string();
        assert!(found.contains("decode to nothing"), "{found}");
    }

    #[tokio::test]
    async fn a_bomb_is_decoded_no_faster_than_it_is_read() {
        let bomb = gzip(&vec![0; 64 << 20]);
        let pieces = stream::iter([Ok(Bytes::from(bomb))]).boxed();
        let mut decoded = decoded(Coding::Gzip, &HeaderMap::new(), pieces);
        let mut pieces = 0;
        while let Some(piece) = decoded.next().await {
            assert!(piece.expect("it is whole").len() <= STEP * 1100);
            pieces += 1;
        }
        assert!(pieces > 60, "{pieces}");
    }

    #[test]
    fn what_headers_say() {
        for (value, wanted) in [
            ("gzip", Coding::Gzip),
            ("X-GZIP", Coding::Gzip),
            ("identity", Coding::Identity),
            ("", Coding::Identity),
            ("identity, gzip", Coding::Gzip),
            ("br", Coding::Unknown),
            ("gzip, gzip", Coding::Unknown),
        ] {
            let headers = [(CONTENT_ENCODING, value.parse().expect("a value"))].into_iter().collect();
            assert_eq!(of(&headers), wanted, "{value}");
        }
        assert_eq!(of(&HeaderMap::new()), Coding::Identity);
    }
}

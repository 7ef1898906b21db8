//! A PNG file without compression.
//!
//! Pictures of a report are small (at most [`LONGEST`] pixels a side), so stored blocks cost little, while a deflate
//! encoder would be larger than the rest of this crate. Runs of rectangles, the other way without a dependency, are
//! ten times as long for photographs.

/// Longest side of an embedded picture; larger ones are averaged down.
pub(crate) const LONGEST: usize = 320;

/// `data:` address of a PNG of 8-bit samples, row-major; `channels` is 1 (grey) or 3 (RGB).
pub(crate) fn data_url(width: usize, height: usize, channels: usize, samples: &[u8]) -> String {
    let mut out = String::from("data:image/png;base64,");
    base64(&mut out, &encode(width, height, channels, samples));
    out
}

fn encode(width: usize, height: usize, channels: usize, samples: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(samples.len() + height);
    for row in samples.chunks_exact((width * channels).max(1)).take(height) {
        raw.push(0); // no filter
        raw.extend_from_slice(row);
    }
    let mut zlib = vec![0x78, 0x01];
    let blocks = raw.chunks(0xffff).count();
    for (i, block) in raw.chunks(0xffff).enumerate() {
        let length = block.len() as u16;
        zlib.push(u8::from(i + 1 == blocks));
        zlib.extend_from_slice(&length.to_le_bytes());
        zlib.extend_from_slice(&(!length).to_le_bytes());
        zlib.extend_from_slice(block);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for byte in &raw {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    zlib.extend_from_slice(&(b << 16 | a).to_be_bytes());

    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&(width as u32).to_be_bytes());
    header.extend_from_slice(&(height as u32).to_be_bytes());
    header.extend_from_slice(&[8, if channels == 3 { 2 } else { 0 }, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [(b"IHDR", header.as_slice()), (b"IDAT", &zlib), (b"IEND", &[])] {
        png.extend_from_slice(&(body.len() as u32).to_be_bytes());
        png.extend_from_slice(kind);
        png.extend_from_slice(body);
        png.extend_from_slice(&crc(kind.iter().chain(body)).to_be_bytes());
    }
    png
}

/// CRC-32, bit by bit: short, and fast enough for what is drawn.
fn crc<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

fn base64(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.reserve(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let word = part.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - part.len()));
        for k in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * k) & 63) as usize] as char;
            out.push(if k <= part.len() { digit } else { '=' });
        }
    }
}

/// Averages `width × height` pixels down so that no side is longer than [`LONGEST`]; returns the new size too.
pub(crate) fn reduce(
    width: usize,
    height: usize,
    channels: usize,
    samples: &[u8],
) -> (usize, usize, Vec<u8>) {
    let factor = width.max(height).div_ceil(LONGEST).max(1);
    let (w, h) = (width.div_ceil(factor), height.div_ceil(factor));
    let mut out = Vec::with_capacity(w * h * channels);
    for y in 0..h {
        for x in 0..w {
            for c in 0..channels {
                let (mut sum, mut n) = (0u32, 0u32);
                for sy in y * factor..((y + 1) * factor).min(height) {
                    for sx in x * factor..((x + 1) * factor).min(width) {
                        sum += samples.get((sy * width + sx) * channels + c).copied().map_or(0, u32::from);
                        n += 1;
                    }
                }
                out.push(((sum + n / 2) / n.max(1)) as u8);
            }
        }
    }
    (w, h, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Reads back what [`encode`] writes, with an independent inflate and CRC.
    fn decode(png: &[u8]) -> (u32, u32, u8, Vec<u8>) {
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let word = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        let (mut at, mut zlib, mut header) = (8, Vec::new(), Vec::new());
        while at < png.len() {
            let length = word(at) as usize;
            let (kind, body) = (&png[at + 4..at + 8], &png[at + 8..at + 8 + length]);
            let mut crc = flate2::Crc::new();
            crc.update(&png[at + 4..at + 8 + length]);
            assert_eq!(word(at + 8 + length), crc.sum(), "CRC of a chunk");
            match kind {
                b"IHDR" => header = body.to_vec(),
                b"IDAT" => zlib = body.to_vec(),
                _ => assert!(body.is_empty()),
            }
            at += 12 + length;
        }
        let mut raw = Vec::new();
        flate2::read::ZlibDecoder::new(zlib.as_slice()).read_to_end(&mut raw).unwrap();
        let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
        (number(0), number(4), header[9], raw)
    }

    #[test]
    fn pngs_read_back() {
        for (w, h, channels) in [(1, 1, 1), (3, 2, 3), (300, 301, 1), (200, 200, 3)] {
            let samples: Vec<u8> = (0..w * h * channels).map(|i| (i * 31 % 251) as u8).collect();
            let (rw, rh, colour, raw) = decode(&encode(w, h, channels, &samples));
            assert_eq!((rw as usize, rh as usize, colour), (w, h, if channels == 3 { 2 } else { 0 }));
            let rows: Vec<u8> = raw.chunks(w * channels + 1).flat_map(|r| r[1..].to_vec()).collect();
            assert_eq!(rows, samples);
        }
    }

    #[test]
    fn base64_is_the_standard_one() {
        let text = |bytes: &[u8]| {
            let mut out = String::new();
            base64(&mut out, bytes);
            out
        };
        assert_eq!(
            [b"".as_slice(), b"f", b"fo", b"foo", b"foobar"].map(text),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy"]
        );
    }

    #[test]
    fn large_pictures_are_averaged() {
        let samples: Vec<u8> = (0..640 * 2).map(|i| if i % 2 == 0 { 0 } else { 200 }).collect();
        let (w, h, out) = reduce(640, 2, 1, &samples);
        assert_eq!((w, h, out.len()), (320, 1, 320));
        assert!(out.iter().all(|&v| v == 100));
        assert_eq!(reduce(2, 1, 3, &[1, 2, 3, 4, 5, 6]), (2, 1, vec![1, 2, 3, 4, 5, 6]));
    }
}

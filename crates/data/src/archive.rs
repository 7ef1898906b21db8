//! A reader of zip archives, as far as npz files need it.
//!
//! Written here because a name that occurs twice and a size that no deflate stream could have must be errors, and a
//! page should not carry a general zip library. Read: stored and deflated entries, zip64 sizes (NumPy writes them),
//! checksums. Not read: encryption, other compression methods, archives in several parts.
//!
//! Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.

use std::collections::BTreeSet;
use std::io::{self, Read};

use flate2::{Crc, read::DeflateDecoder};

use crate::error::{Problem, shown};

const ZIP: &str = "npz (zip archive)";
const END: &[u8; 4] = b"PK\x05\x06";
const END_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const LOCAL: &[u8; 4] = b"PK\x03\x04";

/// Deflate's best ratio is 1032 : 1 (RFC 1951: 258 bytes from 2 bits); a little is added for tiny entries.
const MOST_PER_BYTE: u64 = 1032;

/// A zip archive in memory.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    header_at: u64,
}

impl<'a> Archive<'a> {
    /// Reads the list of entries.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Problem> {
        let (count, length, start) = find_directory(bytes)?;
        let directory = part(bytes, start, length, "the list of entries")?;
        let mut entries = Vec::new();
        let mut names = BTreeSet::new();
        let mut rest = directory;
        for _ in 0..count {
            let entry = read_entry(&mut rest)?;
            if !names.insert(entry.name.clone()) {
                return Err(Problem::DuplicateName { name: entry.name });
            }
            entries.push(entry);
        }
        Ok(Self { bytes, entries })
    }

    /// The names of the entries, in the archive's order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The unpacked size of entry `name` and a reader of exactly so many bytes, which fails on a wrong checksum.
    pub(crate) fn entry(&self, name: &str) -> Result<Option<(u64, Box<dyn Read + 'a>)>, Problem> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else { return Ok(None) };
        if entry.flags & 1 != 0 {
            let what = format!("the encrypted entry `{}`", shown(name));
            return Err(Problem::Unsupported { what, remedy: "write the npz without a password" });
        }
        let header = part(self.bytes, entry.header_at, 30, "the header of an entry")?;
        if !header.starts_with(LOCAL) {
            return Err(broken(format!("no entry `{}` at byte {}", shown(name), entry.header_at)));
        }
        let skip = 30 + u64::from(u16_at(header, 26)) + u64::from(u16_at(header, 28));
        let data_at = entry.header_at.saturating_add(skip);
        let data = part(self.bytes, data_at, entry.packed, "an entry")?;
        let unpacked: Box<dyn Read + 'a> = match entry.method {
            0 if entry.packed == entry.size => Box::new(data),
            0 => return Err(broken(format!("`{}` is stored but declares two sizes", shown(name)))),
            8 if entry.size > entry.packed.saturating_mul(MOST_PER_BYTE).saturating_add(MOST_PER_BYTE) => {
                let (size, packed) = (entry.size, entry.packed);
                let name = shown(name);
                return Err(broken(format!(
                    "`{name}` declares {size} bytes in {packed} packed ones, more than deflate can hold"
                )));
            }
            8 => Box::new(DeflateDecoder::new(data)),
            method => {
                let what = format!("compression method {method} of `{}`", shown(name));
                let remedy = "write the file with numpy.savez or numpy.savez_compressed";
                return Err(Problem::Unsupported { what, remedy });
            }
        };
        let checked = Checked { unpacked, left: entry.size, crc: Crc::new(), wanted: entry.crc };
        Ok(Some((entry.size, Box::new(checked))))
    }
}

/// Gives exactly the declared bytes and compares the checksum with the last of them.
struct Checked<'a> {
    unpacked: Box<dyn Read + 'a>,
    left: u64,
    crc: Crc,
    wanted: u32,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.unpacked.read(&mut buffer[..most])?;
        self.crc.update(&buffer[..read]);
        self.left -= read as u64;
        if self.left == 0 && self.crc.sum() != self.wanted {
            return Err(io::Error::other(broken("wrong checksum: the file is damaged, copy it again")));
        }
        Ok(read)
    }
}

/// The number of entries, and the length and start of their list.
fn find_directory(bytes: &[u8]) -> Result<(u64, u64, u64), Problem> {
    // The end record is 22 bytes and a comment of at most 65535.
    let first = bytes.len().saturating_sub(22 + 65_535);
    let at = (first..=bytes.len().saturating_sub(22))
        .rev()
        .find(|&at| {
            let tail = &bytes[at..];
            tail.len() >= 22 && tail.starts_with(END) && 22 + usize::from(u16_at(tail, 20)) <= tail.len()
        })
        .ok_or_else(|| broken("no end record: the file is cut off, copy or download it again"))?;
    let end = &bytes[at..];
    let (disk, count) = (u16_at(end, 4), u16_at(end, 10));
    let (length, start) = (u32_at(end, 12), u32_at(end, 16));
    if count != u16::MAX && length != u32::MAX && start != u32::MAX {
        if disk != 0 {
            let what = "a zip archive in several parts".to_owned();
            return Err(Problem::Unsupported { what, remedy: "write one file" });
        }
        return Ok((count.into(), length.into(), start.into()));
    }
    let locator = at.checked_sub(20).map(|at| &bytes[at..]).filter(|bytes| bytes.starts_with(LOCATOR_64));
    let locator = locator.ok_or_else(|| broken("the zip64 locator is missing"))?;
    let end = part(bytes, u64_at(locator, 8), 56, "the zip64 end record")?;
    if !end.starts_with(END_64) {
        return Err(broken("the zip64 end record is not where the locator says"));
    }
    Ok((u64_at(end, 32), u64_at(end, 40), u64_at(end, 48)))
}

/// Takes one entry off the front of the list.
fn read_entry(rest: &mut &[u8]) -> Result<Entry, Problem> {
    let what = "the list of entries";
    let fixed = part(rest, 0, 46, what)?;
    if !fixed.starts_with(CENTRAL) {
        return Err(broken("the list of entries is damaged"));
    }
    let name_length = usize::from(u16_at(fixed, 28));
    let extra_length = usize::from(u16_at(fixed, 30));
    let comment_length = usize::from(u16_at(fixed, 32));
    let whole = 46 + name_length + extra_length + comment_length;
    let record = part(rest, 0, whole as u64, what)?;
    let name = String::from_utf8_lossy(&record[46..46 + name_length]).into_owned();
    let mut entry = Entry {
        name,
        flags: u16_at(fixed, 8),
        method: u16_at(fixed, 10),
        crc: u32_at(fixed, 16),
        packed: u32_at(fixed, 20).into(),
        size: u32_at(fixed, 24).into(),
        header_at: u32_at(fixed, 42).into(),
    };
    read_zip64(&record[46 + name_length..46 + name_length + extra_length], &mut entry)?;
    *rest = &rest[whole..];
    Ok(entry)
}

/// Replaces the sizes that did not fit into 32 bits by those of the zip64 extra field.
fn read_zip64(mut extra: &[u8], entry: &mut Entry) -> Result<(), Problem> {
    let too_big = u64::from(u32::MAX);
    let wanted: Vec<&mut u64> = [&mut entry.size, &mut entry.packed, &mut entry.header_at]
        .into_iter()
        .filter(|value| **value == too_big)
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(body) = extra.get(4..4 + length) else { break };
        if id == 1 {
            if body.len() < 8 * wanted.len() {
                break;
            }
            for (i, value) in wanted.into_iter().enumerate() {
                *value = u64_at(body, 8 * i);
            }
            return Ok(());
        }
        extra = &extra[4 + length..];
    }
    Err(broken(format!("the zip64 sizes of `{}` are missing", shown(&entry.name))))
}

fn part<'a>(bytes: &'a [u8], start: u64, length: u64, what: &str) -> Result<&'a [u8], Problem> {
    let range = usize::try_from(start).ok().zip(usize::try_from(start.saturating_add(length)).ok());
    range.and_then(|(start, end)| bytes.get(start..end)).ok_or_else(|| Problem::Truncated {
        what: what.to_owned(),
        needed: length,
        found: (bytes.len() as u64).saturating_sub(start),
    })
}

fn broken(what: impl Into<String>) -> Problem {
    Problem::malformed(ZIP, what)
}

// The callers have checked the length; a missing byte reads as 0 rather than panicking.
fn number_at(bytes: &[u8], at: usize, width: usize) -> u64 {
    (0..width).fold(0, |sum, i| sum | u64::from(bytes.get(at + i).copied().unwrap_or(0)) << (8 * i))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    number_at(bytes, at, 2) as u16
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    number_at(bytes, at, 4) as u32
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    number_at(bytes, at, 8)
}

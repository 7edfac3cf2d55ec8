//! Frames: byte strings in a row, each with its length and a checksum.

use alloc::vec::Vec;

/// Bytes of a frame before its body.
pub const PREFIX: usize = 8;

/// The most bytes of a body.
pub const BODY_MAX: usize = u32::MAX as usize;

/// Appends a frame whose body `put` appends. [`seal`] writes its checksum.
///
/// # Panics
/// When the body is larger than [`BODY_MAX`].
pub fn put(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    put(out);
    let length = u32::try_from(out.len() - start - PREFIX).expect("a body of at most BODY_MAX");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Writes the checksum of each of these whole frames.
pub fn seal(mut frames: &mut [u8]) {
    while let Some((length, rest)) = frames.split_first_chunk_mut::<4>() {
        let count = u32::from_le_bytes(*length) as usize;
        let (checksum, rest) = rest.split_at_mut(PREFIX - 4);
        let (body, rest) = rest.split_at_mut(count);
        checksum.copy_from_slice(&sum(*length, body).to_le_bytes());
        frames = rest;
    }
}

fn sum(length: [u8; 4], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(body);
    hasher.finalize()
}

/// Why there is no further body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoMore {
    /// Everything was read.
    End,
    /// The bytes end inside a frame, or hold nothing but zeros.
    Cut,
    /// A checksum does not match.
    Damaged,
}

/// Takes the first body off `bytes`.
pub fn take<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], NoMore> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(if bytes.is_empty() { NoMore::End } else { NoMore::Cut });
    };
    let Some((checksum, rest)) = rest.split_first_chunk::<4>() else { return Err(NoMore::Cut) };
    let count = u32::from_le_bytes(*length) as usize;
    let Some((body, rest)) = rest.split_at_checked(count) else { return Err(NoMore::Cut) };
    if u32::from_le_bytes(*checksum) != sum(*length, body) {
        let is_blank = bytes.iter().all(|byte| *byte == 0);
        return Err(if is_blank { NoMore::Cut } else { NoMore::Damaged });
    }
    *bytes = rest;
    Ok(body)
}

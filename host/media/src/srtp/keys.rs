//! Session keys from a master key (RFC 3711, 4.3; the key derivation rate is 0, as SDES has it unless it says otherwise).

use aes::Aes128;
use aes::cipher::{InnerIvInit as _, KeyInit as _, StreamCipher as _};
use ctr::{Ctr128BE, CtrCore};
use hmac::Hmac;
use sha1::Sha1;

/// What one direction encrypts and authenticates with.
pub(super) struct Session {
    pub(super) rtp: Keys,
    pub(super) rtcp: Keys,
}

/// Keys of RTP, or of RTCP.
pub(super) struct Keys {
    pub(super) cipher: Aes128,
    pub(super) mac: Hmac<Sha1>,
    pub(super) salt: [u8; 14],
}

impl Session {
    /// From a master key of 16 bytes and its salt of 14.
    pub(super) fn derive(master: &[u8; 30]) -> Session {
        Session { rtp: Keys::derive(master, 0), rtcp: Keys::derive(master, 3) }
    }
}

impl Keys {
    /// Labels are 0, 1, 2 for RTP and 3, 4, 5 for RTCP: encryption, authentication, salt.
    fn derive(master: &[u8; 30], label: u8) -> Keys {
        let (mut encryption, mut authentication, mut salt) = ([0; 16], [0; 20], [0; 14]);
        fill(master, label, &mut encryption);
        fill(master, label + 1, &mut authentication);
        fill(master, label + 2, &mut salt);
        Keys {
            cipher: Aes128::new(&encryption.into()),
            mac: Hmac::new_from_slice(&authentication).expect("invariant: HMAC takes keys of any length"),
            salt,
        }
    }
}

pub(super) fn fill(master: &[u8; 30], label: u8, out: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(&master[16..]);
    iv[7] ^= label;
    let mut key = [0; 16];
    key.copy_from_slice(&master[..16]);
    Ctr128BE::from_core(CtrCore::inner_iv_init(Aes128::new(&key.into()), &iv.into())).apply_keystream(out);
}

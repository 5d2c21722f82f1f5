//! What parent and child say to each other.
//!
//! Parent to child: a header of fixed size (bounds, the number of bytes that follow), then the component. Child to
//! parent: a header (which engine, what kind of answer, its length, its SHA-256), then compiled code or the reason why
//! there is none. Compiled code is machine code that will be run, so every field is checked before it is believed.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::CompileLimits;

const TASK: &[u8; 16] = b"gudok compile 1\n";
const ANSWER: &[u8; 16] = b"gudok compiled1\n";
/// Fingerprints of engines are 16 hexadecimal digits.
const FINGERPRINT: usize = 16;
const CODE: u8 = 0;
const REFUSED: u8 = 1;

/// The bounds and the size of what is to be compiled.
pub(super) struct Task {
    pub(super) memory_bytes: u64,
    pub(super) cpu_seconds: u64,
    pub(super) parallel: bool,
    pub(super) wasm_bytes: u64,
}

impl Task {
    pub(super) fn new(limits: &CompileLimits, parallel: bool, wasm: &[u8]) -> Self {
        let CompileLimits { memory_bytes, cpu_seconds, wall: _ } = *limits;
        Self { memory_bytes, cpu_seconds, parallel, wasm_bytes: wasm.len() as u64 }
    }

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(TASK)?;
        for number in [self.memory_bytes, self.cpu_seconds, u64::from(self.parallel), self.wasm_bytes] {
            to.write_all(&number.to_le_bytes())?;
        }
        Ok(())
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        if array::<16>(from)? != *TASK {
            return Err(io::Error::other("standard input does not begin as a task of compiling does"));
        }
        let mut number = || array(from).map(u64::from_le_bytes);
        Ok(Self { memory_bytes: number()?, cpu_seconds: number()?, parallel: number()? != 0, wasm_bytes: number()? })
    }
}

/// What came of it: code, or the compiler's words.
pub(super) type Outcome = Result<Vec<u8>, String>;

pub(super) fn write_answer(to: &mut impl Write, fingerprint: &str, outcome: &Outcome) -> io::Result<()> {
    let (kind, body) = match outcome {
        Ok(code) => (CODE, code.as_slice()),
        Err(reason) => (REFUSED, reason.as_bytes()),
    };
    to.write_all(ANSWER)?;
    to.write_all(fingerprint.as_bytes())?;
    to.write_all(&[kind])?;
    to.write_all(&(body.len() as u64).to_le_bytes())?;
    to.write_all(&Sha256::digest(body))?;
    to.write_all(body)?;
    to.flush()
}

/// Read an answer to its last byte; nothing may follow it.
pub(super) fn read_answer(from: &mut impl Read, fingerprint: &str, at_most: u64) -> io::Result<Outcome> {
    if array::<16>(from)? != *ANSWER {
        return Err(io::Error::other("it does not begin as an answer does"));
    }
    if array::<FINGERPRINT>(from)? != fingerprint.as_bytes() {
        return Err(io::Error::other(
            "it was compiled for another engine: is the program that compiles another version?",
        ));
    }
    let [kind] = array(from)?;
    let length = u64::from_le_bytes(array(from)?);
    let digest = array::<32>(from)?;
    if length > at_most {
        return Err(io::Error::other(format!("it claims {length} bytes of code")));
    }
    let mut body = Vec::new();
    from.take(length + 1).read_to_end(&mut body)?;
    if body.len() as u64 != length {
        return Err(io::Error::other(format!("{length} bytes were promised, {} came", body.len())));
    }
    if Sha256::digest(&body)[..] != digest {
        return Err(io::Error::other("its checksum is wrong"));
    }
    match kind {
        CODE => Ok(Ok(body)),
        REFUSED => Ok(Err(String::from_utf8_lossy(&body).into_owned())),
        other => Err(io::Error::other(format!("it is of unknown kind {other}"))),
    }
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = "0123456789abcdef";

    fn answer(outcome: &Outcome) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_answer(&mut bytes, ENGINE, outcome).expect("memory takes it");
        bytes
    }

    #[test]
    fn answers_arrive_as_they_were_sent() {
        for outcome in [Ok(vec![7; 1_000]), Err("unknown import".to_owned()), Ok(Vec::new())] {
            let bytes = answer(&outcome);
            assert_eq!(read_answer(&mut bytes.as_slice(), ENGINE, 1_000).expect("read"), outcome);
        }
    }

    #[test]
    fn nothing_is_believed_that_is_not_whole() {
        let whole = answer(&Ok(vec![7; 100]));
        let read = |bytes: &[u8]| read_answer(&mut &*bytes, ENGINE, 1_000);
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x40;
            assert!(read(&changed).is_err(), "byte {place}");
            assert!(read(&whole[..place]).is_err(), "cut at {place}");
        }
        assert!(read(&[whole.as_slice(), b"!"].concat()).is_err(), "something follows");
        assert!(read_answer(&mut whole.as_slice(), "another engine..", 1_000).is_err());
        assert!(read_answer(&mut whole.as_slice(), ENGINE, 99).is_err(), "larger than allowed");
    }
}

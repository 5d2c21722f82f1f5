//! Load for any SIP server: sipp does the signalling, this program is the callers' media.
//!
//! All calls send their sound to one socket here, told apart by where they come from, so that the load costs little
//! beside the server it measures on the same machine. The kernel stamps each packet when it is handed over: however late
//! this program gets to read it, the time is the one at which the server sent it.
//!
//! - [`sink`]: receives and stamps; [`callers`]: what the callers say; [`timing`]: what the stamps mean;
//! - [`sipp`]: the signalling; [`usage`]: what a process used of the machine;
//! - [`arguments`]: the command line; [`capacity`], [`keys`], [`soak`]: the three measurements.

mod arguments;
mod callers;
mod capacity;
mod keys;
mod sink;
mod sipp;
mod soak;
mod timing;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::arguments::Arguments;

const HELP: &str = "\
Calls a SIP server, many times at once, and times every packet that comes back.

phone-load capacity --server ADDRESS --pid PID [--calls 250,500,1000,2000] [--rate 50] [--seconds 20]
    Many calls at once, each with a prompt playing and a caller's sound: share of packets on time, CPU per packet pair.
phone-load keys --server ADDRESS --pid PID [--calls 4] [--keys 200] [--key 1]
    From the end of a key to the first sample of the prompt that answers it.
phone-load soak --server ADDRESS --pid PID [--calls 20000] [--rate 50] [--lasting 1000]
    Short calls without end: memory, descriptors and sockets before, meanwhile and after.

--server  its address for SIP over UDP     --pid      its process, for what it uses of the machine
--called  the number to call (100)         --number   the caller's number
--calls   calls at a time, in all (soak)   --rate     calls that begin in a second
--lasting of each call, milliseconds       --seconds  how long is measured once all calls are up
--scratch where sipp leaves its files (the system's folder for such)
";

/// The server that is measured.
struct Server {
    /// Its address for SIP over UDP.
    server: SocketAddr,
    /// The number to call.
    called: String,
    /// Its process id.
    pid: u32,
    /// The caller's number.
    number: String,
    /// Where sipp leaves its files.
    scratch: PathBuf,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let measure = words.next().unwrap_or_default();
    if matches!(measure.as_str(), "" | "help" | "-h" | "--help") {
        print!("{HELP}");
        return Ok(());
    }
    let mut given = Arguments::read(words)?;
    let server = Server {
        server: given.must("server")?,
        pid: given.must("pid")?,
        called: given.may("called", "100".into())?,
        number: given.may("number", "+79030000000".into())?,
        scratch: given.may("scratch", std::env::temp_dir())?,
    };
    let calls = given.may("calls", String::new())?;
    let number = |usual: u32| if calls.is_empty() { Ok(usual) } else { calls.parse() };
    match measure.as_str() {
        "capacity" => {
            let list = if calls.is_empty() { "250,500,1000,2000" } else { &calls };
            let list = list.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>()?;
            let (rate, seconds) = (given.may("rate", 50)?, given.may("seconds", 20)?);
            given.done()?;
            capacity::run(&server, &list, rate, seconds)
        }
        "keys" => {
            let (keys, key) = (given.may("keys", 200)?, given.may("key", '1')?);
            given.done()?;
            keys::run(&server, number(4)?, keys, key)
        }
        "soak" => {
            let (rate, lasting) = (given.may("rate", 50)?, given.may("lasting", 1_000)?);
            given.done()?;
            soak::run(&server, number(20_000)?, rate, lasting)
        }
        other => bail!("\"{other}\" is no measurement\n{HELP}"),
    }
}

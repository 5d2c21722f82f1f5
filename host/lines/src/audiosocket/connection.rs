//! One AudioSocket connection from its first byte to its hang-up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use audio::resample::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Incoming;
use super::announced::{Announcements, written};
use super::frame::{self, Frame};
use crate::door::{FRAME_SAMPLES, LINE_RATE};
use crate::socket::{Out, SocketEnd, pair};

/// Asterisk sends the UUID at once.
const FIRST_FRAME: Duration = Duration::from_secs(2);
/// Asterisk ends a call after 2 s without a frame, so while the conversation has nothing to send yet, silence goes out.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);
/// A caller who is heard for so long no more is gone, though nobody closed the connection. Long enough for music on hold.
const DEAD: Duration = Duration::from_secs(120);
/// A socket that takes nothing for so long is dead.
const STUCK: Duration = Duration::from_secs(5);
/// The longest frame there can be, twice.
const BUFFER: usize = 2 * (3 + u16::MAX as usize);

/// There is no room for this call.
pub(super) async fn refuse(mut stream: TcpStream) {
    timeout(STUCK, stream.write_all(&frame::HANG_UP)).await.ok();
}

/// Hold the connection until one side hangs up.
pub(super) async fn hold(
    stream: TcpStream,
    peer: SocketAddr,
    calls: &mpsc::Sender<Incoming>,
    announcements: &Announcements,
    announced_only: bool,
) {
    // Without this, frames of 20 ms wait for each other's acknowledgement.
    stream.set_nodelay(true).ok();
    let (reader, mut writer) = stream.into_split();
    let mut reader = Reader { reader, buffer: Vec::with_capacity(4_096), start: 0 };
    let id = match timeout(FIRST_FRAME, reader.next(|frame| if let Frame::Id(id) = frame { Some(id) } else { None }))
        .await
    {
        Ok(Some(Some(id))) => id,
        // Not a client of this protocol, or one that hung up at once.
        _ => return,
    };
    let announced = announcements.take(&id);
    if announced_only && announced.is_none() {
        return refuse_half(writer).await;
    }
    let (door, end) = pair();
    if calls.try_send(Incoming { id: written(&id), announced, peer, door }).is_err() {
        return refuse_half(writer).await;
    }
    let rate = AtomicU32::new(LINE_RATE);
    tokio::select! {
        () = hear(&mut reader, &end, &rate) => {}
        () = speak(&mut writer, &end, &rate) => {}
    }
    end.hung_up();
    refuse_half(writer).await;
}

async fn refuse_half(mut writer: OwnedWriteHalf) {
    timeout(STUCK, writer.write_all(&frame::HANG_UP)).await.ok();
    timeout(STUCK, writer.shutdown()).await.ok();
}

/// What arrives, until the other side hangs up.
async fn hear(reader: &mut Reader, end: &SocketEnd, rate: &AtomicU32) {
    let mut stream = Stream::new(LINE_RATE, LINE_RATE);
    loop {
        let step = reader.next(|frame| match frame {
            Frame::Audio { rate: now, bytes } => {
                if rate.swap(now, Ordering::Relaxed) != now {
                    stream = Stream::new(now, LINE_RATE);
                }
                let samples: Vec<i16> =
                    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
                end.hear(&stream.push(&samples));
                true
            }
            Frame::Key(key) => {
                end.key(key);
                true
            }
            Frame::HangUp | Frame::Error(_) => false,
            Frame::Id(_) | Frame::Unknown(_) => true,
        });
        if timeout(DEAD, step).await != Ok(Some(true)) {
            return;
        }
    }
}

/// What is said, at the pace the conversation gives and the rate the other side uses, until the conversation hangs up.
async fn speak(writer: &mut OwnedWriteHalf, end: &SocketEnd, rate: &AtomicU32) {
    let mut used = LINE_RATE;
    let mut stream = Stream::new(LINE_RATE, LINE_RATE);
    loop {
        let samples = match timeout(SIGN_OF_LIFE, end.next()).await {
            Ok(Some(Out::Frame(samples))) => samples,
            // Asterisk ends the call over a frame for a key, and what it has it plays at once.
            Ok(Some(Out::Keys(_) | Out::Flush)) => continue,
            Ok(None) => return,
            Err(_) => [0; FRAME_SAMPLES],
        };
        let now = rate.load(Ordering::Relaxed);
        if now != used {
            (used, stream) = (now, Stream::new(LINE_RATE, now));
        }
        let Some(bytes) = frame::audio(used, &stream.push(&samples)) else { continue };
        if !matches!(timeout(STUCK, writer.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Frames out of a stream.
struct Reader {
    reader: OwnedReadHalf,
    buffer: Vec<u8>,
    /// What was read of the buffer.
    start: usize,
}

impl Reader {
    /// What `take` makes of the next frame; none when the stream ended or is no AudioSocket. Safe to cancel.
    async fn next<T>(&mut self, take: impl FnOnce(Frame<'_>) -> T) -> Option<T> {
        loop {
            match frame::parse(&self.buffer[self.start..]) {
                Ok(Some((frame, took))) => {
                    let taken = take(frame);
                    self.start += took;
                    return Some(taken);
                }
                Ok(None) => {}
                Err(_) => return None,
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            // A frame has at most 64 kB, so the buffer cannot fill without one.
            if self.buffer.len() >= BUFFER || self.reader.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}

//! The door of a call over RTP, and the handle by which the signalling steers it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lines::{Door, FRAME_SAMPLES, Line, Pace, Quality, Received};

use crate::ports::RtpSocket;
use crate::stream::{Origin, Settings, Stream, Way};
use crate::{MediaError, Negotiated};

/// One caller over RTP.
///
/// `receive` and `send` are meant to be called every 20 ms from one thread. They never wait, and touch nothing that another
/// thread holds for longer than it takes to move a message.
pub struct RtpDoor {
    stream: Stream,
    socket: RtpSocket,
    shared: Arc<Shared>,
    began: Instant,
    frames: u64,
    over: Option<Ended>,
}

/// The signalling's side of a door. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct RtpControl {
    shared: Arc<Shared>,
}

/// Why a door is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The house hung up: the other side is to be told.
    HungUp,
    /// The signalling said that the other side is gone.
    Gone,
    /// Nothing came for too long: the other side is to be told, if it still listens.
    Silent,
}

struct Shared {
    /// There are orders: the door looks at nothing else as long as there are none.
    waiting: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    orders: VecDeque<Order>,
    quality: Option<Quality>,
    held: bool,
    line: Option<Arc<dyn Line>>,
    ended: Option<Ended>,
    on_end: Option<Box<dyn FnOnce(Ended) + Send>>,
}

enum Order {
    Agree(Box<Negotiated>),
    Hold(bool),
    Key(char),
    Gone,
}

/// Frames between two looks at the socket of RTCP, whose packets are seconds apart.
const RTCP_EVERY: u64 = 10;
/// Frames between two measures of quality.
const QUALITY_EVERY: u64 = 50;

impl RtpDoor {
    /// A door upon a pair of sockets, and its handle. Until the signalling has agreed on something, it is silent.
    pub fn new(socket: RtpSocket, settings: Settings) -> (RtpDoor, RtpControl) {
        let origin = Origin {
            ssrc: rand::random(),
            sequence: rand::random(),
            timestamp: rand::random(),
            seed: rand::random(),
            wall: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        let shared = Arc::new(Shared { waiting: AtomicBool::new(false), inner: Mutex::default() });
        let door = RtpDoor {
            stream: Stream::new(settings, origin),
            socket,
            shared: Arc::clone(&shared),
            began: Instant::now(),
            frames: 0,
            over: None,
        };
        (door, RtpControl { shared })
    }

    fn obey(&mut self, now: Duration) {
        if !self.shared.waiting.swap(false, Ordering::Acquire) {
            return;
        }
        let orders = std::mem::take(&mut self.shared.lock().orders);
        for order in orders {
            match order {
                // What cannot be done was refused when it was ordered.
                Order::Agree(agreed) => drop(self.stream.agree(*agreed, now)),
                Order::Hold(on) => self.stream.hold(on, now),
                Order::Key(key) => self.stream.told(key, now),
                Order::Gone => self.over = Some(Ended::Gone),
            }
        }
        self.shared.lock().held = self.stream.held();
    }

    fn drain(&mut self, now: Duration) {
        let stream = &mut self.stream;
        self.socket.rtp.drain(|datagram, source, age| stream.take(datagram, source, now.saturating_sub(age)));
        if self.frames.is_multiple_of(RTCP_EVERY) {
            self.socket
                .rtcp
                .drain(|datagram, source, age| stream.take_report(datagram, source, now.saturating_sub(age)));
        }
    }
}

impl Door for RtpDoor {
    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn receive(&mut self) -> Option<Received> {
        let now = self.began.elapsed();
        self.obey(now);
        self.drain(now);
        self.frames += 1;
        if self.frames.is_multiple_of(QUALITY_EVERY) {
            if self.over.is_none() && self.stream.dead(now) {
                self.over = Some(Ended::Silent);
            }
            self.shared.lock().quality = Some(self.stream.quality());
        }
        if self.over.is_some() {
            return None;
        }
        let socket = &self.socket;
        Some(self.stream.receive(now, |way, target, datagram| socket.send(way, target, datagram)))
    }

    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        if self.over.is_none() {
            let socket = &self.socket;
            let now = self.began.elapsed();
            self.stream.send(frame, now, |way, target, datagram| socket.send(way, target, datagram));
        }
    }

    fn flush(&mut self) {
        self.stream.flush();
    }

    fn send_digits(&mut self, digits: &str) {
        self.stream.press(digits);
    }

    fn held(&self) -> bool {
        self.stream.held()
    }

    fn line(&self) -> Option<Arc<dyn Line>> {
        self.shared.lock().line.clone()
    }

    fn quality(&self) -> Option<Quality> {
        Some(self.stream.quality())
    }
}

impl Drop for RtpDoor {
    fn drop(&mut self) {
        let now = self.began.elapsed();
        let socket = &self.socket;
        self.stream.leave(now, |way, target, datagram| socket.send(way, target, datagram));
        let ended = self.over.unwrap_or(Ended::HungUp);
        let mut inner = self.shared.lock();
        inner.quality = Some(self.stream.quality());
        inner.ended = Some(ended);
        let on_end = inner.on_end.take();
        drop(inner);
        if let Some(on_end) = on_end {
            on_end(ended);
        }
    }
}

impl RtpControl {
    /// Offer and answer came to this, for the first time or again. Takes effect with the next frame.
    pub fn negotiate(&self, agreed: Negotiated) -> Result<(), MediaError> {
        // Said here, where somebody can still answer for it.
        if let Some(keys) = &agreed.srtp {
            crate::srtp::Srtp::new(keys)?;
        }
        self.order(Order::Agree(Box::new(agreed)));
        Ok(())
    }

    /// We put the other side on hold, or took it back: its silence kills no call meanwhile.
    pub fn hold(&self, on: bool) {
        self.order(Order::Hold(on));
    }

    /// A key came with the signalling (SIP INFO).
    pub fn digit(&self, key: char) {
        self.order(Order::Key(key));
    }

    /// The other side is gone: the house hears no more of it.
    pub fn gone(&self) {
        self.order(Order::Gone);
    }

    /// What transfers can be asked of.
    pub fn set_line(&self, line: Arc<dyn Line>) {
        self.shared.lock().line = Some(line);
    }

    /// Calls back once, when the door is closed, from the thread that closed it; at once if it is already. Should not wait.
    pub fn on_end(&self, call: impl FnOnce(Ended) + Send + 'static) {
        let mut inner = self.shared.lock();
        match inner.ended {
            Some(ended) => {
                drop(inner);
                call(ended);
            }
            None => inner.on_end = Some(Box::new(call)),
        }
    }

    /// Why the door is closed; none while it is open.
    pub fn ended(&self) -> Option<Ended> {
        self.shared.lock().ended
    }

    /// How good the line is, measured every second and at the end.
    pub fn quality(&self) -> Option<Quality> {
        self.shared.lock().quality
    }

    /// Has the other side put us on hold?
    pub fn held(&self) -> bool {
        self.shared.lock().held
    }

    fn order(&self, order: Order) {
        self.shared.lock().orders.push_back(order);
        self.shared.waiting.store(true, Ordering::Release);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RtpSocket {
    fn send(&self, way: Way, target: std::net::SocketAddr, datagram: &[u8]) {
        match way {
            Way::Rtp => self.rtp.send(datagram, target),
            Way::Rtcp => self.rtcp.send(datagram, target),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::{Codec, PortSettings, Ports};

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn ports(range: (u16, u16)) -> Ports {
        Ports::new(PortSettings { range, ..PortSettings::default() }).expect("a range")
    }

    fn pair(ports: &Ports) -> [(RtpDoor, RtpControl); 2] {
        let sockets = [(); 2].map(|()| ports.open(LOCAL).expect("a pair"));
        let addresses = [sockets[1].local(), sockets[0].local()];
        let mut addresses = addresses.into_iter();
        sockets.map(|socket| {
            let (door, control) = RtpDoor::new(socket, Settings::default());
            let mut agreed = Negotiated::plain(Codec::Pcmu, 0, addresses.next().expect("one each"));
            agreed.dtmf = Some(101);
            control.negotiate(agreed).expect("it can be done");
            (door, control)
        })
    }

    /// Datagrams on the loopback are there as soon as they are sent, and keys wait for no buffer.
    #[test]
    fn keys_go_through_real_sockets() {
        let ports = ports((41_100, 41_119));
        let [(mut here, control), (mut there, _)] = pair(&ports);
        assert_eq!(there.receive().map(|received| received.digits), Some(Vec::new()));
        here.receive();
        here.send_digits("5");
        here.send(&[0; FRAME_SAMPLES]);
        assert_eq!(there.receive().map(|received| received.digits), Some(vec!['5']));
        control.digit('9');
        assert_eq!(here.receive().map(|received| received.digits), Some(vec!['9']));
        for _ in 0..3 {
            there.send(&[1_000; FRAME_SAMPLES]);
        }
        here.receive();
        assert_eq!(here.quality().map(|quality| quality.received), Some(3));
    }

    #[test]
    fn whoever_waits_is_told_the_end() {
        let ports = ports((41_120, 41_139));
        let [(mut here, control), (there, other)] = pair(&ports);
        let (told, tells) = std::sync::mpsc::channel();
        let tell = told.clone();
        other.on_end(move |ended| tell.send(ended).expect("somebody waits"));
        drop(there);
        assert_eq!(tells.recv(), Ok(Ended::HungUp));
        assert_eq!(other.ended(), Some(Ended::HungUp));
        control.gone();
        assert_eq!(here.receive(), None);
        assert_eq!(control.ended(), None);
        drop(here);
        control.on_end(move |ended| told.send(ended).expect("somebody waits"));
        assert_eq!(tells.recv(), Ok(Ended::Gone));
        assert_eq!(ports.free(), ports.pairs());
    }
}

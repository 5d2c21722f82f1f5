//! Visitors of web pages, and the WebSockets of providers and PBXs: their conversations are held where those of telephones
//! are.

use async_trait::async_trait;
use exchange::config::WebSocketKind;
use exchange::{Arrival, Exchange};
use flows::host::voice::Channel;
use session::trace::Tracer;
use session::{ChatDoor, FromVisitor, ToVisitor, Trace};
use tokio::sync::mpsc;
use web::{Calls, Kind, MediaSocket, Opening, Page, Said, Shown, ShownSender, Speaks, VisitLimits, Visits};

/// The visitors' routes, as the lines file wants them; none when it lets nobody in.
pub fn routes(exchange: &Exchange) -> Option<Visits> {
    let lines = exchange.lines();
    if lines.browsers.is_empty() && lines.websockets.is_empty() {
        return None;
    }
    let limits = VisitLimits { behind_proxy: lines.visitors.behind_proxy, ..VisitLimits::default() };
    let mut visits = Visits::new(std::sync::Arc::new(Visitors { exchange: exchange.clone() }), limits);
    if let Some(url) = &lines.visitors.url {
        visits = visits.known_as(url);
    }
    for browser in &lines.browsers {
        let page = Page { origins: browser.origins.clone(), call: browser.call, chat: browser.chat };
        visits = visits.with_page(browser.clinic.clone(), page);
    }
    for (name, socket) in &lines.websockets {
        let speaks = match socket.kind {
            WebSocketKind::Twilio => Speaks::Twilio,
            WebSocketKind::Asterisk => Speaks::Asterisk { answer: socket.answer },
        };
        let socket = MediaSocket {
            clinic: socket.clinic.clone(),
            speaks,
            secret: socket.token.as_ref().map(|token| token.reveal().to_owned()),
            public_url: socket.public_url.clone(),
        };
        visits = visits.with_socket(name.clone(), socket);
    }
    Some(visits)
}

struct Visitors {
    exchange: Exchange,
}

#[async_trait]
impl Calls for Visitors {
    fn full(&self) -> bool {
        self.exchange.is_full()
    }

    async fn spoken(&self, opening: Opening, door: Box<dyn lines::Door>, shown: ShownSender) {
        let Ok(place) = self.exchange.enter() else { return };
        let (tracer, traces) = Tracer::channel();
        let showing = tokio::spawn(show(traces, shown.clone()));
        let socket = self.exchange.lines().websockets.get(&opening.socket);
        let arrival = Arrival {
            clinic: opening.clinic,
            entry: socket.and_then(|socket| socket.entry),
            channel: if opening.kind == Kind::Browser { Channel::Browser } else { Channel::Phone },
            caller: opening.caller,
            line: opening.line,
            trunk: None,
            door,
            place,
        };
        self.exchange.hold(arrival, tracer).await;
        showing.await.ok();
        shown.send(Shown::Ended).ok();
    }

    async fn chat(&self, opening: Opening, mut said: mpsc::Receiver<Said>, shown: ShownSender) {
        let (door, mut visitor) = ChatDoor::open();
        let writing = async {
            while let Some(said) = said.recv().await {
                let from = match said {
                    Said::Words { text } => FromVisitor::Wrote(text),
                    Said::Left => FromVisitor::Left,
                };
                if visitor.send.send(from).is_err() {
                    return;
                }
            }
            visitor.send.send(FromVisitor::Left).ok();
            // The conversation says when it is over.
            std::future::pending::<()>().await;
        };
        let reading = async {
            let mut choices = Vec::new();
            while let Some(seen) = visitor.receive.recv().await {
                let sent = match seen {
                    ToVisitor::Says(text) => shown.send(Shown::Robot { text }),
                    ToVisitor::Offers(offered) => {
                        choices = offered;
                        continue;
                    }
                    ToVisitor::Listens(id) => shown.send(Shown::Question { id, choices: std::mem::take(&mut choices) }),
                    ToVisitor::Ended(reason) => {
                        if reason == call::EndReason::Transferred {
                            shown.send(Shown::Person { to: String::new() }).ok();
                        }
                        shown.send(Shown::Ended)
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
        };
        let held = self.exchange.write(&opening.clinic, door, Tracer::none());
        tokio::pin!(held);
        tokio::select! {
            _ = &mut held => {}
            () = async { tokio::join!(writing, reading); } => {}
        }
    }
}

/// What a visitor sees of their own call.
async fn show(mut traces: mpsc::UnboundedReceiver<Trace>, shown: ShownSender) {
    while let Some(trace) = traces.recv().await {
        let one = match trace {
            Trace::Robot { text, .. } => Shown::Robot { text },
            Trace::Caller { text, .. } => Shown::Caller { text },
            Trace::Keys { keys, .. } => Shown::Keys { keys },
            Trace::BargeIn { .. } => Shown::BargeIn,
            Trace::Ended(call::EndReason::Transferred) => Shown::Person { to: String::new() },
            _ => continue,
        };
        // Nobody may be looking; the call goes on.
        shown.send(one).ok();
    }
}

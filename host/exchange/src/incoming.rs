//! SIP calls as they come in: whose they are, whether there is room, and the answer.

use std::sync::Arc;
use std::time::Duration;

use desk::PhoneNumber;
use flows::host::voice::Channel;
use media::{PortSettings, Ports};
use session::trace::Tracer;
use sip::{Account, Admission, Endpoint, Incoming, Listen, Strangers, User};
use tokio::sync::mpsc;

use crate::config::{Lines, OperatorPhone, SipLine, Transport, Trunk};
use crate::consultation::Consultations;
use crate::dial::Dialler;
use crate::gate::{Gate, RETRY_AFTER};
use crate::leg::{self, Belongs};
use crate::observer::Observer;
use crate::replacing::{self, Carriers};
use crate::{Arrival, Exchange, ExchangeError, presence};

type Arriving = mpsc::Receiver<Incoming>;

/// Opens the signalling, where the lines file wants it.
pub(crate) async fn open(
    lines: &Arc<Lines>,
    gate: &Gate,
    observer: &Arc<dyn Observer>,
) -> Result<Option<(Dialler, Arriving)>, ExchangeError> {
    let (gate, observer) = (gate.clone(), Arc::clone(observer));
    let admit = move || match gate.is_open() {
        Ok(()) => Admission::Take,
        Err(why) => {
            observer.refused(why);
            Admission::Busy { retry_after: RETRY_AFTER }
        }
    };
    open_with(lines, Arc::new(admit)).await
}

/// The same with room for everybody, for a look at the line.
pub(crate) async fn open_ungated(lines: &Arc<Lines>) -> Result<Option<(Dialler, Arriving)>, ExchangeError> {
    open_with(lines, Arc::new(|| Admission::Take)).await
}

async fn open_with(lines: &Arc<Lines>, admit: sip::Admit) -> Result<Option<(Dialler, Arriving)>, ExchangeError> {
    let Some(sip) = &lines.sip else { return Ok(None) };
    let config = sip::Config { admit, ..settings(sip, lines) };
    let ports = ports(sip, lines)?;
    let (endpoint, arriving) = Endpoint::start(config).await?;
    let dialler = Dialler {
        endpoint,
        ports,
        lines: Arc::clone(lines),
        consultations: Consultations::default(),
        carriers: Carriers::default(),
    };
    Ok(Some((dialler, arriving)))
}

fn settings(sip: &SipLine, lines: &Lines) -> sip::Config {
    let listen = |transport, addresses: &[std::net::SocketAddr]| {
        addresses.iter().map(move |address| Listen { transport, address: *address }).collect::<Vec<_>>()
    };
    let mut all = listen(sip::Transport::Udp, &sip.udp);
    all.extend(listen(sip::Transport::Tcp, &sip.tcp));
    all.extend(listen(sip::Transport::Tls, &sip.tls));
    let users = lines.operators.iter().filter_map(|operator| match &operator.phone {
        OperatorPhone::Registers { extension, password } => {
            Some(User { name: extension.clone(), password: password.reveal().to_owned() })
        }
        OperatorPhone::Address(_) => None,
    });
    sip::Config {
        listen: all,
        external: sip.external_ip.into_iter().collect(),
        local_networks: sip.local_nets.clone(),
        realm: sip.realm.clone(),
        trunks: lines.trunks.iter().map(trunk).collect(),
        users: users.collect(),
        strangers: Strangers::Refuse,
        tls: sip::Tls { certificate: sip.tls_cert.clone(), key: sip.tls_key.clone(), authorities: sip.tls_ca.clone() },
        ..sip::Config::default()
    }
}

fn trunk(trunk: &Trunk) -> sip::Trunk {
    let bare = |text: &String| text.trim_start_matches("sips:").trim_start_matches("sip:").to_owned();
    sip::Trunk {
        server: trunk.registrar.as_ref().map(bare),
        proxy: trunk.proxy.as_ref().map(bare),
        transport: match trunk.transport.unwrap_or_default() {
            Transport::Udp => sip::Transport::Udp,
            Transport::Tcp => sip::Transport::Tcp,
            Transport::Tls => sip::Transport::Tls,
        },
        transport_fixed: trunk.transport.is_some(),
        account: trunk.username.as_ref().map(|user| Account {
            user: user.clone(),
            password: trunk.password.as_ref().map(|word| word.reveal().to_owned()).unwrap_or_default(),
            auth_user: trunk.auth_username.clone(),
        }),
        register: trunk.register.then(|| Duration::from_secs(u64::from(trunk.expires_s))),
        addresses: trunk.allow.clone(),
        qualify: (trunk.qualify_s > 0).then(|| Duration::from_secs(u64::from(trunk.qualify_s))),
        ..sip::Trunk::named(trunk.name.clone())
    }
}

fn ports(sip: &SipLine, lines: &Lines) -> Result<Ports, media::MediaError> {
    let mut listening = sip.udp.iter().chain(&sip.tcp).chain(&sip.tls);
    let six = listening.clone().any(|address| address.is_ipv6());
    let four = listening.any(|address| address.is_ipv4());
    let usual = PortSettings::default();
    Ports::new(PortSettings {
        range: lines.media.ports,
        v4: usual.v4.filter(|_| four || !six),
        v6: six.then(|| std::net::Ipv6Addr::UNSPECIFIED.into()),
        external_ip: sip.external_ip,
        ..usual
    })
}

/// Takes calls until the lines are closed.
pub(crate) async fn run(exchange: Exchange, mut arriving: Arriving) {
    loop {
        tokio::select! {
            incoming = arriving.recv() => match incoming {
                Some(incoming) => drop(tokio::spawn(take(exchange.clone(), incoming))),
                None => return,
            },
            () = exchange.stopped() => return,
        }
    }
}

/// One call: answered and held, or refused with the reason.
async fn take(exchange: Exchange, incoming: Incoming) {
    if let Some(replaced) = incoming.replaces.as_ref().map(sip::Replaced::id) {
        return replacing::take(&exchange, &replaced, incoming).await;
    }
    if let Some(user) = incoming.user.clone() {
        return presence::phone_calls(&exchange, &user, incoming).await;
    }
    let Some(dialler) = &exchange.inner.dialler else { return };
    let lines = &exchange.inner.lines;
    let Some(trunk) = lines.trunk_of(incoming.trunk.as_deref(), incoming.source.ip(), &incoming.called) else {
        tracing::warn!(source = %incoming.source.ip(), "a call to a number that is no trunk's");
        return incoming.reject(404, "Not Found", None);
    };
    let place = match exchange.enter() {
        Ok(place) => place,
        Err(_) => return incoming.reject(503, "Service Unavailable", Some(RETRY_AFTER)),
    };
    let capabilities = leg::capabilities(&trunk.codecs, trunk.dtmf, trunk.srtp);
    let ends = match dialler.ends(incoming.source.ip(), capabilities, trunk.dtmf) {
        Ok(ends) => ends,
        Err(error) => {
            tracing::error!(%error, "a call could not be answered");
            return incoming.reject(503, "Service Unavailable", Some(RETRY_AFTER));
        }
    };
    let session = match incoming.body.as_deref() {
        Some(offer) => ends.sound.answer(offer),
        None => ends.sound.offer(),
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            tracing::warn!(trunk = trunk.name, %error, "a call whose sound cannot be agreed on");
            return incoming.reject(error.status(), "Not Acceptable Here", None);
        }
    };
    let caller = PhoneNumber::parse(&incoming.caller.number).map(|number| number.as_str().to_owned());
    let called = incoming.called.clone();
    let dialog = match incoming.answer(session).await {
        Ok(dialog) => dialog,
        Err(error) => return tracing::info!(%error, "a call was gone before it was answered"),
    };
    let belongs = Belongs { clinic: &trunk.clinic, trunk: Some(trunk), referrals: None };
    let door = leg::join(ends, dialog, belongs, &dialler.carriers);
    let arrival = Arrival {
        clinic: trunk.clinic.clone(),
        entry: trunk.entry,
        channel: Channel::Phone,
        caller,
        line: called,
        trunk: Some(trunk.name.clone()),
        door,
        place,
    };
    exchange.hold(arrival, Tracer::none()).await;
}

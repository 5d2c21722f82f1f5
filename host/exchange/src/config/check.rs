//! From what is written to what is meant: defaults, references between sections, and every mistake with its line.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use desk::{Mistake, RetryPlan, Step};
use records::Entry;
use sip::Network;
use toml::Spanned;

use super::raw::{self, Text};
use super::{
    AudioSocket, Browser, Clinics, Codec, Lines, MediaLine, MusicSource, Operator, OperatorPhone, Outgoing, Queue,
    RecordingLine, Secret, SipLine, Trunk, VisitorsLine, WebSocket, WebSocketKind,
};

const ENTRIES: [&str; 6] = ["auto", "day", "night", "overload", "reminder", "chat"];

pub(super) fn lines(text: &str, folder: &Path, clinics: &Clinics) -> Result<Lines, Vec<Mistake>> {
    let mut check = Check { text, folder, clinics, mistakes: Vec::new() };
    let file: raw::File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let (problem, hint) = split(error.message());
            check.mistake(error.span().unwrap_or(0..0), "", problem, &hint);
            return Err(check.mistakes);
        }
    };
    let lines = check.file(&file);
    if check.mistakes.is_empty() {
        return Ok(lines);
    }
    check.mistakes.sort_by_key(|mistake| mistake.line);
    Err(check.mistakes)
}

/// The first attempt at once, the others after these waits. Whole days keep the hour of the clinic's clock.
fn retry_plan(minutes: &[u32]) -> RetryPlan {
    let wait = |minutes: &u32| match minutes {
        days if days % 1_440 == 0 => Step::Days(days / 1_440),
        minutes => Step::Minutes(*minutes),
    };
    let steps = std::iter::once(Step::Minutes(0)).chain(minutes.iter().map(wait)).collect();
    RetryPlan { steps, ..RetryPlan::default() }
}

/// What serde says, as problem and hint: "unknown field `colour`, expected one of …".
fn split(message: &str) -> (String, String) {
    let message = message.replace('\n', ", ");
    match message.split_once(", expected ") {
        Some((problem, expected)) => {
            let problem = problem.replace("unknown field", "this key is not known:");
            (problem.replace("unknown variant", "this word is not known:"), format!("allowed: {expected}"))
        }
        None if message.starts_with("missing field") => (message, "write it; lines.sample.toml shows how".to_owned()),
        None => (message, String::new()),
    }
}

struct Check<'a> {
    text: &'a str,
    folder: &'a Path,
    clinics: &'a Clinics,
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    fn mistake(&mut self, at: Range<usize>, key: &str, problem: impl Into<String>, hint: &str) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.mistakes.push(Mistake { line, key: key.to_owned(), problem: problem.into(), hint: hint.to_owned() });
    }

    fn file(&mut self, file: &raw::File) -> Lines {
        let sip = file.sip.as_ref().map(|sip| self.sip(sip.get_ref()));
        let trunks: Vec<Trunk> = file.trunk.iter().map(|trunk| self.trunk(trunk)).collect();
        let operators: Vec<Operator> = file.operator.iter().map(|operator| self.operator(operator)).collect();
        let queues = file.queue.iter().map(|(name, queue)| (name.clone(), self.queue(name, queue, file))).collect();
        self.once(file.trunk.iter().map(|trunk| &trunk.get_ref().name), "trunk.name");
        self.once(file.operator.iter().map(|operator| &operator.get_ref().name), "operator.name");
        self.once(
            file.operator.iter().filter_map(|operator| operator.get_ref().extension.as_ref()),
            "operator.extension",
        );
        if sip.is_none() && (!trunks.is_empty() || !operators.is_empty()) {
            let first = file.trunk.first().map(Spanned::span).or_else(|| file.operator.first().map(Spanned::span));
            let hint = "add a [sip] section, for example with udp = [\"0.0.0.0:5060\"]";
            self.mistake(first.unwrap_or(0..0), "sip", "trunks and operators need SIP, and there is no [sip]", hint);
        }
        let outgoing = file.outgoing.as_ref().and_then(|outgoing| self.outgoing(outgoing, &trunks));
        Lines {
            sip,
            media: self.media(&file.media),
            recording: RecordingLine {
                on: file.recording.on.unwrap_or(true),
                dir: file.recording.dir.as_deref().map(|dir| self.folder.join(dir)),
            },
            trunks,
            operators,
            queues,
            audiosockets: file.audiosocket.iter().map(|socket| self.audiosocket(socket)).collect(),
            websockets: file
                .websocket
                .iter()
                .map(|(name, socket)| (name.clone(), self.websocket(name, socket)))
                .collect(),
            visitors: VisitorsLine {
                listen: file.visitors.listen.unwrap_or_else(|| std::net::SocketAddr::from(([127, 0, 0, 1], 8081))),
                url: self.url(file.visitors.url.as_ref(), "visitors.url"),
                behind_proxy: file.visitors.behind_proxy,
            },
            browsers: file.browser.iter().map(|browser| self.browser(browser)).collect(),
            outgoing,
        }
    }

    fn sip(&mut self, sip: &raw::Sip) -> SipLine {
        let tls = sip.tls.as_ref().map(|tls| tls.get_ref().clone()).unwrap_or_default();
        if let Some(written) = sip.tls.as_ref().filter(|tls| !tls.get_ref().is_empty())
            && (sip.tls_cert.is_none() || sip.tls_key.is_none())
        {
            let hint = "name both files, PEM: tls_cert = \"cert.pem\", tls_key = \"key.pem\"";
            self.mistake(written.span(), "sip.tls", "TLS needs a certificate and its key", hint);
        }
        let mut udp = sip.udp.clone();
        if udp.is_empty() && sip.tcp.is_empty() && tls.is_empty() {
            udp.push(std::net::SocketAddr::from(([0, 0, 0, 0], 5060)));
        }
        let path = |file: &Option<String>| file.as_deref().map(|file| self.folder.join(file));
        let (tls_cert, tls_key, tls_ca) = (path(&sip.tls_cert), path(&sip.tls_key), path(&sip.tls_ca));
        let local_nets = match &sip.local_nets {
            Some(nets) => self.nets(nets, "sip.local_nets"),
            None => Network::private(),
        };
        SipLine {
            udp,
            tcp: sip.tcp.clone(),
            tls,
            tls_cert,
            tls_key,
            tls_ca,
            external_ip: sip.external_ip,
            local_nets,
            max_calls: self.number(sip.max_calls.as_ref(), "sip.max_calls", 1..=20_000, 200),
            realm: sip.realm.clone().unwrap_or_else(|| "gudok".to_owned()),
        }
    }

    fn media(&mut self, media: &raw::Media) -> MediaLine {
        let mut ports = (20_000, 29_999);
        if let Some(text) = &media.ports {
            let read = text
                .get_ref()
                .split_once('-')
                .and_then(|(from, to)| Some((from.trim().parse::<u16>().ok()?, to.trim().parse::<u16>().ok()?)));
            match read.filter(|(from, to)| *from >= 1_024 && to.saturating_sub(*from) >= 1) {
                Some(read) => ports = read,
                None => {
                    let hint = "two ports from 1024 up, for example \"20000-29999\"; every call takes two";
                    self.mistake(
                        text.span(),
                        "media.ports",
                        format!("{:?} is no range of ports", text.get_ref()),
                        hint,
                    );
                }
            }
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        // Each ticks a thousand times a second: more than there are cores only costs.
        let shards = u32::try_from(cores.clamp(2, 16)).unwrap_or(2);
        MediaLine {
            ports,
            rtp_timeout_s: self.number(media.rtp_timeout.as_ref(), "media.rtp_timeout", 0..=3_600, 30),
            shards: self.number(media.shards.as_ref(), "media.shards", 1..=64, shards) as usize,
        }
    }

    fn trunk(&mut self, trunk: &Spanned<raw::Trunk>) -> Trunk {
        let (span, trunk) = (trunk.span(), trunk.get_ref());
        let name = trunk.name.get_ref().clone();
        let password = self.secret(&trunk.password, &trunk.password_file, &trunk.password_env, "trunk.password");
        let register = trunk.register.unwrap_or(trunk.registrar.is_some() && trunk.username.is_some());
        if register && (trunk.registrar.is_none() || trunk.username.is_none()) {
            let hint = "give registrar and username, or leave `register` out";
            self.mistake(span.clone(), "trunk.register", "to register, an account is needed", hint);
        }
        if trunk.registrar.is_none() && trunk.allow.is_empty() {
            let hint = "give a `registrar` to register at, or the addresses the provider calls from: allow = [\"203.0.113.7\"]";
            self.mistake(span.clone(), "trunk", format!("nobody could call through trunk {name:?}"), hint);
        }
        let codecs = match &trunk.codecs {
            Some(codecs) if codecs.get_ref().is_empty() => {
                self.mistake(
                    codecs.span(),
                    "trunk.codecs",
                    "a call needs a codec",
                    "leave the key out for all of them",
                );
                Vec::new()
            }
            Some(codecs) => codecs.get_ref().clone(),
            None => vec![Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus],
        };
        Trunk {
            clinic: self.clinic(trunk.clinic.as_ref(), span, "trunk.clinic"),
            entry: self.entry(trunk.entry.as_ref(), "trunk.entry"),
            registrar: trunk.registrar.as_ref().map(|text| text.get_ref().clone()),
            proxy: trunk.proxy.as_ref().map(|text| text.get_ref().clone()),
            transport: trunk.transport,
            username: trunk.username.as_ref().map(|text| text.get_ref().clone()),
            auth_username: trunk.auth_username.clone(),
            password,
            register,
            expires_s: self.number(trunk.expires.as_ref(), "trunk.expires", 30..=86_400, 300),
            qualify_s: self.number(trunk.qualify.as_ref(), "trunk.qualify", 0..=3_600, 60),
            allow: self.nets(&trunk.allow, "trunk.allow"),
            numbers: trunk.numbers.clone(),
            codecs,
            dtmf: trunk.dtmf,
            srtp: trunk.srtp,
            transfer: trunk.transfer,
            caller_id: trunk.caller_id.clone(),
            max_calls: trunk.max_calls.as_ref().map(|most| self.number(Some(most), "trunk.max_calls", 1..=20_000, 1)),
            name,
        }
    }

    fn operator(&mut self, operator: &Spanned<raw::Operator>) -> Operator {
        let (span, operator) = (operator.span(), operator.get_ref());
        let password =
            self.secret(&operator.password, &operator.password_file, &operator.password_env, "operator.password");
        let phone = match (&operator.extension, &operator.uri, password) {
            (Some(extension), None, Some(password)) => {
                OperatorPhone::Registers { extension: extension.get_ref().clone(), password }
            }
            (None, Some(uri), None) => {
                if !uri.get_ref().starts_with("sip:") && !uri.get_ref().starts_with("sips:") {
                    let hint = "for example uri = \"sip:101@192.168.0.10\"";
                    self.mistake(uri.span(), "operator.uri", format!("{:?} is no SIP address", uri.get_ref()), hint);
                }
                OperatorPhone::Address(uri.get_ref().clone())
            }
            _ => {
                let hint =
                    "either extension and password (the phone registers here), or uri alone (it is called there)";
                let problem = format!("where {:?} is reached is not clear", operator.name.get_ref());
                self.mistake(span.clone(), "operator", problem, hint);
                OperatorPhone::Address(String::new())
            }
        };
        Operator {
            name: operator.name.get_ref().clone(),
            clinic: self.clinic(operator.clinic.as_ref(), span, "operator.clinic"),
            phone,
            skills: operator.skills.clone(),
            priority: self.number(operator.priority.as_ref(), "operator.priority", 1..=100, 1),
            ready: operator.ready.unwrap_or(true),
            srtp: operator.srtp,
        }
    }

    fn queue(&mut self, name: &str, queue: &Spanned<raw::Queue>, file: &raw::File) -> Queue {
        let (span, queue) = (queue.span(), queue.get_ref());
        let clinic = self.clinic(queue.clinic.as_ref(), span, &format!("queue.{name}.clinic"));
        let has = |skill: &str| file.operator.iter().any(|one| one.get_ref().skills.iter().any(|own| own == skill));
        for skill in queue.skills.iter().filter(|skill| !has(skill.get_ref())) {
            let hint = "add it to the `skills` of an operator, or leave it out here";
            let problem = format!("no operator has the skill {:?}", skill.get_ref());
            self.mistake(skill.span(), &format!("queue.{name}.skills"), problem, hint);
        }
        if let Some(over) = queue
            .overflow
            .as_ref()
            .filter(|over| over.get_ref() == name || !file.queue.contains_key(over.get_ref().as_str()))
        {
            let known: Vec<&str> = file.queue.keys().map(String::as_str).filter(|known| *known != name).collect();
            let hint = format!("allowed: {}", known.join(", "));
            self.mistake(over.span(), &format!("queue.{name}.overflow"), "there is no such other queue", &hint);
        }
        let music = match queue.music() {
            MusicSource::File(path) => MusicSource::File(self.folder.join(path)),
            other => other,
        };
        if let (MusicSource::File(path), Some(word)) = (&music, &queue.music)
            && !path.is_file()
        {
            let hint = "a WAV file beside this one, or \"silence\"; without the key a melody of our own is played";
            self.mistake(
                word.span(),
                &format!("queue.{name}.music"),
                format!("{}: no such file", path.display()),
                hint,
            );
        }
        let key = |key: &str| format!("queue.{name}.{key}");
        Queue {
            name: name.to_owned(),
            clinic,
            lines: match &queue.lines {
                Some(lines) => lines.iter().map(|line| line.get_ref().clone()).collect(),
                None => vec![name.to_owned()],
            },
            strategy: queue.strategy,
            skills: queue.skills.iter().map(|skill| skill.get_ref().clone()).collect(),
            wrap_up_s: self.number(queue.wrap_up.as_ref(), &key("wrap_up"), 0..=3_600, 15),
            ring_s: self.number(queue.ring.as_ref(), &key("ring"), 5..=300, 20),
            max_waiting: self.number(queue.max_waiting.as_ref(), &key("max_waiting"), 0..=1_000, 20),
            max_wait_s: self.number(queue.max_wait.as_ref(), &key("max_wait"), 10..=7_200, 600),
            overload_after_s: self.number(queue.overload_after.as_ref(), &key("overload_after"), 0..=7_200, 180),
            announce_every_s: self.number(queue.announce_every.as_ref(), &key("announce_every"), 0..=600, 45),
            announce_position: queue.announce_position.unwrap_or(true),
            announce_wait: queue.announce_wait.unwrap_or(true),
            offer_callback: queue.offer_callback.unwrap_or(true),
            overflow: queue.overflow.as_ref().map(|over| over.get_ref().clone()),
            music,
            always_open: queue.always_open.unwrap_or(false),
            priority: self.number(queue.priority.as_ref(), &key("priority"), 0..=100, 0),
        }
    }

    fn audiosocket(&mut self, socket: &Spanned<raw::AudioSocket>) -> AudioSocket {
        let (span, socket) = (socket.span(), socket.get_ref());
        AudioSocket {
            listen: socket.listen,
            clinic: self.clinic(socket.clinic.as_ref(), span, "audiosocket.clinic"),
            entry: self.entry(socket.entry.as_ref(), "audiosocket.entry"),
            allow: self.nets(&socket.allow, "audiosocket.allow"),
            announced_only: socket.announced_only,
        }
    }

    fn websocket(&mut self, name: &str, socket: &Spanned<raw::WebSocket>) -> WebSocket {
        let (span, socket) = (socket.span(), socket.get_ref());
        let token =
            self.secret(&socket.token, &socket.token_file, &socket.token_env, &format!("websocket.{name}.token"));
        let kind = match socket.kind.get_ref().as_str() {
            "asterisk" => WebSocketKind::Asterisk,
            "twilio" => {
                if token.is_none() || socket.public_url.is_none() {
                    let hint =
                        "give the account's token (token_file) and public_url, the address as the provider knows it";
                    self.mistake(span.clone(), &format!("websocket.{name}"), "signatures could not be checked", hint);
                }
                WebSocketKind::Twilio
            }
            other => {
                let problem = format!("{other:?} is no kind of media WebSocket");
                self.mistake(
                    socket.kind.span(),
                    &format!("websocket.{name}.kind"),
                    problem,
                    "allowed: twilio, asterisk",
                );
                WebSocketKind::Asterisk
            }
        };
        WebSocket {
            name: name.to_owned(),
            kind,
            clinic: self.clinic(socket.clinic.as_ref(), span, &format!("websocket.{name}.clinic")),
            entry: self.entry(socket.entry.as_ref(), &format!("websocket.{name}.entry")),
            token,
            public_url: self.url(socket.public_url.as_ref(), &format!("websocket.{name}.public_url")),
            answer: socket.answer,
        }
    }

    fn browser(&mut self, browser: &Spanned<raw::Browser>) -> Browser {
        let (span, browser) = (browser.span(), browser.get_ref());
        Browser {
            clinic: self.clinic(browser.clinic.as_ref(), span, "browser.clinic"),
            origins: browser.origins.clone(),
            call: browser.call.unwrap_or(true),
            chat: browser.chat.unwrap_or(true),
        }
    }

    fn outgoing(&mut self, outgoing: &Spanned<raw::Outgoing>, trunks: &[Trunk]) -> Option<Outgoing> {
        let (span, outgoing) = (outgoing.span(), outgoing.get_ref());
        let known: Vec<&str> = trunks.iter().map(|trunk| trunk.name.as_str()).collect();
        let hint = format!(
            "allowed: {}",
            if known.is_empty() { "none, there are no trunks".into() } else { known.join(", ") }
        );
        let trunk = match &outgoing.trunk {
            Some(name) if known.contains(&name.get_ref().as_str()) => name.get_ref().clone(),
            Some(name) => {
                self.mistake(name.span(), "outgoing.trunk", format!("there is no trunk {:?}", name.get_ref()), &hint);
                return None;
            }
            None if known.len() == 1 => known[0].to_owned(),
            None => {
                self.mistake(span, "outgoing.trunk", "which trunk is dialled through is not clear", &hint);
                return None;
            }
        };
        let retry_minutes = match &outgoing.retry_minutes {
            Some(minutes) => {
                if minutes.get_ref().len() > 10 || minutes.get_ref().iter().any(|wait| *wait == 0 || *wait > 20_160) {
                    let hint = "at most ten waits of 1 to 20160 minutes, for example [30, 120, 1440]";
                    self.mistake(minutes.span(), "outgoing.retry_minutes", "this plan cannot be kept", hint);
                }
                minutes.get_ref().clone()
            }
            // Again after half an hour, after two hours, the next day, and once more after a week.
            None => vec![30, 120, 1_440, 10_080],
        };
        Some(Outgoing {
            trunk,
            callbacks: outgoing.callbacks,
            reminders: outgoing.reminders.unwrap_or(false),
            missed: outgoing.missed.unwrap_or(true),
            at_once: self.number(outgoing.at_once.as_ref(), "outgoing.at_once", 1..=100, 2),
            ring_s: self.number(outgoing.ring.as_ref(), "outgoing.ring", 5..=180, 30),
            retry: retry_plan(&retry_minutes),
            voicemail: outgoing.voicemail,
        })
    }

    /// The clinic of a section; with one clinic served it need not be named.
    fn clinic(&mut self, name: Option<&Text>, section: Range<usize>, key: &str) -> String {
        let known: Vec<&str> = self.clinics.keys().map(String::as_str).collect();
        let hint = format!("allowed: {}; others are served with --clinic", known.join(", "));
        match name {
            Some(name) if self.clinics.contains_key(name.get_ref().as_str()) => name.get_ref().clone(),
            Some(name) => {
                self.mistake(name.span(), key, format!("clinic {:?} is not served", name.get_ref()), &hint);
                String::new()
            }
            None => match known.as_slice() {
                [only] => (*only).to_owned(),
                _ => {
                    self.mistake(section, key, "several clinics are served, so each section names its own", &hint);
                    String::new()
                }
            },
        }
    }

    /// `https://host[:port]`.
    fn url(&mut self, url: Option<&Text>, key: &str) -> Option<String> {
        let url = url?;
        let host = url.get_ref().strip_prefix("https://").or_else(|| url.get_ref().strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.trim_end_matches('/').contains('/')) {
            let hint = "a server's address without a path, for example \"https://phone.example.com\"";
            self.mistake(url.span(), key, format!("{:?} is no such address", url.get_ref()), hint);
        }
        Some(url.get_ref().trim_end_matches('/').to_owned())
    }

    fn entry(&mut self, word: Option<&Text>, key: &str) -> Option<Entry> {
        let word = word.filter(|word| word.get_ref() != "auto")?;
        let entry = word.get_ref().parse::<Entry>().ok();
        if entry.is_none() {
            let hint = format!("allowed: {}", ENTRIES.join(", "));
            self.mistake(word.span(), key, format!("{:?} is no occasion of a call", word.get_ref()), &hint);
        }
        entry
    }

    fn nets(&mut self, texts: &[Text], key: &str) -> Vec<Network> {
        let mut nets = Vec::new();
        for text in texts {
            let one = text.get_ref().trim();
            match one.parse() {
                Ok(net) => nets.push(net),
                Err(_) => {
                    let hint = "an address or a network, for example \"203.0.113.7\" or \"10.1.0.0/16\"";
                    self.mistake(text.span(), key, format!("{one:?} is no IP address"), hint);
                }
            }
        }
        nets
    }

    fn number(
        &mut self,
        number: Option<&Spanned<u32>>,
        key: &str,
        allowed: std::ops::RangeInclusive<u32>,
        usual: u32,
    ) -> u32 {
        let Some(number) = number else { return usual };
        if !allowed.contains(number.get_ref()) {
            let hint = format!("allowed: {} to {}", allowed.start(), allowed.end());
            self.mistake(number.span(), key, format!("{} is out of range", number.get_ref()), &hint);
        }
        *number.get_ref()
    }

    /// A password: written here, in a file, or in an environment variable.
    fn secret(&mut self, here: &Option<Text>, file: &Option<Text>, env: &Option<Text>, key: &str) -> Option<Secret> {
        let given: Vec<&Text> = [here, file, env].into_iter().flatten().collect();
        if let [_, second, ..] = given.as_slice() {
            self.mistake(second.span(), key, "it is given twice", "keep one of them: the word itself, _file or _env");
        }
        if let Some(word) = here {
            return Some(Secret(word.get_ref().clone()));
        }
        if let Some(file) = file {
            let path: PathBuf = self.folder.join(file.get_ref());
            return match std::fs::read_to_string(&path) {
                Ok(word) if !word.trim().is_empty() => Some(Secret(word.trim().to_owned())),
                Ok(_) => {
                    self.mistake(
                        file.span(),
                        key,
                        format!("{} is empty", path.display()),
                        "write the password into it",
                    );
                    None
                }
                Err(error) => {
                    let problem = format!("{} cannot be read: {error}", path.display());
                    self.mistake(file.span(), key, problem, "a file with nothing but the password, beside this one");
                    None
                }
            };
        }
        let name = env.as_ref()?;
        match std::env::var(name.get_ref()) {
            Ok(word) if !word.is_empty() => Some(Secret(word)),
            _ => {
                let problem = format!("the environment has no {}", name.get_ref());
                self.mistake(name.span(), key, problem, "set it for the program, or use _file");
                None
            }
        }
    }

    fn once<'t>(&mut self, names: impl Iterator<Item = &'t Text>, key: &str) {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name.get_ref().clone()) {
                let problem = format!("{:?} is there already", name.get_ref());
                self.mistake(name.span(), key, problem, "give each its own");
            }
        }
    }
}

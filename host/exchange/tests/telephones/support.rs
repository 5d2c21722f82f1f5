//! An exchange on a free port, and telephones that call it or are called by it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use audio::Pcm;
use desk::{Clinic, Desk};
use exchange::config::Lines;
use exchange::observer::Observer;
use exchange::{Exchange, House, Parts};
use flows::{Engine, Flow, Limits, Options};
use lines::{Beat, Door, FRAME_SAMPLES, LINE_RATE, Paced, Pacer, Quality};
use media::sdp::{Capabilities, Local, OfferAnswer};
use media::{PortSettings, Ports, RtpControl, RtpDoor};
use records::Store;
use rollout::{Library, Routes, Switchboard};
use session::meaning::Meaning;
use session::tagging::Tagger;
use session::{Hearing, Stage};
use sip::{Callee, Dialog, Endpoint, Incoming, Listen, Outgoing, Party, Progress, Strangers, Transport};
use speech::recogniser::{Listen as ListenTo, Transcript};
use speech::voice::{Mouth, Prompts, Voice};
use speech::{Ears, Recogniser, SpeechError};
use tempfile::TempDir;
use tokio::sync::mpsc;

const CLINIC: &str = include_str!("../../../../clinics/vet_lapa.toml");
/// Nobody waits longer than this for anything; reached only when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Engine::with_options(Options { limits: Limits::default(), max_calls: 16, threads: 1, ..Options::default() })
        .expect("an engine")
});

/// Every text is a beep of 0.3 s at 700 Hz.
struct Beeps;

impl Voice for Beeps {
    fn id(&self) -> &str {
        "beeps"
    }

    fn synthesise(&self, _text: &str) -> Result<Pcm, SpeechError> {
        Ok(audio::tone::sines(&[(700.0, -12.0)], 300, LINE_RATE))
    }
}

struct Deaf;

impl Recogniser for Deaf {
    fn id(&self) -> &str {
        "deaf"
    }

    fn transcribe(&self, _audio: &Pcm, _listen: &ListenTo) -> Result<Transcript, SpeechError> {
        Ok(Transcript::default())
    }
}

/// What an exchange told of its calls.
#[derive(Default)]
pub struct Told {
    pub ended: Mutex<Vec<(String, Option<Quality>)>>,
    pub refused: Mutex<usize>,
}

impl Observer for Told {
    fn ended(&self, _clinic: &str, outcome: &str, quality: Option<Quality>) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push((outcome.to_owned(), quality));
    }

    fn refused(&self, _why: exchange::gate::Full) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
}

/// A running exchange. No flow answers: the robot hands every caller to a person.
pub struct Clinical {
    pub exchange: Exchange,
    pub store: Store,
    pub told: Arc<Told>,
    pub at: SocketAddr,
    _folder: TempDir,
}

/// Starts an exchange with this lines file; `{sip}` in it stands for a section that listens on a free port.
pub async fn clinic(lines: &str) -> Clinical {
    clinic_with(lines, None).await
}

/// A flow that says something for as long as anybody listens.
const TALKS: &str = r#"(component
    (import "gudok:types/types@0.1.0" (instance $types
      (type $info-fields (record (field "code" string) (field "message" string)))
      (export "error-info" (type $info (eq $info-fields)))
      (type $error-cases (variant (case "hangup") (case "timeout") (case "denied" string)
        (case "unavailable" string) (case "other" $info)))
      (export "error" (type (eq $error-cases)))))
    (alias export $types "error" (type $error))
    (import "gudok:voice/voice@0.1.0" (instance $voice
      (export "error" (type $e (eq $error)))
      (type $barge-in-cases (enum "none" "digits" "speech"))
      (export "barge-in" (type $barge-in (eq $barge-in-cases)))
      (type $said-cases (enum "complete" "interrupted"))
      (export "said" (type $said (eq $said-cases)))
      (type $heard (result $said (error $e)))
      (export "say" (func (param "text" string) (param "barge-in" $barge-in) (result $heard)))))
    (core module $memory
      (memory (export "memory") 1)
      (data (i32.const 64) "hello")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
    (core instance $memory (instantiate $memory))
    (alias core export $memory "memory" (core memory $m))
    (core func $say (canon lower (func $voice "say") (memory $m) (realloc (func $memory "realloc"))))
    (core module $program
      (import "host" "memory" (memory 1))
      (import "host" "say" (func $say (param i32 i32 i32 i32)))
      (func $run (export "run") (result i32)
        (loop $again
          (call $say (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 1024))
          (br_if $again (i32.eqz (i32.load8_u (i32.const 1024)))))
        (i32.const 0)))
    (core instance $program (instantiate $program (with "host" (instance
      (export "memory" (memory $m)) (export "say" (func $say))))))
    (func (export "run") (result (result (error string)))
      (canon lift (core func $program "run") (memory $m))))"#;

/// A clinic whose robot talks on and on.
pub async fn talkative(lines: &str) -> Clinical {
    clinic_with(lines, Some(ENGINE.compile("talks", &wat::parse_str(TALKS).unwrap()).unwrap())).await
}

async fn clinic_with(lines: &str, flow: Option<Arc<Flow>>) -> Clinical {
    let folder = tempfile::tempdir().unwrap();
    // Open at whatever hour the tests run.
    let always = CLINIC.replace("\"09:00-21:00\"", "\"00:00-24:00\"").replace("\"10:00-20:00\"", "\"00:00-24:00\"");
    let clinic = Arc::new(Clinic::parse(&always, "vet_lapa.toml").unwrap());
    let clinics = BTreeMap::from([(clinic.id.clone(), Arc::clone(&clinic))]);
    let lines =
        lines.replace("{sip}", "[sip]\nudp = [\"127.0.0.1:0\"]\n[media]\nports = \"32000-32999\"\nshards = 2\n");
    let lines = Lines::parse(&lines, "lines.toml", folder.path(), &clinics).unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    let library = Library::open(folder.path().join("flows"), store.clone(), ENGINE.clone()).unwrap();
    let stage = Stage {
        engine: ENGINE.clone(),
        flows: match flow {
            Some(flow) => Switchboard::fixed_with(flow, store.clone()),
            None => Switchboard::open(Routes::new(library), None).await.unwrap(),
        },
        desk: Arc::new(Desk::new(Arc::clone(&clinic), store.clone())),
        meaning: Arc::new(Meaning::new(&clinic)),
        classifier: Arc::new(Tagger::embedded()),
        store: store.clone(),
        people: Arc::new(session::ClinicLines),
    };
    let mouth = Mouth::new(vec![Arc::new(Beeps)], Prompts::default(), &folder.path().join("voice")).unwrap();
    let hearing = Hearing::with_pacer(Ears::new(Arc::new(Deaf), 1), Arc::new(mouth), Pacer::start(2));
    let told = Arc::new(Told::default());
    let parts = Parts {
        lines,
        houses: vec![House { clinic, stage, hearing }],
        recordings: folder.path().join("recordings"),
        observer: Arc::clone(&told) as _,
    };
    let exchange = Exchange::start(parts).await.unwrap();
    let at = exchange.listening()[0].address;
    Clinical { exchange, store, told, at, _folder: folder }
}

/// A telephone: signalling on a free port, and sound.
pub struct Phone {
    pub endpoint: Endpoint,
    incoming: mpsc::Receiver<Incoming>,
    ports: Ports,
    pacer: Pacer,
}

/// A call as the telephone has it.
pub struct OnPhone {
    pub dialog: Dialog,
    pub ear: Arc<Mutex<Ear>>,
}

/// What a telephone does and hears.
#[derive(Default)]
pub struct Ear {
    /// The level this telephone speaks at.
    pub level: i16,
    /// Sends nothing at all, as a phone whose network is gone.
    pub mute: bool,
    /// Keys to be pressed.
    pub press: String,
    /// Frames that were louder than a whisper.
    pub loud: usize,
    /// The loudest sample of the latest frame.
    pub latest: u16,
}

impl Phone {
    pub async fn new() -> Phone {
        Phone::with(sip::Config::default(), Ipv4Addr::LOCALHOST).await
    }

    /// A telephone of the house, registered as `name`.
    pub async fn registered(at: SocketAddr, name: &str, password: &str) -> Phone {
        Phone::registered_from(Ipv4Addr::LOCALHOST, at, name, password).await
    }

    /// The same at an address of its own, where no trunk is: it may call by itself.
    pub async fn registered_from(ip: Ipv4Addr, at: SocketAddr, name: &str, password: &str) -> Phone {
        let trunk = sip::Trunk {
            server: Some(at.to_string()),
            account: Some(sip::Account { user: name.to_owned(), password: password.to_owned(), auth_user: None }),
            register: Some(Duration::from_secs(60)),
            ..sip::Trunk::named("home")
        };
        let phone = Phone::with(sip::Config { trunks: vec![trunk], ..sip::Config::default() }, ip).await;
        let mut state = phone.endpoint.trunk("home").unwrap();
        let there = state.wait_for(|state| matches!(state.registration, sip::Registration::Registered { .. }));
        tokio::time::timeout(PATIENCE, there).await.expect("it registers").unwrap();
        phone
    }

    async fn with(config: sip::Config, ip: Ipv4Addr) -> Phone {
        let listen = Listen { transport: Transport::Udp, address: SocketAddr::from((ip, 0)) };
        let config = sip::Config { listen: vec![listen], strangers: Strangers::Admit, ..config };
        let (endpoint, incoming) = Endpoint::start(config).await.unwrap();
        let ports = Ports::new(PortSettings { range: (33_000, 33_999), ..PortSettings::default() }).unwrap();
        Phone { endpoint, incoming, ports, pacer: Pacer::start(1) }
    }

    /// Where it listens.
    pub fn at(&self) -> SocketAddr {
        self.endpoint.addresses()[0].address
    }

    fn ends(&self) -> (RtpDoor, RtpControl, OfferAnswer) {
        let socket = self.ports.open(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        let local = Local::new(socket.local().ip(), socket.local().port(), 7);
        let (rtp, control) = RtpDoor::new(socket, media::Settings::default());
        (rtp, control, OfferAnswer::new(Capabilities::default(), local))
    }

    fn talk(&self, rtp: RtpDoor) -> Arc<Mutex<Ear>> {
        let ear = Arc::new(Mutex::new(Ear::default()));
        self.pacer.add(Box::new(Handset { rtp, ear: Arc::clone(&ear) }));
        ear
    }

    /// Calls the exchange; the error is the status of a refusal.
    pub async fn call(&self, at: SocketAddr, number: &str, caller: &str) -> Result<OnPhone, u16> {
        let mut outgoing = Outgoing::new(Callee::Uri(format!("sip:{number}@{at}")), None);
        outgoing.caller = Party { number: caller.to_owned(), display: None };
        self.place(outgoing).await
    }

    /// Calls in the place of a call that another telephone has with the exchange.
    pub async fn call_in_place_of(&self, at: SocketAddr, other: &Dialog) -> Result<OnPhone, u16> {
        let mut outgoing = Outgoing::new(Callee::Uri(format!("sip:100@{at}")), None);
        outgoing.caller = Party { number: "79037654321".to_owned(), display: None };
        outgoing.headers = vec![("Replaces".to_owned(), other.as_replaces())];
        self.place(outgoing).await
    }

    async fn place(&self, outgoing: Outgoing) -> Result<OnPhone, u16> {
        let (rtp, control, mut talks) = self.ends();
        let offer = talks.offer(media::Direction::SendRecv).unwrap();
        let mut dialling = self.endpoint.call(Outgoing { body: Some(offer), ..outgoing });
        loop {
            match tokio::time::timeout(PATIENCE, dialling.next()).await.expect("an answer").expect("a last word") {
                Progress::Ringing { .. } => {}
                Progress::Answered { dialog, body } => {
                    control.negotiate(talks.accept(&body.unwrap()).unwrap()).unwrap();
                    return Ok(OnPhone { dialog, ear: self.talk(rtp) });
                }
                Progress::Failed { status, .. } => return Err(status),
            }
        }
    }

    /// A registered telephone dials by itself.
    pub async fn dial(&self, number: &str) -> Result<OnPhone, u16> {
        let outgoing =
            Outgoing { trunk: Some("home".to_owned()), ..Outgoing::new(Callee::Number(number.to_owned()), None) };
        self.place(outgoing).await
    }

    /// The next call that makes this telephone ring.
    pub async fn rings(&mut self) -> Incoming {
        tokio::time::timeout(PATIENCE, self.incoming.recv()).await.expect("it rings").unwrap()
    }

    pub async fn answer(&self, incoming: Incoming) -> OnPhone {
        let (rtp, control, mut talks) = self.ends();
        let (answer, agreed) = talks.answer(incoming.body.as_deref().unwrap()).unwrap();
        control.negotiate(agreed).unwrap();
        let dialog = incoming.answer(answer).await.unwrap();
        OnPhone { dialog, ear: self.talk(rtp) }
    }
}

impl OnPhone {
    pub fn with<T>(&self, what: impl FnOnce(&mut Ear) -> T) -> T {
        what(&mut self.ear.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Until something holds of what is heard.
    pub async fn until(&self, what: &str, holds: impl Fn(&Ear) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !self.with(|ear| holds(ear)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("never heard: {what}"));
    }

    /// Until the other side hangs up.
    pub async fn over(&mut self) {
        tokio::time::timeout(PATIENCE, self.dialog.over()).await.expect("the call ends");
    }
}

struct Handset {
    rtp: RtpDoor,
    ear: Arc<Mutex<Ear>>,
}

impl Paced for Handset {
    fn frame(&mut self) -> Beat {
        let Some(received) = self.rtp.receive() else { return Beat::Over };
        let mut ear = self.ear.lock().unwrap_or_else(PoisonError::into_inner);
        ear.latest = received.audio.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        ear.loud += usize::from(ear.latest > 1_000);
        let (level, press, mute) = (ear.level, std::mem::take(&mut ear.press), ear.mute);
        drop(ear);
        if mute {
            return Beat::On;
        }
        if !press.is_empty() {
            self.rtp.send_digits(&press);
        }
        // A square wave: every frame of it is as loud as it says.
        self.rtp.send(&std::array::from_fn(|n| if n / 8 % 2 == 0 { level } else { -level }));
        Beat::On
    }
}

const _: () = assert!(FRAME_SAMPLES == 160);

/// Until the records say something.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never came: {what}"))
}

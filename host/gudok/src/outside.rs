//! What goes on beside the calls: reminders and the list of people to call, the week's report, other systems, chats, traces, and
//! the terms of personal data; as `connections.toml` wants it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use chat::{Channels, Office, Signed, Telegram, Webhook};
use connections::{ConnectionError, Connections};
use desk::{Clinic, Desk, HttpOwner, OwnerSettings};
use exchange::Exchange;
use jiff::Timestamp;
use outreach::requests::{Arrival, Intake, Refused};
use outreach::send::{Email, ExchangeJobs};
use outreach::{Gateways, Outreach};
use records::Store;
use reports::CategoryInfo;
use serde::Deserialize;
use serde_json::{Value, json};
use telemetry::Exporter;
use tokio::sync::watch;
use tokio::task::JoinSet;
use web::{Gate, Inbound, NotTaken, Sent};
use weekly::Weekly;

use crate::chat_robot::ChatRobot;
use crate::place::Place;

/// How often orders of visits that the owner of a schedule has not settled are looked at.
const SETTLE: Duration = Duration::from_secs(60);
const TELEGRAM: &str = "https://api.telegram.org";
const HOUR_MS: i64 = 3_600_000;

type Clinics = BTreeMap<String, Arc<Clinic>>;
type Desks = BTreeMap<String, Arc<Desk>>;
/// What calls of each clinic may be about.
type Categories = BTreeMap<String, Vec<CategoryInfo>>;

/// The file, read.
#[derive(Default)]
pub struct Outside {
    settings: connections::Settings,
    gateways: Gateways,
    owners: BTreeMap<String, OwnerSettings>,
    chat: Chats,
    forms: Forms,
    report: Option<weekly::Settings>,
    telemetry: Option<telemetry::Settings>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Chats {
    telegram: Option<Bot>,
    messengers: Vec<Messenger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bot {
    clinic: String,
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Messenger {
    name: String,
    clinic: String,
    secret: String,
    #[serde(default)]
    to: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Forms {
    secret: Option<String>,
}

/// What is running.
pub struct Running {
    /// Takes what other programs send.
    pub inbound: Arc<dyn Inbound>,
    tasks: JoinSet<()>,
}

impl Outside {
    /// The file that is named, else `connections.toml` in the home folder where there is one; without either, nothing is
    /// connected.
    pub fn read(named: Option<&Path>, place: &Place, clinics: &Clinics) -> Result<Outside> {
        let usual = place.home.join("connections.toml");
        let file = named.map(Path::to_owned).or_else(|| usual.is_file().then_some(usual));
        file.map_or_else(|| Ok(Outside::default()), |file| Self::load(&file, clinics))
    }

    fn load(file: &PathBuf, clinics: &Clinics) -> Result<Outside> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("{name}: cannot be read"))?;
        let env = |name: &str| std::env::var(name).ok();
        let settings = connections::Settings::read(&text, &name, &env)?;
        let gateways = match settings.room("gateways") {
            Some(table) => Gateways::read(toml::Value::Table(table.clone()), &env).context(name.clone())?,
            None => Gateways::default(),
        };
        let section = |room: &str| toml::Value::Table(settings.room(room).cloned().unwrap_or_default());
        let mut owners: BTreeMap<String, OwnerSettings> =
            section("owners").try_into().with_context(|| format!("{name}: [owners]: see docs/schedule.md"))?;
        let mut chat: Chats =
            section("chat").try_into().with_context(|| format!("{name}: [chat]: see docs/chat.md"))?;
        let mut forms: Forms = section("forms").try_into().with_context(|| format!("{name}: [forms]"))?;
        let secret = |text: &mut String, place: &str| -> Result<()> {
            let Some(variable) = text.strip_prefix("env:") else { return Ok(()) };
            let value = env(variable);
            *text = value.with_context(|| format!("{name}: {place}: the variable {variable} is not set"))?;
            Ok(())
        };
        for (clinic, owner) in &mut owners {
            if let Some(token) = &mut owner.token {
                secret(token, &format!("[owners.{clinic}] token"))?;
            }
        }
        if let Some(bot) = &mut chat.telegram {
            secret(&mut bot.token, "[chat.telegram] token")?;
        }
        for messenger in &mut chat.messengers {
            secret(&mut messenger.secret, &format!("[[chat.messengers]] {} secret", messenger.name))?;
        }
        if let Some(text) = &mut forms.secret {
            secret(text, "[forms] secret")?;
        }
        let named = owners.keys().map(|clinic| ("owners", clinic));
        let named = named.chain(chat.telegram.iter().map(|bot| ("chat.telegram", &bot.clinic)));
        let named = named.chain(chat.messengers.iter().map(|one| ("chat.messengers", &one.clinic)));
        for (section, clinic) in named {
            if !clinics.contains_key(clinic) {
                let known = clinics.keys().cloned().collect::<Vec<_>>().join(", ");
                bail!("{name}: [{section}]: no clinic {clinic:?} is served; there is {known}");
            }
        }
        let table = |room: &str| settings.room(room).map(|table| toml::Value::Table(table.clone()));
        let ids: Vec<&str> = clinics.keys().map(String::as_str).collect();
        let report = table("report").map(|section| weekly::Settings::read(section, &ids)).transpose();
        let report = report.context(name.clone())?;
        if report.is_some() && gateways.email.is_none() {
            bail!("{name}: [report] sends by e-mail: say by which server, in [gateways.email] (docs/outreach.md)");
        }
        let telemetry = table("telemetry").map(|section| telemetry::Settings::read(section, &env)).transpose();
        let telemetry = telemetry.context(name.clone())?;
        Ok(Outside { settings, gateways, owners, chat, forms, report, telemetry })
    }

    /// The desks of the clinics; those whose schedule another system owns ask it.
    pub fn desks(&self, clinics: &Clinics, store: &Store) -> Result<Desks> {
        let mut desks = Desks::new();
        for (id, clinic) in clinics {
            let mut desk = Desk::new(Arc::clone(clinic), store.clone());
            if let Some(owner) = self.owners.get(id) {
                let owner = HttpOwner::new(owner).map_err(|problem| anyhow!("[owners.{id}]: {problem}"))?;
                desk = desk.with_owner(Arc::new(owner));
            }
            desks.insert(id.clone(), Arc::new(desk));
        }
        Ok(desks)
    }

    /// Starts everything; it ends when `stopping` says so.
    pub async fn start(
        self,
        desks: &Desks,
        categories: Categories,
        store: &Store,
        exchange: Option<&Exchange>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Running> {
        let now_ms = Timestamp::now().as_millisecond();
        let mut tasks = JoinSet::new();
        let dialler = ExchangeJobs { store: store.clone() };
        let mut settings = outreach::Settings::new(store, &self.gateways, dialler)?;
        settings.desks = desks.values().filter(|desk| self.owners.contains_key(&desk.clinic().id)).cloned().collect();
        let clinics = desks.values().map(|desk| Arc::clone(desk.clinic()));
        let outreach = Arc::new(Outreach::new(store.clone(), clinics, settings));
        tasks.spawn({
            let (outreach, stopping) = (Arc::clone(&outreach), stopping.clone());
            async move { outreach::run(outreach, told(stopping)).await }
        });

        if let (Some(report), Some(server)) = (self.report, &self.gateways.email) {
            let post = Email::new(server.clone())?;
            let clinics = desks.values().map(|desk| Arc::clone(desk.clinic()));
            let weekly = Weekly::new(store.clone(), clinics, categories, report, post);
            tasks.spawn(weekly::run(weekly, told(stopping.clone())));
        }
        if let Some(settings) = self.telemetry {
            let exporter = Exporter::new(store.clone(), settings, now_ms).await?;
            let clock = || Timestamp::now().as_millisecond();
            tasks.spawn(telemetry::run(exporter, clock, stopping.clone()));
        }

        let connections = Connections::new(store.clone(), &self.settings, now_ms).await?;
        let houses = desks.iter().map(|(id, desk)| (id.clone(), Arc::clone(desk) as Arc<dyn connections::House>));
        let houses = houses.collect();
        tasks.spawn({
            let (connections, stopping) = (connections.clone(), stopping.clone());
            async move {
                if let Err(error) = connections::run(connections, houses, stopping).await {
                    tracing::error!(%error, "the connections to other systems ended");
                }
            }
        });

        let offices: BTreeMap<String, Office> = desks
            .iter()
            .map(|(id, desk)| (id.clone(), Office::new(store.clone(), Arc::clone(desk.clinic()), exchange.is_some())))
            .collect();
        let mut channels = Channels::new();
        let mut messengers = BTreeMap::new();
        for one in &self.chat.messengers {
            let webhook = Arc::new(Webhook::new(&one.name, &one.secret, one.to.clone())?);
            channels.insert(one.name.clone(), Arc::clone(&webhook) as Arc<dyn chat::Channel>);
            messengers.insert(one.name.clone(), (one.clinic.clone(), webhook));
        }
        if let Some(bot) = &self.chat.telegram
            && let Some(office) = offices.get(&bot.clinic).cloned()
        {
            // Nothing comes to a webhook here, so its word is nobody's.
            let telegram = Arc::new(Telegram::new(TELEGRAM, &bot.token, &records::id())?);
            channels.insert("telegram".to_owned(), Arc::clone(&telegram) as Arc<dyn chat::Channel>);
            let stopping = stopping.clone();
            tasks.spawn(async move { telegram.poll(&office, stopping).await });
        }
        let robot = exchange.cloned().map(|exchange| Arc::new(ChatRobot::new(exchange)) as Arc<dyn chat::Robot>);
        tasks.spawn(chat::run(offices.values().cloned().collect(), robot, channels, stopping.clone()));
        if !self.owners.is_empty() {
            tasks.spawn(settle(desks.values().cloned().collect(), stopping));
        }
        let intake = Intake { secret: self.forms.secret.map(String::into_bytes), ..Intake::default() };
        let gates = Gates { outreach, connections, offices, messengers, intake, addresses: Mutex::default() };
        Ok(Running { inbound: Arc::new(gates), tasks })
    }
}

impl Running {
    /// Waits for what is under way; to be called after everything was told to stop.
    pub async fn end(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "something beside the calls broke off");
            }
        }
    }
}

async fn settle(desks: Vec<Arc<Desk>>, stopping: watch::Receiver<bool>) {
    let mut stopped = std::pin::pin!(told(stopping));
    let mut minutes = tokio::time::interval(SETTLE);
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = minutes.tick() => {}
        }
        for desk in &desks {
            if let Err(error) = desk.settle_orders(Timestamp::now()).await {
                tracing::error!(clinic = desk.clinic().id, %error, "orders of visits could not be settled");
            }
        }
    }
}

/// Ready when the server stops.
async fn told(mut stopping: watch::Receiver<bool>) {
    stopping.wait_for(|stop| *stop).await.ok();
}

/// Takes what comes in.
struct Gates {
    outreach: Arc<Outreach>,
    connections: Connections,
    offices: BTreeMap<String, Office>,
    /// By name: whose, and how it signs.
    messengers: BTreeMap<String, (String, Arc<Webhook>)>,
    intake: Intake,
    /// Requests by address in the hour that is running.
    addresses: Mutex<(i64, HashMap<IpAddr, u32>)>,
}

#[async_trait]
impl Inbound for Gates {
    async fn take(&self, sent: Sent) -> Result<Value, NotTaken> {
        let now_ms = Timestamp::now().as_millisecond();
        match &sent.gate {
            Gate::Form(clinic) => self.form(clinic, &sent, now_ms).await,
            Gate::Portal(name) => {
                let body =
                    std::str::from_utf8(&sent.body).map_err(|_| refused(400, "unreadable", "this is no text"))?;
                let done = self.connections.portal_message(name, body, now_ms).await;
                done.map(|()| json!({})).map_err(|error| match error {
                    ConnectionError::Unknown { .. } => refused(404, "unknown-portal", "there is no such portal here"),
                    ConnectionError::WrongToken => refused(403, "wrong-token", &error.to_string()),
                    ConnectionError::BadMessage(_) => refused(400, "unreadable", &error.to_string()),
                    error => broken(&error),
                })
            }
            Gate::Messenger(name) => self.message(name, &sent, now_ms).await,
        }
    }
}

impl Gates {
    async fn form(&self, clinic: &str, sent: &Sent, now_ms: i64) -> Result<Value, NotTaken> {
        let arrival = Arrival {
            body: &sent.body,
            timestamp: sent.header("x-gudok-timestamp"),
            signature: sent.header("x-gudok-signature"),
            from_address: self.from(sent.address, now_ms),
            from_number: None,
        };
        match self.outreach.accept(clinic, &self.intake, &arrival).await {
            Ok(Ok(accepted)) => {
                let due = accepted.due.map(|due| due.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
                Ok(json!({ "id": accepted.id, "due": due, "known": accepted.known }))
            }
            Ok(Err(problem)) => {
                let status = match &problem {
                    Refused::Signature | Refused::Stale(_) => 403,
                    Refused::TooMany(_) => 429,
                    _ => 422,
                };
                Err(refused(status, problem.code(), &problem.to_string()))
            }
            Err(outreach::OutreachError::UnknownClinic(_)) => {
                Err(refused(404, "unknown-clinic", "there is no such clinic on this server"))
            }
            Err(error) => Err(broken(&error)),
        }
    }

    /// How many requests came from there in this hour before.
    fn from(&self, address: Option<IpAddr>, now_ms: i64) -> u32 {
        let Some(address) = address else { return 0 };
        let mut seen = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now_ms.div_euclid(HOUR_MS);
        if seen.0 != hour {
            *seen = (hour, HashMap::new());
        }
        let count = seen.1.entry(address).or_default();
        *count = count.saturating_add(1);
        *count - 1
    }

    async fn message(&self, name: &str, sent: &Sent, now_ms: i64) -> Result<Value, NotTaken> {
        let known = self.messengers.get(name).and_then(|(clinic, webhook)| Some((self.offices.get(clinic)?, webhook)));
        let Some((office, webhook)) = known else {
            return Err(refused(404, "unknown-messenger", "there is no messenger of this name here"));
        };
        let header = |name| sent.header(name).unwrap_or_default();
        let (id, timestamp, signature) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        let signed = Signed { id, timestamp, signature };
        let incoming = webhook.receive(signed, &sent.body, now_ms).map_err(|error| match error {
            chat::ChatError::Signature(_) => refused(403, "bad-signature", &error.to_string()),
            error => refused(422, "unreadable", &error.to_string()),
        })?;
        let received = office.visitor(&incoming, now_ms).await.map_err(|error| broken(&error))?;
        Ok(json!({ "thread": received.thread, "new": received.is_new }))
    }
}

fn refused(status: u16, code: &'static str, detail: &str) -> NotTaken {
    NotTaken { status, code, detail: detail.to_owned() }
}

fn broken(error: &dyn std::error::Error) -> NotTaken {
    tracing::error!(%error, "what came in could not be taken");
    refused(503, "try-again", "it could not be written down; send it again")
}

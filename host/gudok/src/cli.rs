//! The command line: every word a person can type, and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A voice front desk for clinics: answers the phone, books visits, and says what every call was about.
#[derive(Debug, Parser)]
#[command(name = "gudok", version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Where Gudok keeps its database, recordings and installed flows
    #[arg(long, global = true, env = "GUDOK_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,

    /// The database, if it is not in the home folder: a file, or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, global = true, env = "GUDOK_DB", hide_env_values = true, value_name = "PLACE")]
    pub db: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it all: three spoken calls, twelve tagged recordings, the report of non-target calls
    Demo(Demo),
    /// Hold one conversation with a flow, from a script or from recordings of the caller
    Call(Call),
    /// Turn recordings into text
    Transcribe(Transcribe),
    /// Say what calls were about: WAV files, or .jsonl with `id`, `text` (or `turns`) and, if you like, `clinic`
    Classify(Classify),
    /// Show what a phrase means to the robot
    Understand(Understand),
    /// Bring in recordings of a PBX: transcribe, tag and count them. Importing twice changes nothing
    Import(Import),
    /// Count: share of non-target calls in calls, minutes and money, service level, lost calls
    Report(Report),
    /// Go through the calls that wait for a person: read, listen, give the category with one key
    Review(Review),
    /// Tag recorded calls anew with the classifier in use, and say what changed. What people said stays
    Retag(Retag),
    /// Categories of a clinic's own, from 8 to 30 examples
    Category {
        #[command(subcommand)]
        command: Category,
    },
    /// Models: the classifier in use and how good it is; models of speech and of sentences, what is installed; fetch one
    Models {
        #[command(subcommand)]
        command: Models,
    },
    /// Flows: make them, try them, keep versions, roll them out and back, replay calls against them
    Flow {
        #[command(subcommand)]
        command: crate::commands::flow::Flow,
    },
    /// Train the classifier from a corpus of labelled calls; with a clinic's corrections, if it gets no worse. Half a minute,
    /// and some eight more where the model of sentences (e5-small) is installed: it learns their meaning, too
    Train(Train),
    /// Measure the classifier on labelled calls: per class, confusion, calibration, worst mistakes; also as a page
    Evaluate(Evaluate),
    /// Run the server: the pages in the browser, phone calls by the lines file, the API, /healthz, /metrics
    Serve(Serve),
    /// Who may come in: people, their roles, links to choose a password, tokens of the API
    User {
        #[command(subcommand)]
        command: User,
    },
    /// Let a month of a busy clinic pass in virtual time, with everything that goes wrong in one; leaves a database to look at
    Simulate(Simulate),
    /// Copy the database and note it, so that people who are forgotten later can be forgotten there too
    Backup(Backup),
    /// Backups that were made: forget people in them, or say that one was thrown away
    Backups {
        #[command(subcommand)]
        command: Backups,
    },
    /// The trail of who did and saw what
    Audit {
        #[command(subcommand)]
        command: Audit,
    },
    /// What is known of one person: show how much, export all of it, or forget them
    Person {
        #[command(subcommand)]
        command: Person,
    },
    /// Order a call: whoever answers talks to the clinic's flow for this occasion. Needs a running server with an `outgoing` section
    Dial(Dial),
    /// What is installed, what is missing and the command that installs it, whether this machine keeps up
    Doctor(Doctor),
    /// Compile one flow from standard input, within bounds; started by the other commands
    #[command(hide = true)]
    CompileFlow,
}

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person
    Table,
    /// For a program
    Json,
    /// For a spreadsheet
    Csv,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Where to leave recordings, database and report
    #[arg(long, default_value = "gudok-demo", value_name = "DIR")]
    pub out: PathBuf,
    /// Play the calls at the speed of a telephone instead of as fast as the machine can
    #[arg(long)]
    pub real_time: bool,
    /// Language of the report page
    #[arg(long, value_enum, default_value = "ru")]
    pub lang: Lang,
}

/// Languages of pages and screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Русский
    Ru,
    /// English
    En,
}

#[derive(Debug, Args)]
pub struct Speech {
    /// What listens
    #[arg(long, value_enum, default_value = "auto")]
    pub engine: Engine,
    /// What speaks: auto, festival, espeak, or a command that turns text on stdin into sound on stdout
    #[arg(long, default_value = "auto", value_name = "VOICE")]
    pub voice: String,
}

/// Recognition engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// The best that is installed
    Auto,
    /// whisper.cpp
    Whisper,
    /// Vosk
    Vosk,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("caller_side").required(true).args(["script", "wav"]))]
pub struct Call {
    /// The clinic: the id of one that ships, or a .toml file
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// The flow: a .wasm file, the name of one that was built, or a version of the library. Without it, what is deployed
    #[arg(long, value_name = "FLOW")]
    pub flow: Option<String>,
    /// The caller's side as a script: .toml (see `tests/scripts`), or a text file with one turn per line
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// The caller's side as recordings, one WAV per turn, in order
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub wav: Vec<PathBuf>,
    /// Speak the script instead of typing it: the caller through the telephone, the robot by voice
    #[arg(long, requires = "script")]
    pub spoken: bool,
    /// The number the line shows; a script may name its own
    #[arg(long, value_name = "NUMBER")]
    pub caller: Option<String>,
    /// When the call happens, in the clinic's zone: 2026-11-23T10:15. Without it, now
    #[arg(long, value_name = "MOMENT")]
    pub now: Option<jiff::civil::DateTime>,
    /// Where to leave the stereo recording of a spoken call
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// At the speed of a telephone instead of as fast as the machine can
    #[arg(long)]
    pub real_time: bool,
    #[command(flatten)]
    pub speech: Speech,
}

#[derive(Debug, Args)]
pub struct Transcribe {
    /// Recordings (WAV of any rate, mono or stereo)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to print: json has one object per file with `file`, `text`, `segments`
    #[arg(long, value_enum, default_value = "json")]
    pub format: Format,
    /// What listens
    #[arg(long, value_enum, default_value = "auto")]
    pub engine: Engine,
}

#[derive(Debug, Args)]
pub struct Classify {
    /// WAV recordings, or .jsonl files; `-` reads jsonl from standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Clinics to judge services by: ids of those that ship, .toml files, folders of them, or lists (.json, .jsonl) of what
    /// clinics offer. A line's own `clinic` picks among them; with one clinic, lines without one are judged by it
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Vec<String>,
    /// Another trained classifier than the one in use
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// How to print recordings; jsonl is always answered in jsonl
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// What listens
    #[arg(long, value_enum, default_value = "auto")]
    pub engine: Engine,
}

/// What a phrase may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Slot {
    /// A day and a time
    Datetime,
    /// Yes or no
    Yesno,
    /// A phone number
    Phone,
    /// A person's name
    Name,
    /// An animal
    Animal,
    /// The entry of the clinic's FAQ that answers (needs --clinic)
    Faq,
    /// Why the caller speaks
    Intent,
    /// How old the patient is
    Age,
    /// What the patient suffers from, and whether a life is in danger
    Symptom,
    /// Whether a life is in danger
    Urgency,
}

#[derive(Debug, Args)]
pub struct Understand {
    /// What to look for
    #[arg(value_enum)]
    pub slot: Slot,
    /// The phrase; without it, use --jsonl
    pub text: Option<String>,
    /// Read lines with `id`, `text` and, if you like, `now`, `clinic` and `slot` from standard input, answer with lines. Lines
    /// with `id`, `question`, `answer` and `clinic` are FAQ entries for the questions that follow
    #[arg(long, conflicts_with = "text")]
    pub jsonl: bool,
    /// The moment of the call: 2026-11-23T10:15:00+03:00, or without the offset. Without it, now
    #[arg(long, value_name = "MOMENT")]
    pub now: Option<String>,
    /// Opening hours, for «в девять»
    #[arg(long, default_value = "09:00-21:00", value_name = "FROM-TO")]
    pub hours: String,
    /// Clinics (for faq, intent): ids, .toml files, folders of them, or lists (.json, .jsonl) of what clinics offer
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The folder with recordings (.wav)
    #[arg(required_unless_present_any = ["asterisk_queue_log", "asterisk_cdr"])]
    pub dir: Option<PathBuf>,
    /// What is known of them: a CSV with a header; see the guide for its columns
    #[arg(long, value_name = "FILE", conflicts_with_all = ["asterisk_queue_log", "asterisk_cdr"])]
    pub meta: Option<PathBuf>,
    /// An Asterisk's queue_log (and the files it was rotated to): who waited, who answered, who gave up
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub asterisk_queue_log: Vec<PathBuf>,
    /// An Asterisk's call detail records: cdr-csv/Master.csv or cdr-custom/Master.csv
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub asterisk_cdr: Vec<PathBuf>,
    /// An Asterisk's MixMonitor folder; recordings are found by the unique id in their names
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// The records' times are UTC (usegmtime=yes), not the clinic's
    #[arg(long)]
    pub asterisk_utc: bool,
    /// The clinic they belong to
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// How to print what was imported
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// What listens
    #[arg(long, value_enum, default_value = "auto")]
    pub engine: Engine,
}

#[derive(Debug, Args)]
pub struct Report {
    /// The clinic
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// First day: 2026-11-01. Without it, the first of this month
    #[arg(long, value_name = "DAY")]
    pub from: Option<jiff::civil::Date>,
    /// Last day, included. Without it, today
    #[arg(long, value_name = "DAY")]
    pub to: Option<jiff::civil::Date>,
    /// Also write it as one HTML page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Language of the page
    #[arg(long, value_enum, default_value = "ru")]
    pub lang: Lang,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Review {
    /// The clinic
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// Only calls that started on this day or later: 2026-11-01
    #[arg(long, value_name = "DAY")]
    pub since: Option<jiff::civil::Date>,
    /// Print the queue instead, in the order in which a look teaches most
    #[arg(long, conflicts_with = "set")]
    pub list: bool,
    /// Calls in the list, at most
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    pub limit: usize,
    /// Give calls their category without asking: CALL=CATEGORY, also several times. The call may be one that does not wait
    #[arg(long, value_name = "CALL=CATEGORY")]
    pub set: Vec<String>,
    /// Who says so. Without it, the name of the user
    #[arg(long = "as", value_name = "NAME", env = "GUDOK_USER")]
    pub by: Option<String>,
    /// Play nothing
    #[arg(long)]
    pub mute: bool,
    /// Language of the screen; the calls stay in theirs
    #[arg(long, value_enum, default_value = "ru")]
    pub lang: Lang,
    /// How to print the list
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Retag {
    /// The clinic
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// Only calls that started on this day or later: 2026-11-01
    #[arg(long, value_name = "DAY")]
    pub since: Option<jiff::civil::Date>,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Another trained classifier than the one in use; only to look (with --dry-run)
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub model: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
}

#[derive(Debug, Subcommand)]
pub enum Category {
    /// Make a category from examples; said again, it is made anew
    Add {
        /// A short name for the records: letters a-z, digits, `_`
        id: String,
        /// The clinic
        #[arg(long, value_name = "CLINIC")]
        clinic: String,
        /// What people read
        #[arg(long, value_name = "TEXT")]
        title: String,
        /// The same in English. Without it, the title
        #[arg(long, value_name = "TEXT")]
        title_en: Option<String>,
        /// Examples: .jsonl with `text` or `turns`, or .txt with one call per line; calls that people reviewed into this
        /// category are examples too
        #[arg(long, value_name = "FILE")]
        examples: Option<PathBuf>,
        /// Calls that sound like it and are not: same format
        #[arg(long, value_name = "FILE")]
        others: Option<PathBuf>,
        /// Such calls may lead to a visit
        #[arg(long)]
        target: bool,
        /// What the clinic can do about such calls; stands in the report
        #[arg(long, default_value = "", value_name = "TEXT")]
        advice: String,
        /// Who says so. Without it, the name of the user
        #[arg(long = "as", value_name = "NAME", env = "GUDOK_USER")]
        by: Option<String>,
    },
    /// The categories of a clinic, its own and those that ship
    List {
        /// The clinic
        #[arg(long, value_name = "CLINIC")]
        clinic: String,
        /// How to print
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Take a category away; calls that have it keep it until they are tagged anew
    Remove {
        /// Its short name
        id: String,
        /// The clinic
        #[arg(long, value_name = "CLINIC")]
        clinic: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Models {
    /// The classifier in use: where it is from, what it learned from and when, how good it is, at what it is bad; the
    /// engines that listen
    Info {
        /// Clinics whose own categories and corrections are told: ids, .toml files, or folders of them
        #[arg(long, value_name = "CLINIC")]
        clinic: Vec<String>,
        /// How to print
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// What there is, and what is installed
    List {
        /// How to print
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Fetch models; goes on where it was interrupted, checks what came
    Fetch {
        /// Their names, from `gudok models list`
        #[arg(required = true, value_name = "MODEL")]
        ids: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub struct Train {
    /// The corpus: a folder of labelled calls. Without it, the one inside the program
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// Learn from what people said in `gudok review` too. The new classifier replaces the one in use only if it is no
    /// worse on calls that neither has learned from, on the whole and in every category
    #[arg(long)]
    pub with_corrections: bool,
    /// Whose corrections, and clinics that they name: ids, .toml files, or folders of them. Without it, everybody's
    #[arg(long, value_name = "CLINIC", requires = "with_corrections")]
    pub clinic: Vec<String>,
    /// Where to write the weights. Without it, models/classifier/calls.gudokm; with corrections, the home folder
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Folds of the cross-validation by scenario that is reported, and that the confidence is calibrated on
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=20))]
    pub folds: u8,
    /// The day that is written into the weights; the same corpus and day give the same file. Without it, today
    #[arg(long, value_name = "DAY")]
    pub date: Option<jiff::civil::Date>,
}

#[derive(Debug, Args)]
pub struct Evaluate {
    /// Labelled calls: .jsonl with `text` or `turns`, `label`, `clinic`
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Clinics that the calls name
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Vec<String>,
    /// Another trained classifier than the one in use
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// How to print; html is one page with pictures
    #[arg(long, value_enum, default_value = "table")]
    pub format: EvaluationFormat,
    /// Where to write the page
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Language of the page
    #[arg(long, value_enum, default_value = "ru")]
    pub lang: Lang,
    /// Mistakes that are shown with their words, at most
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    pub mistakes: usize,
}

/// How an evaluation is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EvaluationFormat {
    /// For a person
    Table,
    /// For a program
    Json,
    /// The categories, for a spreadsheet
    Csv,
    /// One page
    Html,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: std::net::SocketAddr,
    /// The clinics that are served: ids of those that ship, files, or folders of files. Without it, those of the folder
    /// `clinics` in the home folder, which the browser helps to make
    #[arg(long, value_name = "CLINIC")]
    pub clinic: Vec<String>,
    /// Serve a clinic with a made-up month behind it, in a home of its own
    #[arg(long, conflicts_with_all = ["clinic", "lines", "connections"])]
    pub demo: bool,
    /// The lines file: where phone calls come from and who answers them (see docs/telephony.md). Without it, lines.toml in
    /// the home folder if there is one; without either, no calls are taken
    #[arg(long, value_name = "FILE")]
    pub lines: Option<PathBuf>,
    /// Reminders' gateways, webhooks, a CRM, messengers: the connections file (see docs/connections.md). Without it,
    /// connections.toml in the home folder if there is one
    #[arg(long, value_name = "FILE")]
    pub connections: Option<PathBuf>,
    /// Browsers come by https, through a proxy that ends it here: cookies are marked so, and addresses are taken from
    /// X-Forwarded-For
    #[arg(long)]
    pub https: bool,
    /// Let people sign in at an OpenID provider too: a .toml file, see docs/access.md
    #[arg(long, value_name = "FILE")]
    pub openid: Option<PathBuf>,
    /// Another name by which this server may be called: desk.clinic.ru. Several times
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    #[command(flatten)]
    pub speech: Speech,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// Where the database is left; must not be there yet
    #[arg(long, default_value = "simulation/gudok.db", value_name = "FILE")]
    pub out: PathBuf,
    /// The clinic: the id of one that ships, or a .toml file
    #[arg(long, default_value = "vet_lapa", value_name = "CLINIC")]
    pub clinic: String,
    /// The first day. Without it, as many days ago as there are
    #[arg(long, value_name = "DAY")]
    pub from: Option<jiff::civil::Date>,
    /// Days on which people call
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
    /// Calls
    #[arg(long, default_value_t = 2_000)]
    pub calls: u32,
    /// Visits that are to be booked
    #[arg(long, default_value_t = 900)]
    pub visits: u32,
    /// Requests of the site's form
    #[arg(long, default_value_t = 300)]
    pub requests: u32,
    /// People who write on the site
    #[arg(long, default_value_t = 150)]
    pub chats: u32,
    /// Nothing goes wrong
    #[arg(long)]
    pub no_faults: bool,
    /// Another number, other people
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Backup {
    /// Where to; must not be there yet. Without it, the backups there are
    #[arg(value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// One person, by their number.
#[derive(Debug, Args)]
pub struct WhichPerson {
    /// Clinic id
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// In any spelling
    #[arg(value_name = "NUMBER")]
    pub phone: String,
}

#[derive(Debug, Subcommand)]
pub enum Person {
    /// Everything as a .zip: data by kind as JSON, recordings, and what it is
    Export {
        #[command(flatten)]
        who: WhichPerson,
        /// Where to; must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Forget them: everything that tells of them is deleted; calls stay as numbers in reports
    Erase {
        #[command(flatten)]
        who: WhichPerson,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Backups {
    /// All there are, with how many people are still to be forgotten in each
    List,
    /// Forget in a backup the people who were forgotten since it was made
    Clean {
        /// Its id, as `gudok backups list` says it; without it, every one that has somebody to forget
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
    /// A backup was thrown away: nothing has to be forgotten in it any more
    Gone {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Follow the chain of hashes and name the first entry that was changed, taken out or put in between
    Verify {
        /// An end of the trail that was noted before, PLACE:HASH as this command prints it: finds an end that was cut off
        #[arg(long, value_name = "PLACE:HASH")]
        noted: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Let somebody in; prints the link by which they choose their password
    Add {
        /// What they type to sign in: an e-mail address or a name
        login: String,
        /// As others read it
        #[arg(long)]
        name: String,
        /// Language of their pages: ru or en
        #[arg(long, default_value = "ru", value_name = "LANG")]
        language: String,
        /// What they do: owner, manager, administrator, doctor, integrator; for one clinic as manager@CLINIC. Several times
        #[arg(long, required = true, value_name = "ROLE")]
        role: Vec<String>,
    },
    /// Everybody
    List {
        /// How to print
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// A new link to choose a password
    Link {
        /// Their login
        login: String,
    },
    /// Decide what somebody does; earlier roles end
    Role {
        /// Their login
        login: String,
        /// As in `add`
        #[arg(required = true, value_name = "ROLE")]
        role: Vec<String>,
    },
    /// Let somebody in no more
    Disable {
        /// Their login
        login: String,
    },
    /// Let somebody in again
    Enable {
        /// Their login
        login: String,
    },
    /// Make a token of the API; it may do no more than its owner
    Token {
        /// Whose it is
        login: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do: see_calls, hear_recordings, listen_in, take_over, correct_tags, see_report, see_visits,
        /// manage_visits, manage_requests, chat, manage_flows, manage_clinic, manage_users, export,
        /// erase_persons, audit. Several times
        #[arg(long, required = true, value_name = "PERMISSION")]
        scope: Vec<String>,
        /// Only at this clinic. Several times
        #[arg(long, value_name = "CLINIC")]
        clinic: Vec<String>,
        /// Ends after so many days
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
    },
}

#[derive(Debug, Args)]
pub struct Dial {
    /// Whom to call: +79031234567, or an extension behind the trunk
    pub number: String,
    /// Whose call it is
    #[arg(long, value_name = "CLINIC")]
    pub clinic: String,
    /// The occasion, which decides the flow: reminder, day, night, overload
    #[arg(long, default_value = "reminder", value_name = "OCCASION")]
    pub entry: String,
    /// Not before this moment, in the clinic's zone: 2026-11-23T10:15. Without it, now
    #[arg(long, value_name = "MOMENT")]
    pub at: Option<jiff::civil::DateTime>,
    /// A name for this call: ordered twice under one name it is placed once
    #[arg(long, value_name = "NAME")]
    pub once: Option<String>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// How to print
    #[arg(long, value_enum, default_value = "table")]
    pub format: Format,
    /// Leave out the measurements
    #[arg(long)]
    pub quick: bool,
    /// Look at one trunk of the lines file instead: register, call itself through it, let the sound come back, and say in
    /// words what keeps calls from working. `gudok serve` must not be running meanwhile
    #[arg(long, value_name = "TRUNK", requires = "clinic")]
    pub line: Option<String>,
    /// The lines file; without it, lines.toml in the home folder
    #[arg(long, value_name = "FILE", requires = "line")]
    pub lines: Option<PathBuf>,
    /// The clinics that the lines file names, as for `serve`
    #[arg(long, value_name = "CLINIC", requires = "line")]
    pub clinic: Vec<String>,
}

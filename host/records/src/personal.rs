//! The register of personal data: every text column of every table, what it holds, whose the row is, and what becomes of it.
//!
//! Erasure, retention and export work from this list alone. A migration that adds a text column adds a line here; a test walks
//! the real schema and names each column that is missing. Parents stand before their children.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A number, a name, words that somebody said: goes with the person, and looks like this afterwards.
    Personal(Blank),
    /// An id or a key that leads to a person only by other rows. It may stay.
    Pseudonym,
    /// Words of lists, names of staff, ids of things.
    Plain,
}

/// What stands in a personal column once the data is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blank {
    /// NULL.
    Null,
    /// An empty text.
    Empty,
    /// This text, for columns that must hold JSON.
    Text(&'static str),
    /// NULL where it is the person's number; another's number stays.
    NullIfNumber,
    /// Empty where it is the person's number.
    EmptyIfNumber,
    /// `erased-` and the row's id where it holds the number, for columns that must stay unique.
    OwnIfNumber,
    /// The tombstone: who has the clinic's key can try a number against it.
    Tombstone,
}

/// How a row is known to be a person's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// This column is their number; the table has a column `clinic`.
    Phone(&'static str),
    /// This column names a row of that table, which is theirs.
    Of(&'static str, &'static str),
    /// This text names the number, or one of their calls and other rows.
    Mentions(&'static str),
}

/// What becomes of a person's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The row goes.
    Delete,
    /// The row stays, for the figures, with its personal columns blank.
    Blank,
}

/// Which of a clinic's periods a table is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// What was heard.
    Audio,
    /// What was said, as text.
    Transcript,
    /// What flows asked of the host.
    Journal,
    /// Who it was.
    Contact,
    /// What the clinic wrote to people.
    Message,
    /// Written conversations.
    Chat,
}

/// When a table's rows are old.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) term: Term,
    /// The column with the row's time; none: the time of the row it belongs to.
    pub(crate) since: Option<&'static str>,
    /// A condition that keeps a row however old it is.
    pub(crate) unless: Option<&'static str>,
    /// Old rows go; else they stay as [`Fate`] says.
    pub(crate) delete: bool,
}

/// A table with its text columns.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// What it is called in the export that a person gets.
    pub(crate) russian: &'static str,
    pub(crate) whose: &'static [Whose],
    /// A row that is theirs makes these theirs too: column, table.
    pub(crate) brings: &'static [(&'static str, &'static str)],
    pub(crate) fate: Fate,
    /// What else is set where rows stay.
    pub(crate) also: &'static str,
    pub(crate) kept: Option<Kept>,
    pub(crate) columns: &'static [(&'static str, Holds)],
}

use Blank::{Empty, EmptyIfNumber, Null, NullIfNumber, OwnIfNumber, Text, Tombstone};
use Fate::{Blank as Blanked, Delete};
use Holds::{Personal, Plain, Pseudonym};
use Whose::{Mentions, Of, Phone};

const fn kept(term: Term, since: &'static str) -> Option<Kept> {
    Some(Kept { term, since: Some(since), unless: None, delete: false })
}

const fn kept_with_parent(term: Term) -> Option<Kept> {
    Some(Kept { term, since: None, unless: None, delete: false })
}

/// A table about things, not people.
const fn things(name: &'static str, columns: &'static [(&'static str, Holds)]) -> Table {
    Table { name, russian: "", whose: &[], brings: &[], fate: Blanked, also: "", kept: None, columns }
}

/// The tables, parents first.
pub(crate) const REGISTER: &[Table] = &[
    Table {
        name: "calls",
        russian: "Звонки",
        whose: &[Phone("caller")],
        brings: &[],
        fate: Blanked,
        also: "",
        kept: kept(Term::Contact, "started_ms"),
        columns: &[
            ("id", Pseudonym),
            ("clinic", Plain),
            ("timezone", Plain),
            ("source", Plain),
            ("direction", Plain),
            ("line", Plain),
            ("outcome", Plain),
            ("agent", Plain),
            ("flow_digest", Plain),
            ("end_reason", Plain),
            // A recording's file is often named by the caller's number.
            ("external_id", Personal(OwnIfNumber)),
            ("caller", Personal(NullIfNumber)),
            ("category", Plain),
            ("queue", Plain),
        ],
    },
    Table {
        name: "bookings",
        russian: "Записи на приём",
        whose: &[Phone("phone")],
        brings: &[("call", "calls")],
        fate: Blanked,
        also: "",
        kept: kept(Term::Contact, "end_ms"),
        columns: &[
            ("id", Pseudonym),
            ("visit", Pseudonym),
            ("clinic", Plain),
            ("timezone", Plain),
            ("doctor", Plain),
            ("service", Plain),
            ("status", Plain),
            ("phone", Personal(EmptyIfNumber)),
            ("person", Personal(Empty)),
            ("animal", Personal(Empty)),
            ("reason", Personal(Empty)),
            ("call", Pseudonym),
            ("species", Plain),
            ("branch", Plain),
            ("reason_code", Plain),
            // The visit's id in another system.
            ("external_id", Pseudonym),
        ],
    },
    things("booking_resources", &[("booking", Pseudonym), ("resource", Plain)]),
    // What the system that owns the schedule was asked; emptied once it is settled, too.
    Table {
        name: "owner_orders",
        russian: "Поручения внешнему расписанию",
        whose: &[Of("booking", "bookings")],
        brings: &[],
        fate: Blanked,
        also: "state = 'done'",
        kept: kept_with_parent(Term::Contact),
        columns: &[
            ("idempotency_key", Pseudonym),
            ("clinic", Plain),
            ("what", Plain),
            ("booking", Pseudonym),
            ("state", Plain),
            ("hold", Pseudonym),
            ("data", Personal(Text("null"))),
        ],
    },
    things("absences", &[("clinic", Plain), ("doctor", Plain), ("source", Plain), ("uid", Plain)]),
    Table {
        name: "booking_history",
        russian: "История записей на приём",
        whose: &[Of("booking", "bookings")],
        brings: &[],
        fate: Blanked,
        also: "",
        kept: kept_with_parent(Term::Contact),
        columns: &[
            ("booking", Pseudonym),
            ("status", Plain),
            ("made_by", Plain),
            ("reason", Personal(Empty)),
            ("reason_code", Plain),
            ("call", Pseudonym),
        ],
    },
    Table {
        name: "callbacks",
        russian: "Обещанные звонки",
        whose: &[Phone("phone")],
        brings: &[("call", "calls")],
        fate: Blanked,
        // Nobody can be called any more.
        also: "result = CASE WHEN status IN ('open', 'claimed') THEN 'erased' ELSE result END,
            closed_ms = CASE WHEN status IN ('open', 'claimed') THEN COALESCE(closed_ms, updated_ms) ELSE closed_ms END,
            status = CASE WHEN status IN ('open', 'claimed') THEN 'done' ELSE status END",
        kept: kept(Term::Contact, "updated_ms"),
        columns: &[
            ("id", Pseudonym),
            ("clinic", Plain),
            ("timezone", Plain),
            ("phone", Personal(EmptyIfNumber)),
            ("person", Personal(Empty)),
            ("reason", Personal(Empty)),
            ("status", Plain),
            ("result", Plain),
            ("call", Pseudonym),
            ("kind", Plain),
            ("visit", Pseudonym),
            ("message", Pseudonym),
            ("dedup", Pseudonym),
            ("claimed_by", Plain),
            ("lost_reason", Plain),
            ("merged_into", Pseudonym),
        ],
    },
    Table {
        name: "contact_attempts",
        russian: "Попытки дозвониться",
        whose: &[Of("contact", "callbacks")],
        brings: &[],
        fate: Blanked,
        also: "",
        kept: None,
        columns: &[("contact", Pseudonym), ("result", Plain), ("made_by", Plain), ("call", Pseudonym)],
    },
    Table {
        name: "messages",
        russian: "Сообщения клиники",
        whose: &[Phone("recipient"), Of("booking", "bookings"), Of("contact", "callbacks")],
        brings: &[],
        fate: Blanked,
        // Nobody can be written to any more.
        also: "state = CASE WHEN state = 'planned' THEN 'withdrawn' ELSE state END",
        kept: kept(Term::Message, "created_ms"),
        columns: &[
            ("id", Pseudonym),
            ("clinic", Plain),
            ("channel", Plain),
            ("recipient", Personal(Empty)),
            ("template", Plain),
            ("title", Personal(Empty)),
            ("body", Personal(Empty)),
            ("language", Plain),
            ("visit", Pseudonym),
            ("booking", Pseudonym),
            ("contact", Pseudonym),
            ("step", Plain),
            ("dedup", Pseudonym),
            ("state", Plain),
            ("attempt", Pseudonym),
            ("gateway_id", Pseudonym),
            ("problem", Plain),
            ("answer", Plain),
        ],
    },
    things("reminder_wakes", &[("visit", Pseudonym), ("clinic", Plain)]),
    Table {
        name: "turns",
        russian: "Реплики разговоров",
        whose: &[Of("call", "calls")],
        brings: &[("call", "calls")],
        fate: Delete,
        also: "",
        kept: kept_with_parent(Term::Transcript),
        columns: &[("call", Pseudonym), ("who", Plain), ("text", Personal(Empty))],
    },
    Table {
        name: "notes",
        russian: "Заметки к разговорам",
        whose: &[Of("call", "calls")],
        brings: &[("call", "calls")],
        fate: Delete,
        also: "",
        kept: kept_with_parent(Term::Transcript),
        columns: &[("call", Pseudonym), ("name", Plain), ("value", Personal(Empty))],
    },
    Table {
        name: "journal",
        russian: "Журналы разговоров",
        whose: &[Of("call", "calls")],
        brings: &[("call", "calls")],
        fate: Delete,
        also: "",
        kept: kept_with_parent(Term::Journal),
        columns: &[("call", Pseudonym), ("request", Personal(Empty)), ("reply", Personal(Empty)), ("seal", Plain)],
    },
    Table {
        name: "flow_runs",
        russian: "Ход разговоров с роботом",
        whose: &[Of("call", "calls")],
        brings: &[],
        fate: Blanked,
        also: "seal = NULL",
        kept: kept(Term::Journal, "started_ms"),
        columns: &[
            ("call", Pseudonym),
            ("clinic", Plain),
            ("entry", Plain),
            ("digest", Plain),
            ("role", Plain),
            // How the flow ended, in its own words.
            ("flow_end", Personal(Null)),
            ("seal", Plain),
            ("shadow_digest", Plain),
            ("shadow_verdict", Plain),
        ],
    },
    // A recorded call beside what a newer version would have done in it: what was said, once more.
    Table {
        name: "flow_trial_calls",
        russian: "Разговоры, на которых проверяли новую версию робота",
        whose: &[Of("call", "calls")],
        brings: &[],
        fate: Delete,
        also: "",
        kept: kept_with_parent(Term::Journal),
        columns: &[
            ("call", Pseudonym),
            ("trial", Plain),
            ("verdict", Plain),
            ("line", Personal(Empty)),
            ("compared", Personal(Empty)),
            ("seal", Plain),
        ],
    },
    Table {
        name: "tags",
        russian: "Категории звонков",
        whose: &[Of("call", "calls")],
        brings: &[],
        fate: Blanked,
        also: "",
        kept: kept_with_parent(Term::Transcript),
        columns: &[
            ("call", Pseudonym),
            ("category", Plain),
            // Places in the caller's text; a person may have added words of their own.
            ("evidence", Personal(Text("null"))),
            ("taxonomy_version", Plain),
            ("model_version", Plain),
            ("made_by", Plain),
        ],
    },
    Table {
        name: "call_events",
        russian: "События звонков",
        whose: &[Of("call", "calls")],
        brings: &[],
        fate: Blanked,
        also: "",
        kept: None,
        // `data` holds lengths and words of lists; the figures are made of it.
        columns: &[("call", Pseudonym), ("kind", Plain), ("agent", Plain), ("queue", Plain), ("data", Plain)],
    },
    Table {
        name: "reviews",
        russian: "Оценки категорий",
        whose: &[Of("call", "calls")],
        brings: &[],
        fate: Blanked,
        also: "",
        kept: None,
        columns: &[
            ("call", Pseudonym),
            ("category", Plain),
            ("was", Plain),
            ("was_by", Plain),
            ("was_model", Plain),
            ("made_by", Plain),
        ],
    },
    Table {
        name: "chat_threads",
        russian: "Переписки",
        whose: &[Phone("phone")],
        brings: &[],
        fate: Blanked,
        // Nobody can be answered any more.
        also: "state = 'closed', operator = NULL, waiting_ms = NULL",
        kept: kept(Term::Chat, "last_ms"),
        columns: &[
            ("id", Pseudonym),
            ("clinic", Plain),
            ("channel", Plain),
            ("external_id", Personal(Null)),
            ("phone", Personal(Empty)),
            ("person", Personal(Empty)),
            ("state", Plain),
            ("operator", Plain),
        ],
    },
    Table {
        name: "chat_messages",
        russian: "Сообщения переписок",
        whose: &[Of("thread", "chat_threads")],
        brings: &[("thread", "chat_threads")],
        fate: Delete,
        also: "",
        kept: kept_with_parent(Term::Chat),
        columns: &[
            ("thread", Pseudonym),
            ("who", Plain),
            ("operator", Plain),
            ("text", Personal(Empty)),
            ("buttons", Plain),
            ("canned", Plain),
            ("external_id", Pseudonym),
            ("delivery", Plain),
        ],
    },
    Table {
        name: "chat_waits",
        russian: "Ожидание ответа в переписках",
        whose: &[Of("thread", "chat_threads")],
        brings: &[],
        fate: Blanked,
        // Nobody waits any more, and nobody is to be blamed for it.
        also: "ended_ms = CASE WHEN answered_ms IS NULL THEN COALESCE(ended_ms, from_ms) ELSE ended_ms END",
        kept: None,
        columns: &[("thread", Pseudonym), ("clinic", Plain), ("kind", Plain), ("answered_by", Plain)],
    },
    // The bytes are files, named by their hash, that go with the row: `audio_doomed`.
    Table {
        name: "call_audio",
        russian: "Записи разговоров",
        whose: &[Of("call", "calls")],
        brings: &[],
        fate: Delete,
        also: "",
        kept: kept_with_parent(Term::Audio),
        columns: &[("call", Pseudonym), ("kind", Plain), ("sha256", Pseudonym)],
    },
    things("audio", &[("sha256", Pseudonym), ("kind", Plain)]),
    Table {
        name: "contacts",
        russian: "Контакт",
        whose: &[Phone("phone")],
        brings: &[],
        fate: Delete,
        also: "",
        kept: Some(Kept {
            term: Term::Contact,
            since: Some("updated_ms"),
            unless: Some(
                "EXISTS (SELECT 1 FROM calls AS k WHERE k.clinic = contacts.clinic AND k.caller = contacts.phone)
                 OR EXISTS (SELECT 1 FROM bookings AS k WHERE k.clinic = contacts.clinic AND k.phone = contacts.phone)",
            ),
            delete: true,
        }),
        columns: &[("clinic", Plain), ("phone", Personal(Empty)), ("id", Pseudonym), ("language", Plain)],
    },
    // That somebody agreed, when and how, must stay provable; who, only together with the clinic's key.
    Table {
        name: "consents",
        russian: "Согласия",
        whose: &[Phone("phone")],
        brings: &[],
        fate: Blanked,
        also: "",
        kept: Some(Kept {
            term: Term::Contact,
            since: Some("at_ms"),
            unless: Some(
                "EXISTS (SELECT 1 FROM contacts AS k WHERE k.clinic = consents.clinic AND k.phone = consents.phone)",
            ),
            delete: true,
        }),
        columns: &[
            ("id", Pseudonym),
            ("clinic", Plain),
            ("phone", Personal(Tombstone)),
            ("purpose", Plain),
            ("how", Plain),
            ("proof", Pseudonym),
            ("wording", Plain),
            ("made_by", Plain),
        ],
    },
    // After everything that a job may name.
    Table {
        name: "jobs",
        russian: "Порученная работа",
        whose: &[Mentions("payload"), Mentions("unique_key")],
        brings: &[],
        fate: Delete,
        also: "",
        kept: None,
        columns: &[
            ("id", Pseudonym),
            ("kind", Plain),
            ("payload", Personal(Text("{}"))),
            ("unique_key", Personal(Null)),
            ("state", Plain),
            ("last_error", Plain),
        ],
    },
    Table {
        name: "idempotent_answers",
        russian: "Ответы на запросы программ",
        whose: &[Mentions("body")],
        brings: &[],
        fate: Delete,
        also: "",
        kept: None,
        columns: &[("subject", Plain), ("request", Plain), ("body", Personal(Null))],
    },
    // Staff: their names go with their accounts.
    things(
        "users",
        &[
            ("id", Plain),
            ("login", Plain),
            ("name", Plain),
            ("language", Plain),
            ("password", Plain),
            ("totp", Plain),
            ("openid", Plain),
        ],
    ),
    things("user_roles", &[("user_id", Plain), ("clinic", Plain), ("role", Plain)]),
    things("recovery_codes", &[("user_id", Plain), ("hash", Plain)]),
    things(
        "sessions",
        &[("hash", Plain), ("id", Plain), ("user_id", Plain), ("csrf", Plain), ("clinic", Plain), ("agent", Plain)],
    ),
    things(
        "api_tokens",
        &[("id", Plain), ("hash", Plain), ("user_id", Plain), ("name", Plain), ("scopes", Plain), ("clinics", Plain)],
    ),
    things("account_links", &[("hash", Plain), ("kind", Plain), ("user_id", Plain), ("made_by", Plain)]),
    things("failed_sign_ins", &[("subject", Plain)]),
    things("rollup_dirty", &[("clinic", Plain)]),
    things("rollup_days", &[("clinic", Plain), ("category", Plain)]),
    things("rollup_hours", &[("clinic", Plain)]),
    things("rollup_waits", &[("clinic", Plain)]),
    things("rollup_visits", &[("clinic", Plain)]),
    things("rollup_dates", &[("clinic", Plain)]),
    things("rollup_spans", &[("clinic", Plain), ("category", Plain)]),
    things("rollup_span_hours", &[("clinic", Plain)]),
    things("rollup_span_waits", &[("clinic", Plain)]),
    things(
        "calendar_links",
        &[("clinic", Plain), ("doctor", Plain), ("digest", Plain), ("detail", Plain), ("created_by", Plain)],
    ),
    things(
        "audit",
        &[
            ("clinic", Plain),
            ("who", Plain),
            ("action", Plain),
            ("subject_kind", Plain),
            ("subject", Pseudonym),
            ("ip", Plain),
            ("detail", Plain),
            ("hash", Plain),
        ],
    ),
    things(
        "erasures",
        &[
            ("id", Plain),
            ("clinic", Plain),
            ("tombstone", Pseudonym),
            ("key_id", Plain),
            ("made_by", Plain),
            ("reason", Plain),
            ("state", Plain),
            ("report", Plain),
        ],
    ),
    things("erasure_subjects", &[("kind", Plain), ("subject", Pseudonym)]),
    things("audio_doomed", &[("sha256", Pseudonym)]),
    things("backups", &[("id", Plain), ("path", Plain), ("sha256", Plain), ("audit_hash", Plain)]),
    things("backup_erasures", &[("backup", Plain), ("erasure", Plain)]),
    things("feed", &[("id", Plain), ("clinic", Plain), ("kind", Plain), ("subject", Pseudonym), ("data", Plain)]),
    things("feed_readers", &[("name", Plain)]),
    // What is delivered is made anew each time of the feed and of the row it is about: nothing of it is kept here.
    things("endpoints", &[("name", Plain), ("state", Plain), ("reason", Plain)]),
    things(
        "deliveries",
        &[("endpoint", Plain), ("event", Plain), ("subject", Pseudonym), ("kind", Plain), ("state", Plain)],
    ),
    things("delivery_attempts", &[("endpoint", Plain), ("event", Plain), ("problem", Plain)]),
    things(
        "links",
        &[("connector", Plain), ("kind", Plain), ("ours", Pseudonym), ("theirs", Pseudonym), ("seen", Plain)],
    ),
    things("link_work", &[("connector", Plain), ("kind", Plain), ("ours", Pseudonym), ("last_error", Plain)]),
    things("link_cursors", &[("connector", Plain), ("cursor", Plain)]),
    things(
        "agent_states",
        &[("clinic", Plain), ("agent", Plain), ("state", Plain), ("reason", Plain), ("call", Pseudonym)],
    ),
    things(
        "flow_versions",
        &[
            ("digest", Plain),
            ("name", Plain),
            ("made_by", Plain),
            ("contract", Plain),
            ("capabilities", Plain),
            ("wasi", Plain),
            ("language", Plain),
            ("signature", Plain),
            ("signer", Plain),
        ],
    ),
    things(
        "flow_routes",
        &[
            ("clinic", Plain),
            ("entry", Plain),
            ("stable", Plain),
            ("candidate", Plain),
            ("shadow", Plain),
            ("previous", Plain),
            ("made_by", Plain),
        ],
    ),
    things(
        "flow_trials",
        &[
            ("id", Plain),
            ("clinic", Plain),
            ("digest", Plain),
            ("made_by", Plain),
            ("counts", Plain),
            ("problem", Plain),
        ],
    ),
    things(
        "flow_changes",
        &[
            ("clinic", Plain),
            ("entry", Plain),
            ("kind", Plain),
            ("digest", Plain),
            ("stable", Plain),
            ("cause", Plain),
            ("made_by", Plain),
            ("reason", Plain),
        ],
    ),
    things(
        "flow_schedule",
        &[
            ("id", Plain),
            ("clinic", Plain),
            ("entry", Plain),
            ("digest", Plain),
            ("how", Plain),
            ("made_by", Plain),
            ("result", Plain),
        ],
    ),
];

impl Table {
    /// Whether the table has this text column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| *name == column)
    }

    /// The column that batches of its rows are taken by.
    pub(crate) fn key(&self) -> Option<&'static str> {
        if self.has("id") { Some("id") } else { self.parent().map(|(column, _)| column) }
    }

    /// The row this table's rows belong to: column, table.
    pub(crate) fn parent(&self) -> Option<(&'static str, &'static str)> {
        self.whose.iter().find_map(|whose| match whose {
            Of(column, table) => Some((*column, *table)),
            _ => None,
        })
    }

    /// The personal columns.
    pub(crate) fn personal(&self) -> impl Iterator<Item = (&'static str, Blank)> {
        self.columns.iter().filter_map(|(name, holds)| match holds {
            Personal(blank) => Some((*name, *blank)),
            _ => None,
        })
    }
}

/// The table of that name.
pub(crate) fn table(name: &str) -> Option<&'static Table> {
    REGISTER.iter().find(|table| table.name == name)
}

#[cfg(test)]
mod tests;

//! People who write on the site: the robot answers, or calls a person, who comes sooner or later.

use records::{
    ChatChange, ChatDelivery, ChatMessage, ChatState, ChatThread, ChatWho, Pii, ROBOT, WaitChange, WaitKind,
};

use crate::Result;
use crate::phrases::CHATS;
use crate::world::{Event, STAFF, World};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

impl World {
    /// Somebody writes, and the robot answers in the same moment.
    pub(crate) async fn write(&mut self) -> Result<()> {
        let now_ms = self.clock.true_ms();
        let Some((asked, answer, person)) = self.dice.one(CHATS).copied() else { return Ok(()) };
        let who = self.somebody();
        let known = self.dice.percent(50).then(|| self.people[who].clone());
        let (phone, name) = known.map(|known| (known.phone, known.name)).unwrap_or_default();
        let id = records::id();
        let thread = ChatThread {
            id: id.clone(),
            clinic: self.month.clinic.id.clone(),
            channel: "site".to_owned(),
            external_id: Some(Pii::from(format!("key-of-{id}"))),
            phone,
            person: name,
            state: if person.is_some() { ChatState::Waiting } else { ChatState::Robot },
            operator: None,
            waiting_ms: person.is_some().then_some(now_ms),
            promised: false,
            last_seq: 0,
            generation: 0,
            started_ms: now_ms,
            visitor_ms: Some(now_ms),
            answered_ms: Some(now_ms + SECOND),
            last_ms: now_ms,
        };
        let mut waits =
            vec![WaitChange::Begin(WaitKind::First), WaitChange::Answered(WaitKind::First, ROBOT.to_owned())];
        waits.extend(person.map(|_| WaitChange::Begin(WaitKind::Person)));
        let event = if person.is_some() { "chat.waiting" } else { "chat.answered" };
        let robot = if person.is_some() { ChatWho::System } else { ChatWho::Robot };
        let said = [(ChatWho::Visitor, asked), (robot, answer)];
        self.change(thread, &said, waits, vec!["chat.opened", "chat.message", event]).await?;
        if person.is_some() {
            // Most within the minute that is the goal.
            let (soon, late) = ((15 * SECOND, 55 * SECOND), (MINUTE, 12 * MINUTE));
            let (from, to) = if self.dice.percent(75) { soon } else { late };
            let comes = now_ms + self.dice.between(from, to);
            self.at(comes, Event::Answer { thread: id });
        } else {
            self.at(now_ms + 30 * MINUTE, Event::Close { thread: id });
        }
        Ok(())
    }

    /// A person takes it over and answers, when the clinic is open.
    pub(crate) async fn answer(&mut self, thread: &str) -> Result<()> {
        let now_ms = self.clock.true_ms();
        // Who writes at night is answered in the morning.
        if !self.month.clinic.is_open(self.clock.shown()) {
            self.at(now_ms + 30 * MINUTE, Event::Answer { thread: thread.to_owned() });
            return Ok(());
        }
        let mut there = self.store.chat_thread(thread).await?;
        let messages = self.store.chat_messages(thread, 0, 1).await?;
        let asked = messages.first().map(|message| message.text.as_str());
        let answer = CHATS.iter().find(|chat| Some(chat.0) == asked).and_then(|chat| chat.2).unwrap_or_default();
        let operator = self.dice.one(&STAFF).copied().unwrap_or_default().to_owned();
        (there.state, there.operator) = (ChatState::Person, Some(operator.clone()));
        (there.waiting_ms, there.answered_ms) = (None, Some(now_ms));
        let waits = vec![WaitChange::Answered(WaitKind::Person, operator)];
        self.change(there, &[(ChatWho::Operator, answer)], waits, vec!["chat.taken", "chat.answered"]).await?;
        let over = now_ms + self.dice.between(5 * MINUTE, 40 * MINUTE);
        self.at(over, Event::Close { thread: thread.to_owned() });
        Ok(())
    }

    /// Nobody wrote any more.
    pub(crate) async fn close(&mut self, thread: &str) -> Result<()> {
        let mut there = self.store.chat_thread(thread).await?;
        there.state = ChatState::Closed;
        self.change(there, &[], Vec::new(), vec!["chat.closed"]).await
    }

    /// Writes a change down, a second between the lines.
    async fn change(
        &mut self,
        mut thread: ChatThread,
        said: &[(ChatWho, &str)],
        waits: Vec<WaitChange>,
        events: Vec<&'static str>,
    ) -> Result<()> {
        let now_ms = self.clock.true_ms();
        let mut messages = Vec::with_capacity(said.len());
        for (after, (who, text)) in (0..).zip(said) {
            thread.last_seq += 1;
            thread.last_ms = now_ms + after * SECOND;
            messages.push(ChatMessage {
                thread: thread.id.clone(),
                seq: thread.last_seq,
                who: *who,
                operator: thread.operator.clone().filter(|_| *who == ChatWho::Operator),
                text: Pii::from(*text),
                buttons: Vec::new(),
                canned: None,
                at_ms: thread.last_ms,
                external_id: None,
                delivery: if *who == ChatWho::Visitor { ChatDelivery::In } else { ChatDelivery::Sent },
            });
        }
        let change = ChatChange { thread, messages, waits, events, jobs: Vec::new(), at_ms: now_ms };
        self.store.chat_apply(&change).await?;
        Ok(())
    }
}

//! The flow of the telephony bench: a prompt after a prompt, which the caller may interrupt by voice, until they hang up.

use gudok_flow::{Flow, Stop, export, say};

struct PromptAfterPrompt;

impl Flow for PromptAfterPrompt {
    fn run() -> Result<(), Stop> {
        loop {
            say("Здравствуйте. Все операторы заняты, но ваш звонок нам важен. Оставайтесь, пожалуйста, на линии.")?;
        }
    }
}

export!(PromptAfterPrompt);

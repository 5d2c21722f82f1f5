//! What was meant: category of a call, date and time, phone, yes/no, names, animals, questions.
//!
//! Everything here is a pure function of the words: no clock, no network, no state. "Now", opening hours and the
//! clinic's own lists are arguments. Recognised speech comes damaged, so words are matched on stems and within a small
//! edit distance, and a result says when it does not know instead of guessing.
//!
//! Layout: [`normalise`] is the ground (tokens with positions, stems, tolerant comparison); the slots
//! ([`datetime`], [`yes_no`], [`phone`], [`name`], [`animal`], [`age`], [`symptom`], [`choice`], [`number`]) and [`faq`] stand on it, as do
//! [`lexicon`], [`intent`] and [`category`], which also look at the clinic's [`profile`]. [`faq`] and [`category`] may ask for
//! the [`meaning`] of sentences, too.

pub mod age;
pub mod animal;
pub mod category;
pub mod choice;
pub mod datetime;
pub mod faq;
pub mod intent;
pub mod lexicon;
pub mod meaning;
pub mod name;
pub mod normalise;
pub mod number;
pub mod phone;
pub mod profile;
pub mod symptom;
pub mod yes_no;

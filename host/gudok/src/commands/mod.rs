//! One module per command.

pub mod audit;
pub mod backup;
pub mod call;
pub mod category;
pub mod classify;
pub mod demo;
pub mod dial;
pub mod doctor;
pub mod evaluate;
pub mod flow;
pub mod import;
pub mod import_asterisk;
pub mod models;
pub mod person;
pub mod report;
pub mod retag;
pub mod review;
pub mod serve;
pub mod simulate;
pub mod train;
pub mod transcribe;
pub mod understand;
pub mod user;

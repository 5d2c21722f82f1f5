//! The front desk of a veterinary clinic: answers questions, books, moves and cancels visits, sends to people.
//!
//! The rules of the house, kept in every turn:
//! - «оператор» or 0 leads to a person from anywhere, and so do two misunderstandings in a row;
//! - a danger to life goes to a person before anything else is asked;
//! - nothing is called booked before the clinic's schedule says so, and what was agreed is read back first;
//! - a caller who cancels is offered another time first;
//! - when no person is there, a call-back is promised and written down;
//! - when all lines are busy, the call-back is offered before anything is asked, and the robot helps whoever stays.
//!
//! Layout: [`desk`] the first question and what follows · [`booking`] a new visit · [`change`] one's own visits ·
//! [`slots`] agreeing on a time · [`answers`] questions · [`facts`] what the clinic tells of itself before its list of
//! questions · [`handover`] people and call-backs · [`overload`] all lines busy · [`talk`] asking so that misunderstandings
//! end somewhere.

mod answers;
mod booking;
mod change;
mod desk;
mod facts;
mod handover;
mod overload;
mod slots;
mod talk;

struct VetDesk;

impl gudok_flow::Flow for VetDesk {
    fn run() -> Result<(), gudok_flow::Stop> {
        desk::Desk::open().serve()
    }
}

gudok_flow::export!(VetDesk);

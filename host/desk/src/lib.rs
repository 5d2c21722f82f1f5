//! The clinic's business: catalogue, schedule, bookings, call-backs.

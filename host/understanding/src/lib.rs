//! What was meant: category of a call, date and time, phone, yes/no, names, animals, questions.

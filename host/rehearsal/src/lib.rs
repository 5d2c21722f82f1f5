//! A flow at the desk: scripted conversations in virtual time, coverage, walks.

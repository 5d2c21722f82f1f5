//! Where the weights come from, and whether they are here.

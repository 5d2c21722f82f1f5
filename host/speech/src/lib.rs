//! Ears and mouth: recognisers and voices behind two traits, and how Russian is read aloud.

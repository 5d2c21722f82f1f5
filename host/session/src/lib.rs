//! A live call: drives the call core with a door's frames, ears, mouth, a flow and the desk.

//! The rig for a person: starts the real systems and says how to reach them.

fn main() {}
